/** Collections that forget their oldest entries, so that a long benchmark does not fill the memory. */

export interface Ring<T> {
  push(item: T): void
  /** Oldest first; the newest `limit` of them. */
  list(limit?: number): T[]
  clear(): void
}

export function createRing<T>(size: number): Ring<T> {
  let items: T[] = []
  return {
    push(item) {
      items.push(item)
      // Trimmed rarely, so that the cost of a push stays constant.
      if (items.length >= size * 2) items = items.slice(-size)
    },
    list: (limit = size) => (limit <= 0 ? [] : items.slice(-Math.min(limit, size))),
    clear() {
      items = []
    },
  }
}

/** Sets a key of a map that holds at most `size` entries; the oldest key goes first. */
export function setBounded<K, V>(map: Map<K, V>, key: K, value: V, size: number): void {
  map.set(key, value)
  if (map.size <= size) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
