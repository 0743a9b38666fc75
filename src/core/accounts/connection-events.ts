/** News about sender connections as rows: stored before the provider gets its 200, applied afterwards, shown to operators. */

import { createHash } from 'node:crypto'
import type { AccountNews, NewsEffect } from '../contract/events.ts'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows, updateRows, type Values } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'

export interface ReceivedAccountNews {
  readonly connectionId: number
  readonly accountId: number
  readonly news: AccountNews
}

/** Stored news whose effects wait to be applied. */
export interface PendingAccountNews {
  readonly id: number
  readonly connectionId: number
  readonly effects: readonly NewsEffect[]
  /** The provider's own time, or that of arrival. */
  readonly at: Date
  readonly tries: number
}

export interface SettledAccountNews {
  readonly id: number
  readonly tries: number
  /** When to try again; null = applied, or given up. */
  readonly dueAt: Date | null
}

/** One entry as the API shows it. */
export interface ConnectionEvent {
  readonly id: string
  readonly connectionId: string
  readonly accountId: number
  readonly topic: string
  readonly severity: AccountNews['severity']
  readonly summary: string
  readonly effects: readonly NewsEffect[]
  /** As the provider sent it. */
  readonly payload: unknown
  readonly at: Date | null
  readonly receivedAt: Date | null
}

export interface ConnectionEvents {
  /** Writes news; what is there already is left as it is. */
  insert(tx: Executor, received: readonly ReceivedAccountNews[], now: Date): Promise<void>
  /** Takes what is due, oldest first, and holds it until the transaction's end. */
  due(tx: Executor, limit: number, now: Date): Promise<PendingAccountNews[]>
  settle(tx: Executor, settled: readonly SettledAccountNews[], now: Date): Promise<void>
  /** Newest first. @param before id of the last entry of the page before */
  list(connectionId: number, limit: number, before?: number): Promise<ConnectionEvent[]>
}

const shownColumns =
  'id, connection_id, account_id, topic, severity, summary, effects, payload, happened_at, created_at'

export function createConnectionEvents(database: Database): ConnectionEvents {
  return {
    async insert(tx, received, now) {
      const rows = received.map((entry) => newsRow(entry, now))
      // Sorted keys: groups that meet take their locks in the same order.
      const sorted = rows.sort((a, b) => (String(a.dedupe_key) < String(b.dedupe_key) ? -1 : 1))
      await insertRows(tx, 'wa_connection_events', sorted, database.keepExisting, ['dedupe_key'])
    },
    async due(tx, limit, now) {
      const rows = await tx.select<NewsRow>(
        `SELECT id, connection_id, effects, happened_at, tries FROM wa_connection_events
         WHERE due_at <= $1 ORDER BY due_at, id LIMIT ${limit}${database.forUpdateSkipLocked}`,
        [sqlTime(now)],
      )
      return rows.map((row) => pendingAccountNews(row, now))
    },
    async settle(tx, settled, now) {
      const rows = settled.map(({ id, tries, dueAt }) => ({
        id,
        tries,
        due_at: sqlTime(dueAt),
        updated_at: sqlTime(now),
      }))
      await updateRows(tx, 'wa_connection_events', rows)
    },
    async list(connectionId, limit, before = Number.MAX_SAFE_INTEGER) {
      const rows = await database.select<EventRow>(
        `SELECT ${shownColumns} FROM wa_connection_events
         WHERE connection_id = $1 AND id < $2 ORDER BY id DESC LIMIT ${limit}`,
        [connectionId, before],
      )
      return rows.map(shownEvent)
    },
  }
}

function newsRow({ connectionId, accountId, news }: ReceivedAccountNews, now: Date): Values {
  const at = sqlTime(now)
  const payload = JSON.stringify(news.raw ?? null)
  const key = dedupeKey(connectionId, news, payload, now)
  return {
    connection_id: connectionId,
    account_id: accountId,
    topic: news.topic.slice(0, 64),
    severity: news.severity,
    summary: news.summary.slice(0, 1024),
    effects: news.effects.length > 0 ? JSON.stringify(news.effects) : null,
    payload: shortened(payload),
    happened_at: sqlTime(news.at ?? now),
    dedupe_key: key,
    due_at: news.effects.length > 0 ? at : null,
    created_at: at,
    updated_at: at,
  }
}

const longestPayload = 64 * 1024

/** News is short; what is longer (a whole history of chats) is shown by its start. */
const shortened = (payload: string): string =>
  payload.length <= longestPayload
    ? payload
    : JSON.stringify({ cutFrom: payload.length, start: payload.slice(0, longestPayload) })

const hourMs = 3_600_000

/** Without a time of its own the same words may be said again, though hardly within the hour. */
const dedupeKey = (connectionId: number, { topic, at }: AccountNews, payload: string, now: Date): string =>
  createHash('sha256')
    .update([connectionId, topic, at ? at.toISOString() : Math.floor(now.getTime() / hourMs), payload].join('\n'))
    .digest('base64url')
    .slice(0, 32)

interface NewsRow {
  id: number
  connection_id: number
  effects: string | null
  happened_at: string
  tries: number
}

interface EventRow extends NewsRow {
  account_id: number
  topic: string
  severity: AccountNews['severity']
  summary: string
  payload: string
  created_at: string
}

const pendingAccountNews = (row: NewsRow, now: Date): PendingAccountNews => ({
  id: Number(row.id),
  connectionId: Number(row.connection_id),
  effects: effectsOf(row),
  at: fromSqlTime(row.happened_at) ?? now,
  tries: Number(row.tries),
})

const effectsOf = ({ effects }: NewsRow): NewsEffect[] =>
  effects ? (JSON.parse(effects) as unknown[]).map(effectOf) : []

/** JSON has no dates. */
function effectOf(stored: unknown): NewsEffect {
  const effect = stored as NewsEffect
  return effect.type === 'account_blocked' && effect.until ? { ...effect, until: new Date(effect.until) } : effect
}

const shownEvent = (row: EventRow): ConnectionEvent => ({
  id: String(row.id),
  connectionId: String(row.connection_id),
  accountId: Number(row.account_id),
  topic: row.topic,
  severity: row.severity,
  summary: row.summary,
  effects: effectsOf(row),
  payload: JSON.parse(row.payload) as unknown,
  at: fromSqlTime(row.happened_at),
  receivedAt: fromSqlTime(row.created_at),
})
