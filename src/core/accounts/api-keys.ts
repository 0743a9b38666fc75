/** Keys by which clients call the API. Only their hashes are stored. */

import { createHash, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { writeAudit } from '../audit/audit-log.ts'
import type { Database, Row } from '../storage/database.ts'
import { insertRows, updateWhereIn } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import { createReadCache } from './read-cache.ts'

/** `read`: look. `send`: let messages go out again. `manage`: settings, connections and keys. None implies another. */
export const scopes = ['read', 'send', 'manage'] as const
export type Scope = (typeof scopes)[number]

export interface ApiKey {
  readonly id: number
  readonly accountId: number
  readonly name: string
  /** How it begins, by which people know it again. */
  readonly prefix: string
  readonly scopes: readonly Scope[]
  /** Who made it: `admin`, or the prefix of another key. */
  readonly createdBy: string
  readonly expiresAt: Date | null
  /** To the minute. */
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
  readonly createdAt: Date | null
}

export interface ApiKeyDraft {
  readonly accountId: number
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly expiresAt: Date | null
}

export interface ApiKeyFilter {
  readonly accountId?: number | undefined
  readonly limit: number
  /** Id of the last key of the page before. */
  readonly cursor?: number | undefined
}

export class TooManyKeysError extends Error {
  override readonly name = 'TooManyKeysError'
  constructor() {
    super(`an account has ${maxKeys} keys at most; revoke one that is not needed any more`)
  }
}

export interface ApiKeys {
  /**
   * Makes a key, which is never to be seen again after that.
   * @throws {TooManyKeysError}
   */
  create(draft: ApiKeyDraft, actor: string): Promise<{ apiKey: ApiKey; key: string }>
  /** Newest first, also those that work no longer. */
  list(filter: ApiKeyFilter): Promise<ApiKey[]>
  /** Ends a key; true also when it had ended before, false when there is none. */
  revoke(id: number, actor: string): Promise<boolean>
  /** Keys that work now and were made with this one, or with one that was: ending it ends none of them. Oldest first. */
  activeDescendants(id: number): Promise<ApiKey[]>
  /** The key that is meant, if it works now. */
  check(key: string): Promise<ApiKey | undefined>
  /** Writes down which keys were used since it was called last. */
  flushUsed(): Promise<void>
  /** Forgets what is cached. */
  drop(): void
}

export interface ApiKeysDeps {
  readonly database: Database
  readonly now: () => Date
  /** Told after a key was revoked. */
  readonly onChange?: () => void
}

/** How long a replica that missed the news goes on to take a key that was revoked. */
const cacheMs = 2_000
const maxCached = 10_000
const usedEveryMs = 60_000
const maxKeys = 100

const start = 'fdrg_'
const keyPattern = /^fdrg_[\w-]{43}$/
const shownLength = start.length + 8

/**
 * Plain and fast: a slow hash protects words that people choose. Of 256 random bits nobody guesses one, however fast
 * the hash is, and each request would pay for a slow one. A keyed hash would die with the key ring.
 */
const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex')

const select = `SELECT id, account_id, name, prefix, scopes, created_by, expires_at, last_used_at, revoked_at, created_at
  FROM api_keys`

export function createApiKeys(deps: ApiKeysDeps): ApiKeys {
  const { database, now, onChange } = deps
  const used = createUsedKeys(database)
  const cache = createReadCache<string, ApiKey>({
    max: maxCached,
    maxAgeMs: cacheMs,
    read: async (hash) => {
      const [row] = await database.select<Row>(`${select} WHERE key_hash = $1`, [hash])
      return row && fromRow(row)
    },
  })
  return {
    create: (draft, actor) => create(database, draft, actor, now()),
    async list({ accountId, limit, cursor = Number.MAX_SAFE_INTEGER }) {
      const ofAccount = accountId === undefined ? '' : 'account_id = $2 AND '
      const rows = await database.select<Row>(
        `${select} WHERE ${ofAccount}id < $1 ORDER BY id DESC LIMIT ${limit}`,
        accountId === undefined ? [cursor] : [cursor, accountId],
      )
      return rows.map(fromRow)
    },
    async revoke(id, actor) {
      const isThere = await revoke(database, id, actor, now())
      cache.clear()
      onChange?.()
      return isThere
    },
    activeDescendants: (id) => activeDescendants(database, id, now()),
    async check(key) {
      if (!keyPattern.test(key)) return undefined
      const found = await cache.fetch(hashOf(key))
      if (!found || stateOf(found, now()) !== 'active') return undefined
      used.note(found, now())
      return found
    },
    flushUsed: () => used.flush(now()),
    drop: () => cache.clear(),
  }
}

/** Does it work at this time? */
export function stateOf({ revokedAt, expiresAt }: ApiKey, at: Date): 'active' | 'expired' | 'revoked' {
  if (revokedAt) return 'revoked'
  return expiresAt && expiresAt <= at ? 'expired' : 'active'
}

async function create(database: Database, draft: ApiKeyDraft, actor: string, now: Date) {
  const key = `${start}${randomBytes(32).toString('base64url')}`
  const hash = hashOf(key)
  const prefix = key.slice(0, shownLength)
  const row = await database.transaction(async (tx) => {
    const [count] = await tx.select<{ n: number }>(
      `SELECT COUNT(*) AS n FROM api_keys
       WHERE account_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`,
      [draft.accountId, sqlTime(now)],
    )
    if (Number(count?.n) >= maxKeys) throw new TooManyKeysError()
    const values = {
      account_id: draft.accountId,
      name: draft.name,
      prefix,
      key_hash: hash,
      scopes: draft.scopes.join(','),
      created_by: actor,
      expires_at: sqlTime(draft.expiresAt),
      created_at: sqlTime(now),
      updated_at: sqlTime(now),
    }
    await insertRows(tx, 'api_keys', [values])
    const [created] = await tx.select<Row>(`${select} WHERE key_hash = $1`, [hash])
    if (!created) throw new Error('the key that was just made is not there')
    const { name, scopes: granted, expiresAt } = draft
    const detail = { before: null, after: { prefix, name, scopes: granted, expiresAt } }
    await writeAudit(tx, { actor, action: 'api_key.create', ...subjectOf(created), detail }, now)
    return created
  })
  return { apiKey: fromRow(row), key }
}

function revoke(database: Database, id: number, actor: string, now: Date): Promise<boolean> {
  return database.transaction(async (tx) => {
    const [row] = await tx.select<Row>(`${select} WHERE id = $1${database.forUpdate}`, [id])
    if (!row) return false
    if (row.revoked_at) return true
    await tx.write('UPDATE api_keys SET revoked_at = $2, updated_at = $2 WHERE id = $1', [id, sqlTime(now)])
    const detail = { before: { revokedAt: null }, after: { revokedAt: now, prefix: row.prefix, name: row.name } }
    await writeAudit(tx, { actor, action: 'api_key.revoke', ...subjectOf(row), detail }, now)
    return true
  })
}

async function activeDescendants(database: Database, id: number, now: Date): Promise<ApiKey[]> {
  const sql = `${select} WHERE account_id = (SELECT account_id FROM api_keys WHERE id = $1) AND id >= $1 ORDER BY id`
  const [ancestor, ...others] = (await database.select<Row>(sql, [id])).map(fromRow)
  const makers = new Set([ancestor?.prefix])
  // Oldest first, a maker always comes before what it made.
  const made = others.filter(({ prefix, createdBy }) => makers.has(createdBy) && makers.add(prefix))
  return made.filter((apiKey) => stateOf(apiKey, now) === 'active')
}

const subjectOf = (row: Row) => ({
  subjectType: 'api_key',
  subjectId: String(row.id),
  accountId: Number(row.account_id),
})

/** Notes uses, each key at most once a minute, and writes them in groups. */
function createUsedKeys(database: Database) {
  const noted = new LRUCache<number, true>({ max: maxCached, ttl: usedEveryMs })
  let waiting = new Set<number>()
  return {
    note({ id, lastUsedAt }: ApiKey, at: Date): void {
      const isKnown = lastUsedAt !== null && at.getTime() - lastUsedAt.getTime() < usedEveryMs
      if (isKnown || noted.has(id)) return
      noted.set(id, true)
      waiting.add(id)
    },
    async flush(at: Date): Promise<void> {
      if (waiting.size === 0) return
      // Sorted keys: replicas that write at once take their locks in the same order.
      const ids = [...waiting].sort((a, b) => a - b)
      waiting = new Set()
      await updateWhereIn(database, 'api_keys', { last_used_at: sqlTime(at) }, 'id', ids)
    },
  }
}

const fromRow = (row: Row): ApiKey => ({
  id: Number(row.id),
  accountId: Number(row.account_id),
  name: String(row.name),
  prefix: String(row.prefix),
  scopes: String(row.scopes).split(',') as Scope[],
  createdBy: String(row.created_by),
  expiresAt: fromSqlTime(row.expires_at),
  lastUsedAt: fromSqlTime(row.last_used_at),
  revokedAt: fromSqlTime(row.revoked_at),
  createdAt: fromSqlTime(row.created_at),
})
