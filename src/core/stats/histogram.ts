/** Durations in bins whose width grows with them, so that medians of parts can be merged into that of the whole: pure. */

/** Bins per doubling: a bin's middle is at most 4.5 % away from anything in it. */
const binsPerDoubling = 8

/** Number of the bin of a duration (ms); whatever is not positive is in bin 0. */
export const binOf = (ms: number): number => (ms < 1 ? 0 : 1 + Math.floor(Math.log2(ms) * binsPerDoubling))

/** The duration that stands for a bin (ms). */
const middleOf = (bin: number): number => (bin === 0 ? 0 : Math.round(2 ** ((bin - 0.5) / binsPerDoubling)))

/**
 * The duration (ms) that a share of all durations do not exceed.
 * @param bins number of the bin -> how many durations
 * @param share above 0, at most 1
 * @returns null where there is no duration
 */
export function quantile(bins: ReadonlyMap<number, number>, share: number): number | null {
  const total = [...bins.values()].reduce((sum, count) => sum + count, 0)
  let left = Math.ceil(total * share)
  for (const [bin, count] of [...bins].sort(([a], [b]) => a - b)) {
    left -= count
    if (left <= 0 && total > 0) return middleOf(bin)
  }
  return null
}
