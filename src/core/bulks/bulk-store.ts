/** Bulks in the database. Their messages are told by their keys: `agent:<account>:bulk:<bulk>:<line>`. */

import type { MessageState } from '../sending/outgoing-message.ts'
import { statusOf } from '../sending/outgoing-message.ts'
import type { Database } from '../storage/database.ts'
import { insertRows, selectIn } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import { cancelMessages } from './cancel-messages.ts'
import { cancelledCode } from './cancelled.ts'

export interface Bulk {
  readonly id: number
  readonly accountId: number
  readonly total: number
  readonly createdAt: Date
  /** When all of its lines were accepted or refused; null = not yet. */
  readonly completedAt: Date | null
  readonly cancelledAt: Date | null
}

export interface LineError {
  readonly line: number
  readonly error: object
}

export interface BulkStore {
  /** @param key the same however often the same bulk is sent */
  open(accountId: number, key: string, total: number): Promise<Bulk>
  get(id: number): Promise<Bulk | undefined>
  saveErrors(id: number, errors: readonly LineError[]): Promise<void>
  complete(id: number): Promise<void>
  /** Of its messages: status -> how many; what was cancelled is told as `cancelled`. */
  countStatuses(bulk: Bulk): Promise<Record<string, number>>
  countErrors(id: number): Promise<number>
  /** In the order of lines. */
  errors(id: number, after: number, limit: number): Promise<LineError[]>
  /** Why these messages were skipped, of those that were. */
  skipped(messageIds: readonly number[]): Promise<Map<number, string>>
  /**
   * What is not under way is not sent any more, what is accepted from now on neither. Broken off it may be repeated, and
   * nothing that is left leaves meanwhile.
   */
  cancel(bulk: Bulk): Promise<void>
}

/** Key of a message of a bulk, within its account. */
export const bulkMessageKey = (bulkId: number, line: number): string => `bulk:${bulkId}:${line}`

/** All such keys lie between these two, and no other. */
const keysOf = ({ accountId, id }: Bulk): [string, string] => [
  `agent:${accountId}:bulk:${id}:`,
  `agent:${accountId}:bulk:${id};`,
]

interface BulkRow {
  id: number
  account_id: number
  total: number
  created_at: string
  completed_at: string | null
  cancelled_at: string | null
}

const select = 'SELECT id, account_id, total, created_at, completed_at, cancelled_at FROM message_bulks'

export function createBulkStore(database: Database, now: () => Date): BulkStore {
  return {
    async open(accountId, key, total) {
      const at = sqlTime(now())
      const row = { account_id: accountId, idempotency_key: key, total, created_at: at, updated_at: at }
      await insertRows(database, 'message_bulks', [row], database.keepExisting)
      const [found] = await database.select<BulkRow>(`${select} WHERE idempotency_key = $1`, [key])
      if (!found) throw new Error('a bulk that was just opened is not there')
      return bulkOf(found)
    },
    async get(id) {
      const [row] = await database.select<BulkRow>(`${select} WHERE id = $1`, [id])
      return row && bulkOf(row)
    },
    async saveErrors(id, errors) {
      const at = sqlTime(now())
      const rows = errors.map(({ line, error }) => ({
        bulk_id: id,
        line,
        error: JSON.stringify(error),
        created_at: at,
      }))
      if (rows.length > 0)
        await insertRows(database, 'message_bulk_errors', rows, database.keepExisting, ['line', 'bulk_id'])
    },
    async complete(id) {
      const at = sqlTime(now())
      await database.write('UPDATE message_bulks SET completed_at = $2, updated_at = $2 WHERE id = $1', [id, at])
    },
    async countStatuses(bulk) {
      const rows = await database.select<{ state: MessageState; status_rank: number; code: string | null; n: number }>(
        `SELECT state, status_rank, CASE WHEN state = 'skipped' THEN failure_code END AS code, COUNT(*) AS n
         FROM wa_outgoing_messages WHERE idempotency_key >= $1 AND idempotency_key < $2
         GROUP BY state, status_rank, CASE WHEN state = 'skipped' THEN failure_code END`,
        keysOf(bulk),
      )
      const counts: Record<string, number> = {}
      for (const { state, status_rank, code, n } of rows) {
        const status = code === cancelledCode ? cancelledCode : statusOf({ state, statusRank: Number(status_rank) })
        counts[status] = (counts[status] ?? 0) + Number(n)
      }
      return counts
    },
    async countErrors(id) {
      const [row] = await database.select<{ n: number }>(
        'SELECT COUNT(*) AS n FROM message_bulk_errors WHERE bulk_id = $1',
        [id],
      )
      return Number(row?.n)
    },
    async errors(id, after, limit) {
      const rows = await database.select<{ line: number; error: string }>(
        `SELECT line, error FROM message_bulk_errors WHERE bulk_id = $1 AND line > $2 ORDER BY line LIMIT ${limit}`,
        [id, after],
      )
      return rows.map(({ line, error }) => ({ line: Number(line), error: JSON.parse(error) as object }))
    },
    async skipped(messageIds) {
      const head = "SELECT id, failure_code AS code FROM wa_outgoing_messages WHERE state = 'skipped' AND id"
      const rows = await selectIn<{ id: number; code: string }>(database, head, [...messageIds])
      return new Map(rows.map(({ id, code }) => [Number(id), code]))
    },
    async cancel(bulk) {
      const at = sqlTime(now())
      await database.write(
        'UPDATE message_bulks SET cancelled_at = $2, updated_at = $2 WHERE id = $1 AND cancelled_at IS NULL',
        [bulk.id, at],
      )
      await cancelMessages(database, keysOf(bulk), now())
    },
  }
}

const bulkOf = (row: BulkRow): Bulk => ({
  id: Number(row.id),
  accountId: Number(row.account_id),
  total: Number(row.total),
  createdAt: fromSqlTime(row.created_at) ?? new Date(0),
  completedAt: fromSqlTime(row.completed_at),
  cancelledAt: fromSqlTime(row.cancelled_at),
})
