/** News about customers, as rows: stored before the provider gets its 200, applied afterwards. */

import { createHash } from 'node:crypto'
import type { Address } from '../contract/address.ts'
import type { ContactNews } from '../contract/events.ts'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows, updateRows, type Values } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import { notAfter, type Settled } from './inbound-store.ts'

export interface ReceivedNews {
  readonly connectionId: number
  readonly news: ContactNews
}

/** Stored news that wait to be applied. */
export interface PendingNews {
  readonly id: number
  readonly connectionId: number
  readonly news: ContactNews['news']
  readonly customer: Address
  readonly movedTo: Address
  readonly at: Date
  readonly receivedAt: Date
  readonly tries: number
}

export interface SettledNews extends Settled {
  /** The conversation that a person's message belongs to. */
  readonly rootId: number | null
}

export interface ContactNewsStore {
  /** Writes news; those that are there already are left as they are. */
  insert(tx: Executor, received: readonly ReceivedNews[], now: Date): Promise<void>
  /** Takes what is due and holds it until the transaction's end. */
  due(tx: Executor, limit: number, now: Date): Promise<PendingNews[]>
  settle(tx: Executor, settled: readonly SettledNews[], now: Date): Promise<void>
}

export const createContactNewsStore = (database: Database): ContactNewsStore => ({
  async insert(tx, received, now) {
    const rows = received.map((entry) => newsRow(entry, now))
    rows.sort((a, b) => (String(a.dedupe_key) < String(b.dedupe_key) ? -1 : 1))
    await insertRows(tx, 'wa_contact_news', rows, database.keepExisting)
  },
  async due(tx, limit, now) {
    const rows = await tx.select<NewsRow>(
      `SELECT id, connection_id, news, phone, user_id, new_phone, new_user_id, external_timestamp, created_at, tries
       FROM wa_contact_news WHERE due_at <= $1 ORDER BY due_at, id LIMIT ${limit}${database.forUpdateSkipLocked}`,
      [sqlTime(now)],
    )
    return rows.map(pendingNews)
  },
  async settle(tx, settled, now) {
    const rows = settled.map((end) => ({
      id: end.id,
      wa_root_outgoing_message_id: end.rootId,
      tries: end.tries,
      due_at: sqlTime(end.dueAt),
      updated_at: sqlTime(now),
    }))
    await updateRows(tx, 'wa_contact_news', rows)
  },
})

function newsRow({ connectionId, news }: ReceivedNews, now: Date): Values {
  const at = sqlTime(now)
  const movedTo = news.news === 'moved' ? news.movedTo : {}
  const message = news.news === 'human_wrote' ? news.message : undefined
  return {
    connection_id: connectionId,
    news: news.news,
    dedupe_key: dedupeKey(connectionId, news),
    phone: news.customer.phone?.slice(0, 32) ?? null,
    user_id: news.customer.userId?.slice(0, 160) ?? null,
    new_phone: movedTo.phone?.slice(0, 32) ?? null,
    new_user_id: movedTo.userId?.slice(0, 160) ?? null,
    message_id: message?.id.slice(0, 255) ?? null,
    message_type: message?.type.slice(0, 32) ?? null,
    message_value: message?.value?.slice(0, 8_192) ?? null,
    payload: JSON.stringify(news.raw),
    external_timestamp: sqlTime(news.at),
    due_at: at,
    created_at: at,
    updated_at: at,
  }
}

const dedupeKey = (connectionId: number, { news, newsId }: ContactNews): string =>
  createHash('sha256').update([connectionId, news, newsId].join('\n')).digest('base64url').slice(0, 32)

interface NewsRow {
  id: number
  connection_id: number
  news: ContactNews['news']
  phone: string | null
  user_id: string | null
  new_phone: string | null
  new_user_id: string | null
  external_timestamp: string | null
  created_at: string
  tries: number
}

function pendingNews(row: NewsRow): PendingNews {
  const receivedAt = fromSqlTime(row.created_at) ?? new Date(0)
  return {
    id: Number(row.id),
    connectionId: Number(row.connection_id),
    news: row.news,
    customer: addressOfRow(row.phone, row.user_id),
    movedTo: addressOfRow(row.new_phone, row.new_user_id),
    at: notAfter(fromSqlTime(row.external_timestamp), receivedAt),
    receivedAt,
    tries: row.tries,
  }
}

const addressOfRow = (phone: string | null, userId: string | null): Address => ({
  ...(phone ? { phone } : {}),
  ...(userId ? { userId } : {}),
})
