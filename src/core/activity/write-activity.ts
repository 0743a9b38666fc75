/** Writes activity events, each with its number within the conversation. */

import type { Database, Executor } from '../storage/database.ts'
import { isUniqueViolation } from '../storage/database-errors.ts'
import { insertRows, selectIn } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import { type ActivityRecord, activityPayload } from './activity-event.ts'

export interface WriteOptions {
  readonly forUpdate: Database['forUpdate']
  readonly now: Date
  /** Null where nobody publishes. */
  readonly dueAt: Date | null
}

/** One more for each transaction that may write to the same conversation at the same moment. */
const maxTries = 8

/**
 * Writes events after those that their conversations have already. One that exists is left out.
 *
 * Numbers are the largest one plus one, while the conversation's first message is held: by the caller where the event
 * is about it, else from here on. A number is unique as well: a caller who holds nothing waits at the index for the
 * other one's end and looks again. So no number is given away before the one below it was committed.
 */
export async function writeActivity(
  tx: Executor,
  records: readonly ActivityRecord[],
  options: WriteOptions,
): Promise<void> {
  let left = inLockOrder(distinct(records))
  await holdRoots(tx, left, options.forUpdate)
  for (let tries = 1; left.length > 0; tries++) {
    try {
      return await insertRows(tx, 'activity_events', await numberedRows(tx, left, options))
    } catch (error) {
      if (!isUniqueViolation(error) || tries === maxTries) throw error
      left = await withoutExisting(tx, left)
    }
  }
}

const distinct = (records: readonly ActivityRecord[]): ActivityRecord[] =>
  [...new Map(records.toReversed().map((record) => [record.eventId, record])).values()].reverse()

/** Conversations by their ids, so that groups which meet cannot deadlock; within one as they came. */
const inLockOrder = (records: readonly ActivityRecord[]): ActivityRecord[] =>
  records.toSorted((a, b) => (a.rootId ?? 0) - (b.rootId ?? 0))

/** Before any number is looked up: an insert that fails leaves a gap in the ids, at which readers wait. */
async function holdRoots(
  tx: Executor,
  records: readonly ActivityRecord[],
  forUpdate: Database['forUpdate'],
): Promise<void> {
  const roots = rootsOf(records.filter(({ messageId, rootId }) => messageId !== rootId))
  if (forUpdate === '' || roots.length === 0) return
  await selectIn(tx, 'SELECT id FROM wa_outgoing_messages WHERE id', roots, ` ORDER BY id${forUpdate}`)
}

async function numberedRows(tx: Executor, records: readonly ActivityRecord[], { now, dueAt }: WriteOptions) {
  const last = await lastNumbers(tx, rootsOf(records))
  return records.map((record) => {
    const sequence = nextNumber(last, record.rootId)
    return {
      event_id: record.eventId,
      event_sub_type: record.eventSubType,
      account_id: record.accountId,
      wa_outgoing_message_id: record.messageId,
      root_outgoing_message_id: record.rootId,
      sequence,
      payload: activityPayload(record, sequence),
      created_at: sqlTime(now),
      due_at: sqlTime(dueAt),
    }
  })
}

function nextNumber(last: Map<number, number>, rootId: number | null): number | null {
  if (rootId === null) return null
  const sequence = (last.get(rootId) ?? 0) + 1
  last.set(rootId, sequence)
  return sequence
}

const rootsOf = (records: readonly ActivityRecord[]): number[] => [
  ...new Set(records.flatMap(({ rootId }) => rootId ?? [])),
]

async function lastNumbers(tx: Executor, roots: readonly number[]): Promise<Map<number, number>> {
  const head = `SELECT root_outgoing_message_id AS root, MAX(sequence) AS last FROM activity_events
    WHERE root_outgoing_message_id`
  const tail = ' GROUP BY root_outgoing_message_id'
  const rows = await selectIn<{ root: number; last: number | null }>(tx, head, roots, tail)
  return new Map(rows.map(({ root, last }) => [Number(root), Number(last ?? 0)]))
}

async function withoutExisting(tx: Executor, records: readonly ActivityRecord[]): Promise<ActivityRecord[]> {
  const head = 'SELECT event_id FROM activity_events WHERE root_outgoing_message_id'
  const rows = await selectIn<{ event_id: string }>(tx, head, rootsOf(records))
  const existing = new Set(rows.map((row) => row.event_id))
  return records.filter(({ eventId }) => !existing.has(eventId))
}
