/** How fast something happened. Pure: times are in milliseconds, oldest first. */

/** The most within any second. */
export function mostInASecond(times: readonly number[]): number {
  let most = 0
  let from = 0
  for (const [to, timeMs] of times.entries()) {
    while ((times[from] ?? 0) <= timeMs - 1_000) from++
    most = Math.max(most, to - from + 1)
  }
  return most
}

/** Events in one second, once it runs evenly. */
export function pacePerSecond(times: readonly number[]): number {
  const [first = 0, last = 0] = [times[0], times.at(-1)]
  return (times.length - 1) / ((last - first) / 1_000)
}
