/** What the API tells about messages: lists, and everything about one of them in one answer. */

import { outgoingSelect, toRecord } from '../sending/outgoing-rows.ts'
import type { Executor, Row, SqlValue } from '../storage/database.ts'
import { type HistoryDeps, messageHistory } from './history.ts'
import { messageView } from './message-view.ts'
import { pricingOf } from './pricing.ts'

export interface MessageFilter {
  readonly accountId?: number | undefined
  readonly orderNumber?: string | undefined
  readonly shipmentId?: string | undefined
  /** What the message is about, whatever that is: a shipment, a purchase order. */
  readonly subjectId?: string | undefined
  readonly phone?: string | undefined
  readonly kind?: string | undefined
  /** Who asked for it. */
  readonly createdBy?: string | undefined
  readonly status?: string | undefined
  readonly limit: number
  /** Id of the last message of the page before. */
  readonly cursor?: number | undefined
}

export interface Messages {
  /**
   * Newest first. Where a status or kind is asked for, a page may have fewer than `limit`, or none, and still a `next`:
   * {@link maxExamined} messages are looked at for one page.
   */
  list(filter: MessageFilter): Promise<{ items: object[]; next: string | null }>
  /** The message alone; undefined when there is none. */
  get(id: number): Promise<object | undefined>
  /** The message with all that happened to it; undefined when there is none. */
  timeline(id: number): Promise<object | undefined>
}

export interface MessagesDeps extends HistoryDeps {
  /** Ids of the kinds of messages that there are. */
  readonly kinds: ReadonlySet<string>
}

export function createMessages(deps: MessagesDeps): Messages {
  const { database, kinds } = deps
  return {
    async list(filter) {
      // The table has no index of kinds: for one that nobody has, every message of the account would be read.
      if (filter.kind !== undefined && !kinds.has(filter.kind)) return { items: [], next: null }
      const lowest = await lowestExamined(database, filter)
      const { where, bind } = conditions(filter, lowest)
      const sql = `${outgoingSelect} WHERE ${where.join(' AND ')} ORDER BY id DESC LIMIT ${filter.limit}`
      const records = (await database.select<Row>(sql, bind)).map(toRecord)
      const items = await Promise.all(records.map((record) => messageView(deps, record)))
      const last = records.length === filter.limit ? records.at(-1)?.id : lowest
      return { items, next: last === undefined ? null : String(last) }
    },
    async get(id) {
      const [row] = await database.select<Row>(`${outgoingSelect} WHERE id = $1`, [id])
      return row && messageView(deps, toRecord(row))
    },
    async timeline(id) {
      const [row] = await database.select<Row>(`${outgoingSelect} WHERE id = $1`, [id])
      if (!row) return undefined
      const record = toRecord(row)
      return {
        ...(await messageView(deps, record)),
        pricing: await pricingOf(database, id),
        ...(await messageHistory(deps, record)),
      }
    },
  }
}

const statusConditions: Readonly<Record<string, string>> = {
  queued: "state IN ('queued', 'sending', 'waiting') AND status_rank = 1",
  accepted: 'status_rank = 3',
  sent: "status_rank = 4 AND state <> 'expired'",
  failed: 'status_rank = 5',
  delivered: 'status_rank = 6',
  read: 'status_rank = 7',
  expired: "state = 'expired'",
  skipped: "state = 'skipped'",
  unknown: "state IN ('in_doubt', 'unknown') AND status_rank = 2",
}

/** No index holds every status and kind of an account: of rare ones a page would be all that it ever sent. */
export const maxExamined = 10_000

/** The id of the last message that is looked at for this page; undefined = all that are left are. */
async function lowestExamined(database: Executor, filter: MessageFilter): Promise<number | undefined> {
  const { status, kind, ...indexed } = filter
  if (status === undefined && kind === undefined) return undefined
  const { where, bind } = conditions(indexed)
  const [row] = await database.select<{ id: number }>(
    `SELECT id FROM wa_outgoing_messages WHERE ${where.join(' AND ')} ORDER BY id DESC LIMIT 1 OFFSET ${maxExamined - 1}`,
    bind,
  )
  return row?.id
}

/** @param lowest the id of the last message that may be found */
function conditions(filter: MessageFilter, lowest = 0): { where: string[]; bind: SqlValue[] } {
  const bind: SqlValue[] = []
  const equals = (column: string, value: SqlValue | undefined) =>
    value === undefined ? [] : [`${column} = $${bind.push(value)}`]
  const where = [
    `id >= $${bind.push(lowest)}`,
    `id < $${bind.push(filter.cursor ?? Number.MAX_SAFE_INTEGER)}`,
    ...equals('account_id', filter.accountId),
    ...equals('order_number', filter.orderNumber),
    ...equals('subject_id', filter.shipmentId),
    ...equals('subject_id', filter.subjectId),
    ...equals('customer_phone', filter.phone),
    ...equals('kind', filter.kind),
    ...equals('created_by', filter.createdBy),
    ...(filter.status ? [statusConditions[filter.status] ?? '1 = 0'] : []),
  ]
  return { where, bind }
}
