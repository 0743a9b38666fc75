/** Reads sender connections; remembered, since each event, each call and each webhook needs them. */

import { LRUCache } from 'lru-cache'
import type { ProviderDefinition } from '../contract/provider.ts'
import type { Database } from '../storage/database.ts'
import { isDatabaseAway } from '../storage/database-errors.ts'
import { type ConnectionRow, connectionSelect, fromRow } from './connection-rows.ts'
import type { Connection } from './connections.ts'
import type { SecretBox } from './secret-box.ts'

export interface ConnectionReader {
  /** Those that fit a condition of SQL, oldest first; `$1`, `$2`, ... are bound. */
  select(where: string, ...bind: (string | number)[]): Promise<readonly Connection[]>
  /** Forgets what is remembered. */
  drop(): void
}

export interface ConnectionReaderDeps {
  readonly database: Database
  readonly secrets: SecretBox
  readonly providerById: (id: string) => ProviderDefinition | undefined
  /** A clock that never goes back. Default: the process's own. */
  readonly nowMs?: () => number
}

interface Remembered {
  readonly found: readonly Connection[]
  /** When it was asked for: a change may have come right after. */
  readonly askedAtMs: number
}

/** Bounds how long a replica that missed the news of a change goes on with the old ones. */
const cacheMs = 30_000
const maxRemembered = 20_000
/** Anybody may ask for what there is not, with ever other keys: that pushes out nothing that there is. */
const maxAbsent = 1_000

export function createConnectionReader(deps: ConnectionReaderDeps): ConnectionReader {
  const { database, nowMs = () => performance.now() } = deps
  const present = new LRUCache<string, Remembered>({ max: maxRemembered })
  const absent = new LRUCache<string, Remembered>({ max: maxAbsent })
  let drops = 0

  const read = async (where: string, bind: (string | number)[]) => {
    const rows = await database.select<ConnectionRow>(`${connectionSelect} WHERE ${where} ORDER BY id`, bind)
    return rows.map((row) => fromRow(row, deps))
  }
  const remember = (key: string, entry: Remembered) => {
    const [into, outOf] = entry.found.length > 0 ? [present, absent] : [absent, present]
    outOf.delete(key)
    into.set(key, entry)
  }
  return {
    async select(where, ...bind) {
      const key = `${where}:${bind.join('/')}`
      const known = present.get(key) ?? absent.get(key)
      if (known && nowMs() - known.askedAtMs < cacheMs) return known.found
      const dropsBefore = drops
      const askedAtMs = nowMs()
      try {
        const found = await read(where, bind)
        // Dropped while it was being read: it may be from before the change.
        if (drops === dropsBefore) remember(key, { found, askedAtMs })
        return found
      } catch (error) {
        // Webhooks are verified and kept elsewhere while the database is away; credentials do not grow old that fast.
        if (known && known.found.length > 0 && isDatabaseAway(error)) return known.found
        throw error
      }
    },
    drop() {
      drops++
      present.clear()
      absent.clear()
    },
  }
}
