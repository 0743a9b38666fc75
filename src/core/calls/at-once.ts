/**
 * Does the work for each item, for at most so many at the same time.
 * @returns the results in the order of the items
 * @throws the first failure; what had begun by then goes on
 */
export async function atOnce<T, R>(items: readonly T[], most: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const left = items.entries()
  const runner = async () => {
    for (const [index, item] of left) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, runner))
  return results
}
