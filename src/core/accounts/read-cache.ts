/** A cache of what is read from the database, whose entries are as old as the questions that brought them. */

import { LRUCache } from 'lru-cache'

interface ReadCacheOptions<K extends {}, V extends {}> {
  /** Entries at most. */
  readonly max: number
  /** How long a replica that missed the news of a change goes on with what it read. */
  readonly maxAgeMs: number
  /** Undefined = there is no such thing, which is not remembered. */
  readonly read: (key: K) => Promise<V | undefined>
  /** A clock that never goes back. Default: the process's own. */
  readonly nowMs?: (() => number) | undefined
}

export function createReadCache<K extends {}, V extends {}>(options: ReadCacheOptions<K, V>): LRUCache<K, V> {
  const { max, maxAgeMs, read, nowMs = () => performance.now() } = options
  return new LRUCache<K, V>({
    max,
    ttl: maxAgeMs,
    ttlResolution: 0,
    perf: { now: nowMs },
    // Dropped while it was being read: whoever asked gets what was read, and nobody after them.
    ignoreFetchAbort: true,
    fetchMethod: async (key, _, { options: entry }) => {
      const askedAtMs = nowMs()
      const found = await read(key)
      // A change may have come right after the question, however long the answer took.
      entry.ttl = Math.max(1, maxAgeMs - (nowMs() - askedAtMs))
      return found
    },
  })
}
