/** Reads sender connections; remembered, since each event, each call and each webhook needs them. */

import { LRUCache } from 'lru-cache'
import type { ProviderDefinition } from '../contract/provider.ts'
import type { Database } from '../storage/database.ts'
import { isDatabaseAway } from '../storage/database-errors.ts'
import { type ConnectionRow, connectionSelect, fromRow } from './connection-rows.ts'
import type { Connection } from './connections.ts'
import type { SecretBox } from './secret-box.ts'

/** A connection, and the account among whose connections it is listed. */
export interface ConnectionRef {
  readonly id: number
  readonly accountId: number
}

export interface ConnectionPage {
  readonly accountId?: number | undefined
  readonly limit: number
  /** Id of the last one of the page before. */
  readonly cursor?: number | undefined
}

export interface ConnectionReader {
  byId(id: number): Promise<Connection | undefined>
  /** Undefined also when it was deleted. */
  byWebhookKey(key: string): Promise<Connection | undefined>
  /** Those of an account, or of all; without those that were deleted, oldest first. */
  list(accountId?: number): Promise<readonly Connection[]>
  /** Those that fit a condition of SQL, as they are now, oldest first; `$1`, `$2`, ... are bound. */
  find(where: string, ...bind: (string | number)[]): Promise<readonly Connection[]>
  /** A page of those that are not deleted, as they are now, oldest first. */
  page(filter: ConnectionPage): Promise<readonly Connection[]>
  /** Forgets what is remembered: of one connection that was changed, or of all. */
  drop(changed?: ConnectionRef): void
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

interface Question {
  readonly name: string
  readonly where: string
  readonly bind: readonly (string | number)[]
  /** Under which name what was found is remembered; default: its own. */
  readonly nameOf?: (found: readonly Connection[]) => string
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
  /** A key stays with its connection for ever, so only the connection itself can be out of date. */
  const idOfKey = new LRUCache<string, number>({ max: maxRemembered })
  let drops = 0

  const find = async (where: string, bind: readonly (string | number)[], limit?: number) => {
    const most = limit === undefined ? '' : ` LIMIT ${limit}`
    const rows = await database.select<ConnectionRow>(`${connectionSelect} WHERE ${where} ORDER BY id${most}`, bind)
    return rows.map((row) => fromRow(row, deps))
  }
  const remember = (name: string, entry: Remembered) => {
    const [into, outOf] = entry.found.length > 0 ? [present, absent] : [absent, present]
    outOf.delete(name)
    into.set(name, entry)
  }
  const ask = async ({ name, where, bind, nameOf = () => name }: Question) => {
    const known = present.get(name) ?? absent.get(name)
    if (known && nowMs() - known.askedAtMs < cacheMs) return known.found
    const dropsBefore = drops
    const askedAtMs = nowMs()
    try {
      const found = await find(where, bind)
      // Dropped while it was being read: it may be from before the change.
      if (drops === dropsBefore) remember(nameOf(found), { found, askedAtMs })
      return found
    } catch (error) {
      // Webhooks are verified and kept elsewhere while the database is away; credentials do not grow old that fast.
      if (known && known.found.length > 0 && isDatabaseAway(error)) return known.found
      throw error
    }
  }
  const byId = async (id: number) => (await ask({ name: idName(id), where: 'id = $1', bind: [id] }))[0]
  const lookUpKey = async (key: string) => {
    const name = `key/${key}`
    const nameOf = ([found]: readonly Connection[]) => (found ? idName(found.id) : name)
    const [found] = await ask({ name, where: "webhook_key = $1 AND state <> 'deleted'", bind: [key], nameOf })
    if (found) idOfKey.set(key, found.id)
    return found
  }
  return {
    byId,
    async byWebhookKey(key) {
      const id = idOfKey.get(key)
      const known = id === undefined ? undefined : await byId(id)
      // One that was deleted takes the same look-up as one that never was.
      return known && known.state !== 'deleted' ? known : lookUpKey(key)
    },
    list: (accountId) =>
      accountId === undefined
        ? ask({ name: everybody, where: "state <> 'deleted'", bind: [] })
        : ask({ name: accountName(accountId), where: "account_id = $1 AND state <> 'deleted'", bind: [accountId] }),
    find: (where, ...bind) => find(where, bind),
    page: ({ accountId, limit, cursor = 0 }) =>
      accountId === undefined
        ? find("state <> 'deleted' AND id > $1", [cursor], limit)
        : find("state <> 'deleted' AND id > $1 AND account_id = $2", [cursor, accountId], limit),
    drop(changed) {
      drops++
      for (const cache of [present, absent]) {
        if (!changed) cache.clear()
        else for (const name of [idName(changed.id), accountName(changed.accountId), everybody]) cache.delete(name)
      }
    },
  }
}

const idName = (id: number) => `id/${id}`
const accountName = (accountId: number) => `account/${accountId}`
const everybody = 'all'
