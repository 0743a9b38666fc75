/** When to look again for the message that something unmatched belongs to: its id may become known later. */

const secondMs = 1_000
const waitsMs = [1, 5, 30, 120, 600, 3_600, 21_600, 86_400, 172_800, 345_600].map((seconds) => seconds * secondMs)

/**
 * @param tries how often it was looked for before
 * @returns the next time, or null after about a week
 */
export function nextLook(tries: number, now: Date): Date | null {
  const wait = waitsMs[tries]
  return wait === undefined ? null : new Date(now.getTime() + wait)
}
