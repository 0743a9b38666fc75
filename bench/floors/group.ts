/** Natural grouping: whatever gathered while the previous flush was in flight, at most 64, no timer. */

export const groupSize = 64

export type Grouped<T, R> = (item: T) => Promise<R>

export function grouped<T, R>(flush: (items: readonly T[]) => Promise<readonly R[]>): Grouped<T, R> {
  const waiting: { item: T; resolve: (result: R) => void; reject: (error: unknown) => void }[] = []
  let isFlushing = false

  const pump = async () => {
    isFlushing = true
    while (waiting.length > 0) {
      const group = waiting.splice(0, groupSize)
      try {
        const results = await flush(group.map((entry) => entry.item))
        for (const [index, entry] of group.entries()) entry.resolve(results[index] as R)
      } catch (error) {
        for (const entry of group) entry.reject(error)
      }
    }
    isFlushing = false
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (!isFlushing) {
        isFlushing = true
        setImmediate(() => void pump())
      }
    })
}
