/**
 * Does the work for each item, for at most so many at the same time.
 * @returns the results in the order of the items
 * @throws the first failure, once all of it has ended: whoever repeats it does not meet what is still under way
 */
export async function atOnce<T, R>(items: readonly T[], most: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const left = items.entries()
  const runner = async () => {
    for (const [index, item] of left) results[index] = await work(item)
  }
  const ends = await Promise.allSettled(Array.from({ length: Math.min(most, items.length) }, runner))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  return results
}
