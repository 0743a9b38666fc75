/** Activity events in the database: the outbox of the publisher and the timeline of the API. */

import type { Database, Executor } from '../storage/database.ts'
import { updateWhereIn } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import type { ActivityRecord } from './activity-event.ts'
import { createSettledIds, firstOpenGap } from './settled-ids.ts'
import type { WaitingActivity } from './waiting-activity.ts'
import { writeActivity } from './write-activity.ts'

export interface StoredActivity {
  readonly id: number
  readonly eventId: string
  readonly eventSubType: string
  /** Our id of the conversation's first message. */
  readonly rootId: number | null
  /** Number within the conversation; null without one, and for events older than the numbering. */
  readonly sequence: number | null
  readonly payload: string
}

export interface ActivityStore {
  /**
   * Writes events in the transaction of what they report, which holds the rows of their messages. One that exists is
   * left out.
   */
  insert(tx: Executor, records: readonly ActivityRecord[], now: Date): Promise<void>
  /** The same, whatever they lack. */
  write(tx: Executor, records: readonly ActivityRecord[], now: Date): Promise<void>
  /** Tells whoever publishes or streams that something was committed. */
  committed(): void
  onCommitted(listener: () => void): void
  /** Unpublished events, oldest first; within a conversation in the order of their numbers. */
  unpublished(limit: number): Promise<StoredActivity[]>
  markPublished(ids: readonly number[], now: Date): Promise<void>
  /** Events after a cursor, up to the first gap that may still be filled. */
  after(cursor: number, limit: number, now: Date, accountId?: number): Promise<StoredActivity[]>
  ofConversation(rootId: number): Promise<StoredActivity[]>
}

export interface ActivityStoreDeps {
  readonly database: Database
  /** Without a broker nothing is ever due: events are only read. */
  readonly hasBroker: boolean
  /** Where order details can be looked up: events without any wait for them a while. */
  readonly waiting?: Pick<WaitingActivity, 'keepBack'> | undefined
}

/**
 * One due time for all unpublished events: so the index lists them by id, which a time taken by several replicas would
 * not. Within a conversation ids rise with the numbers, since each is inserted after the one before it was committed.
 */
const alwaysDue = new Date(0)

const columns = 'id, event_id, event_sub_type, root_outgoing_message_id, sequence, payload, created_at'

export function createActivityStore({ database, hasBroker, waiting }: ActivityStoreDeps): ActivityStore {
  const listeners: (() => void)[] = []
  const write: ActivityStore['write'] = (tx, records, now) =>
    writeActivity(tx, records, { forUpdate: database.forUpdate, now, dueAt: hasBroker ? alwaysDue : null })
  const settledIds = createSettledIds(database)
  const afterOfAccount = async (cursor: number, limit: number, accountId: number, upTo: number) => {
    const rows = await database.select<ActivityRow>(
      `SELECT ${columns} FROM activity_events
       WHERE account_id = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT ${limit}`,
      [accountId, cursor, upTo],
    )
    return rows.map(stored)
  }
  return {
    insert: async (tx, records, now) => write(tx, waiting ? await waiting.keepBack(tx, records, now) : records, now),
    write,
    committed: () => {
      for (const listener of listeners) listener()
    },
    onCommitted: (listener) => void listeners.push(listener),
    async unpublished(limit) {
      const rows = await database.select<ActivityRow>(
        `SELECT ${columns} FROM activity_events WHERE due_at IS NOT NULL ORDER BY due_at, id LIMIT ${limit}`,
      )
      return rows.map(stored)
    },
    markPublished: (ids, now) =>
      updateWhereIn(database, 'activity_events', { published_at: sqlTime(now), due_at: null }, 'id', ids),
    async after(cursor, limit, now, accountId) {
      if (accountId !== undefined) return afterOfAccount(cursor, limit, accountId, await settledIds(now))
      const rows = await database.select<ActivityRow>(
        `SELECT ${columns} FROM activity_events WHERE id > $1 ORDER BY id LIMIT ${limit}`,
        [cursor],
      )
      return rows.slice(0, firstOpenGap(rows, cursor, now)).map(stored)
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
  root_outgoing_message_id: number | null
  sequence: number | null
  payload: string
  created_at: string
}

const stored = (row: ActivityRow): StoredActivity => ({
  id: Number(row.id),
  eventId: row.event_id,
  eventSubType: row.event_sub_type,
  rootId: row.root_outgoing_message_id === null ? null : Number(row.root_outgoing_message_id),
  sequence: row.sequence,
  payload: row.payload,
})
