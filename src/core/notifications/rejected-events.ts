/** What could not be used: kept with its reason, shown, and replayable once the cause is gone. */

import { createHash } from 'node:crypto'
import { writeAudit } from '../audit/audit-log.ts'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows, selectIn } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'

export interface Rejection {
  readonly source: 'event' | 'webhook'
  readonly connectionId?: number
  /** Whose it is; absent = nobody can tell. */
  readonly accountId?: number
  /** Stable code, e.g. `missing_phone`. */
  readonly reason: string
  readonly detail: string
  readonly body: Buffer
}

export interface RejectedEvent {
  readonly id: number
  readonly source: string
  readonly accountId: number | null
  readonly reason: string
  readonly detail: string | null
  /** `erased`: its time was over or its person was erased, and its body with them. */
  readonly state: 'parked' | 'replayed' | 'erased'
  readonly createdAt: string
}

/** As lists show it. */
export interface ListedRejectedEvent extends RejectedEvent {
  /** In bytes, of the whole body. */
  readonly size: number
  /** Its first bytes, 4,096 at most: enough to see what it is. */
  readonly start: Buffer
}

/** As it is replayed. */
export interface WholeRejectedEvent extends RejectedEvent {
  readonly body: Buffer
}

export interface RejectedFilter {
  readonly accountId?: number | undefined
  readonly limit: number
  /** Id of the last entry of the page before. */
  readonly cursor?: number | undefined
}

export interface RejectedEvents {
  /** Parks bodies; the same body from the same source is kept once. Resolves with the ids, in order. */
  park(tx: Executor, rejections: readonly Rejection[], now: Date): Promise<number[]>
  /** Newest first. */
  list(filter: RejectedFilter): Promise<ListedRejectedEvent[]>
  get(id: number): Promise<WholeRejectedEvent | undefined>
  /** @param actor who replayed it, @param outcome what became of it */
  markReplayed(event: RejectedEvent, actor: string, outcome: string, now: Date): Promise<void>
}

/** What is longer is kept cut: it is no event, and shows what it is by its start. */
const keptBytes = 1024 * 1024
const listedBytes = 4_096
const facts = 'id, source, account_id AS accountId, reason, detail, state, created_at AS createdAt'
/** A page of whole bodies would be 200 MB. SQLite's start of an empty one is null. */
const selectStart = `SELECT ${facts}, LENGTH(body) AS size,
  COALESCE(SUBSTR(body, 1, ${listedBytes}), body) AS start FROM rejected_events`
const selectWhole = `SELECT ${facts}, body FROM rejected_events`

export function createRejectedEvents(database: Database): RejectedEvents {
  return {
    async park(tx, rejections, now) {
      const at = sqlTime(now)
      const entries = rejections.map((rejection) => ({ rejection, hash: hashOf(rejection) }))
      const sorted = [...entries].sort((a, b) => (a.hash < b.hash ? -1 : 1))
      const rows = sorted.map(({ rejection, hash }) => ({
        source: rejection.source,
        connection_id: rejection.connectionId ?? null,
        account_id: rejection.accountId ?? null,
        reason: rejection.reason.slice(0, 64),
        detail: rejection.detail.slice(0, 1024),
        body: rejection.body.subarray(0, keptBytes),
        body_hash: hash,
        state: 'parked',
        created_at: at,
        updated_at: at,
      }))
      for (const group of bySize(rows))
        await insertRows(tx, 'rejected_events', group, database.keepExisting, ['body_hash'])
      const head = 'SELECT id, body_hash FROM rejected_events WHERE body_hash'
      const found = await selectIn<{ id: number; body_hash: string }>(
        tx,
        head,
        entries.map((entry) => entry.hash),
      )
      const ids = new Map(found.map((row) => [row.body_hash, Number(row.id)]))
      return entries.map((entry) => ids.get(entry.hash) ?? 0)
    },
    list({ accountId, limit, cursor = Number.MAX_SAFE_INTEGER }) {
      const ofAccount = accountId === undefined ? '' : 'account_id = $2 AND '
      const bind = accountId === undefined ? [cursor] : [cursor, accountId]
      return database.select(`${selectStart} WHERE ${ofAccount}id < $1 ORDER BY id DESC LIMIT ${limit}`, bind)
    },
    get: async (id) => (await database.select<WholeRejectedEvent>(`${selectWhole} WHERE id = $1`, [id]))[0],
    async markReplayed({ id, accountId, state }, actor, outcome, now) {
      const subject = { subjectType: 'rejected_event', subjectId: String(id), accountId }
      const detail = { before: { state }, after: { state: 'replayed', outcome } }
      await database.transaction(async (tx) => {
        await tx.write("UPDATE rejected_events SET state = 'replayed', updated_at = $2 WHERE id = $1", [
          id,
          sqlTime(now),
        ])
        await writeAudit(tx, { actor, action: 'rejected_event.replay', ...subject, detail }, now)
      })
    },
  }
}

const hashOf = ({ source, connectionId, body }: Rejection): string =>
  createHash('sha256')
    .update(`${source}/${connectionId ?? ''}/`)
    .update(body)
    .digest('hex')

/** A statement must stay well below the server's packet limit (16 MB by default). */
const statementBytes = 4 * 1024 * 1024

function bySize<R extends { readonly body: Buffer }>(rows: readonly R[]): R[][] {
  const groups: R[][] = [[]]
  let bytes = 0
  for (const row of rows) {
    bytes += row.body.length
    if (bytes > statementBytes) {
      groups.push([])
      bytes = row.body.length
    }
    groups.at(-1)?.push(row)
  }
  return groups
}
