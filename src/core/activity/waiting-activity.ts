/** Activity events that wait for order details: not written, numbered or seen by anybody before they go out. */

import type { Database, Executor } from '../storage/database.ts'
import { insertRows, selectIn } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import type { ActivityRecord } from './activity-event.ts'

export interface WaitingEvent {
  readonly id: number
  readonly rootId: number
  readonly statusLogId: string
  readonly record: ActivityRecord
  readonly waitUntil: Date
}

export interface WaitingActivity {
  /**
   * Keeps back events without order details for which there may be some, and those of conversations of which others
   * are kept back: none overtakes another.
   * @returns the events that may be written at once
   */
  keepBack(tx: Executor, records: readonly ActivityRecord[], now: Date): Promise<ActivityRecord[]>
  /** Oldest first. */
  waiting(limit: number): Promise<WaitingEvent[]>
  /** Takes events out; resolves with those that nobody else took meanwhile. */
  take(tx: Executor, ids: readonly number[]): Promise<ReadonlySet<number>>
}

/** How long an event waits at most: an answer that comes later is too late. */
const waitMs = 5_000

export const createWaitingActivity = (database: Database): WaitingActivity => ({
  async keepBack(tx, records, now) {
    const roots = [...new Set(records.flatMap(({ rootId }) => rootId ?? []))]
    const lacking = records.flatMap(({ rootId, hasOrderDetails }) => (hasOrderDetails ? [] : (rootId ?? [])))
    const logs = new Map([...(await statusLogs(tx, [...new Set(lacking)])), ...(await waitingRoots(tx, roots))])
    const kept = records.filter(({ rootId }) => rootId !== null && logs.has(rootId))
    const rows = kept.map((record) => ({
      root_outgoing_message_id: record.rootId,
      status_log_id: logs.get(record.rootId ?? 0) ?? null,
      record: JSON.stringify(record),
      wait_until: sqlTime(new Date(now.getTime() + waitMs)),
      created_at: sqlTime(now),
    }))
    await insertRows(tx, 'activity_waiting', rows)
    return records.filter((record) => !kept.includes(record))
  },
  async waiting(limit) {
    const rows = await database.select<WaitingRow>(
      `SELECT id, root_outgoing_message_id AS root, status_log_id AS log, record, wait_until
       FROM activity_waiting ORDER BY id LIMIT ${limit}`,
    )
    return rows.map((row) => ({
      id: Number(row.id),
      rootId: Number(row.root),
      statusLogId: String(row.log),
      record: JSON.parse(row.record) as ActivityRecord,
      waitUntil: fromSqlTime(row.wait_until) ?? new Date(0),
    }))
  },
  async take(tx, ids) {
    const sql = 'SELECT id FROM activity_waiting WHERE id'
    const rows = await selectIn<{ id: number }>(tx, sql, ids, ` ORDER BY id${database.forUpdate}`)
    const left = rows.map(({ id }) => Number(id))
    for (let from = 0; from < left.length; from += takeSize) await remove(tx, left.slice(from, from + takeSize))
    return new Set(left)
  },
})

const takeSize = 64

const remove = (tx: Executor, ids: readonly number[]) =>
  tx.write(`DELETE FROM activity_waiting WHERE id IN (${ids.map((_, index) => `$${index + 1}`).join(', ')})`, ids)

interface WaitingRow {
  id: number
  root: number
  log: number | string
  record: string
  wait_until: string
}

/** Only messages that came from a status log can be looked up; an answer is looked up by its first message. */
async function statusLogs(tx: Executor, roots: readonly number[]): Promise<[number, string][]> {
  const head = 'SELECT id, shipment_status_log_id AS log FROM wa_outgoing_messages WHERE id'
  const rows = await selectIn<{ id: number; log: number | string | null }>(tx, head, roots)
  return rows.flatMap(({ id, log }): [number, string][] => (log === null ? [] : [[Number(id), String(log)]]))
}

async function waitingRoots(tx: Executor, roots: readonly number[]): Promise<[number, string][]> {
  const head = `SELECT root_outgoing_message_id AS root, MAX(status_log_id) AS log FROM activity_waiting
    WHERE root_outgoing_message_id`
  const rows = await selectIn<{ root: number; log: number | string }>(
    tx,
    head,
    roots,
    ' GROUP BY root_outgoing_message_id',
  )
  return rows.map(({ root, log }): [number, string] => [Number(root), String(log)])
}
