/** Activity events in the database: the outbox of the publisher and the timeline of the API. */

import type { Database, Executor } from '../storage/database.ts'
import { insertRows, updateWhereIn } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import type { ActivityRecord } from './activity-event.ts'

export interface StoredActivity {
  readonly id: number
  readonly eventId: string
  readonly eventSubType: string
  readonly payload: string
}

export interface ActivityStore {
  /** Writes events in the transaction of what they report. */
  insert(tx: Executor, records: readonly ActivityRecord[], now: Date): Promise<void>
  /** Tells whoever publishes or streams that something was committed. */
  committed(): void
  onCommitted(listener: () => void): void
  /** Unpublished events whose time has come, oldest first; they are put off so that no other replica takes them. */
  takeUnpublished(now: Date, limit: number): Promise<StoredActivity[]>
  markPublished(ids: readonly number[], now: Date): Promise<void>
  /** Events that the broker did not confirm: they may be taken again at once. */
  giveBack(ids: readonly number[], now: Date): Promise<void>
  /** Events after a cursor, up to the first gap that may still be filled. */
  after(cursor: number, limit: number, now: Date, accountId?: number): Promise<StoredActivity[]>
  ofConversation(rootId: number): Promise<StoredActivity[]>
}

export interface ActivityStoreDeps {
  readonly database: Database
  /** Without a broker nothing is ever due: events are only read. */
  readonly hasBroker: boolean
}

/** How long a publisher may hold events before another one takes them. */
const publishLeaseMs = 60_000
/** Longest life of a transaction; an id still missing after it belongs to one that was rolled back. */
const gapMs = 15_000

const columns = 'id, event_id, event_sub_type, payload, created_at'

export function createActivityStore({ database, hasBroker }: ActivityStoreDeps): ActivityStore {
  const listeners: (() => void)[] = []
  return {
    async insert(tx, records, now) {
      const at = sqlTime(now)
      const rows = records.map((record) => ({
        event_id: record.eventId,
        event_sub_type: record.eventSubType,
        account_id: record.accountId,
        wa_outgoing_message_id: record.messageId,
        root_outgoing_message_id: record.rootId,
        payload: record.payload,
        created_at: at,
        due_at: hasBroker ? at : null,
      }))
      await insertRows(tx, 'activity_events', rows)
    },
    committed: () => {
      for (const listener of listeners) listener()
    },
    onCommitted: (listener) => void listeners.push(listener),
    takeUnpublished: (now, limit) =>
      database.transaction(async (tx) => {
        const rows = await tx.select<ActivityRow>(
          `SELECT ${columns} FROM activity_events WHERE due_at <= $1 ORDER BY due_at, id LIMIT ${limit}${database.forUpdateSkipLocked}`,
          [sqlTime(now)],
        )
        const leaseEnd = { due_at: sqlTime(new Date(now.getTime() + publishLeaseMs)) }
        await updateWhereIn(
          tx,
          'activity_events',
          leaseEnd,
          'id',
          rows.map((row) => row.id),
        )
        return rows.map(stored).sort((a, b) => a.id - b.id)
      }),
    markPublished: (ids, now) =>
      updateWhereIn(database, 'activity_events', { published_at: sqlTime(now), due_at: null }, 'id', ids),
    giveBack: (ids, now) => updateWhereIn(database, 'activity_events', { due_at: sqlTime(now) }, 'id', ids),
    async after(cursor, limit, now, accountId) {
      const rows = await database.select<ActivityRow & { account_id: number }>(
        `SELECT ${columns}, account_id FROM activity_events WHERE id > $1 ORDER BY id LIMIT ${limit}`,
        [cursor],
      )
      const visible = rows.slice(0, firstOpenGap(rows, cursor, now))
      return visible.filter((row) => accountId === undefined || row.account_id === accountId).map(stored)
    },
    async ofConversation(rootId) {
      const rows = await database.select<ActivityRow>(
        `SELECT ${columns} FROM activity_events WHERE root_outgoing_message_id = $1 ORDER BY id`,
        [rootId],
      )
      return rows.map(stored)
    },
  }
}

interface ActivityRow {
  id: number
  event_id: string
  event_sub_type: string
  payload: string
  created_at: string
}

const stored = (row: ActivityRow): StoredActivity => ({
  id: Number(row.id),
  eventId: row.event_id,
  eventSubType: row.event_sub_type,
  payload: row.payload,
})

/**
 * Ids are handed out before their transaction commits, so a reader that runs past a missing id could miss an event
 * for ever. Returns how many leading rows are safe to show: up to the first gap that is still young.
 */
export function firstOpenGap(
  rows: readonly { readonly id: number; readonly created_at: string }[],
  cursor: number,
  now: Date,
): number {
  let previous = cursor
  for (const [index, row] of rows.entries()) {
    const isGap = Number(row.id) > previous + 1
    const age = now.getTime() - (fromSqlTime(row.created_at)?.getTime() ?? 0)
    if (isGap && age < gapMs && previous > 0) return index
    previous = Number(row.id)
  }
  return rows.length
}
