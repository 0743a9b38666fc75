/** Durations in bins whose width grows with them, so that medians of parts can be merged into that of the whole: pure. */

/** Number of the first bin that is not empty, then the counts up to the last one that is not; empty = no duration. */
export type Histogram = readonly number[]

/** Bins per doubling: a bin's middle is at most 4.5 % away from anything in it. */
const binsPerDoubling = 8

/** Number of the bin of a duration (ms); whatever is below one is in bin 0. */
const binOf = (ms: number): number => (ms < 1 ? 0 : 1 + Math.floor(Math.log2(ms) * binsPerDoubling))

/** The duration that stands for a bin (ms). */
const middleOf = (bin: number): number => (bin === 0 ? 0 : Math.round(2 ** ((bin - 0.5) / binsPerDoubling)))

/** Of a single duration (ms). */
export const histogramOf = (ms: number): Histogram => [binOf(ms), 1]

/** The sum of two, or with -1 their difference. */
export function addHistograms(a: Histogram, b: Histogram, times = 1): Histogram {
  if (b.length === 0) return a
  const [firstOfA = b[0] ?? 0, ...countsOfA] = a
  const firstOfB = b[0] ?? 0
  const first = Math.min(firstOfA, firstOfB)
  const end = Math.max(firstOfA + countsOfA.length, firstOfB + b.length - 1)
  const sum = new Array<number>(end - first).fill(0)
  for (let index = 0; index < countsOfA.length; index++) sum[firstOfA - first + index] = countsOfA[index] ?? 0
  for (let index = 1; index < b.length; index++) {
    const place = firstOfB - first + index - 1
    sum[place] = (sum[place] ?? 0) + (b[index] ?? 0) * times
  }
  return trimmed(first, sum)
}

/** Equal counts are equal arrays. */
function trimmed(first: number, counts: readonly number[]): Histogram {
  const from = counts.findIndex((count) => count !== 0)
  const to = counts.findLastIndex((count) => count !== 0)
  return from === -1 ? [] : [first + from, ...counts.slice(from, to + 1)]
}

/**
 * The duration (ms) that a share of all durations do not exceed.
 * @param share above 0, at most 1
 * @returns null where there is no duration
 */
export function quantile([first = 0, ...counts]: Histogram, share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0)
  let left = Math.ceil(total * share)
  for (const [index, count] of counts.entries()) {
    left -= count
    if (left <= 0) return middleOf(first + index)
  }
  return null
}
