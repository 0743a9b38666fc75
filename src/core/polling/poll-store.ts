/** Messages that a provider is to be asked about, as rows: who asks about one holds it until its lease ends. */

import type { Database, Executor } from '../storage/database.ts'
import { insertRows, selectIn, updateRows, updateWhereIn } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import { type Awaited, nextPollAt } from './poll-schedule.ts'

export interface Poll {
  /** Our id of the message. */
  readonly id: number
  readonly connectionId: number
  readonly awaits: Awaited
  /** Begin of the schedule. */
  readonly since: Date
}

export interface SettledPoll extends Poll {
  /** Null: nothing is left to ask. */
  readonly dueAt: Date | null
}

/** A message that a provider took. */
export interface Taken {
  readonly id: number
  readonly connectionId: number
}

export interface PollStore {
  /** Can the provider of this connection be asked? */
  isPolled(connectionId: number): Promise<boolean>
  /** From now on it is asked about these; those that are there already stay as they are. */
  add(tx: Executor, taken: readonly Taken[], now: Date): Promise<void>
  /** Asks about these at once, where they are still asked about at all. */
  hasten(tx: Executor, ids: readonly number[], now: Date): Promise<void>
  /** Takes what is due; nobody else takes it before the lease ends. */
  claim(limit: number, now: Date): Promise<Poll[]>
  settle(polls: readonly SettledPoll[]): Promise<void>
}

export interface PollStoreDeps {
  readonly database: Database
  readonly isPolled: PollStore['isPolled']
  readonly random: () => number
}

/** Longer than asking about a full group can take. */
const leaseMs = 10 * 60_000

export const createPollStore = ({ database, isPolled, random }: PollStoreDeps): PollStore => ({
  isPolled,
  async add(tx, taken, now) {
    const at = sqlTime(now)
    const due = nextPollAt('status', now, now, random())
    const rows = [...taken]
      .sort((a, b) => a.id - b.id)
      .map(({ id, connectionId }) => ({
        wa_outgoing_message_id: id,
        connection_id: connectionId,
        awaits: 'status',
        since: at,
        due_at: sqlTime(due),
      }))
    await insertRows(tx, 'wa_polls', rows, database.keepExisting)
  },
  hasten: (tx, ids, now) =>
    updateWhereIn(tx, 'wa_polls', { due_at: sqlTime(now) }, 'wa_outgoing_message_id', sorted(ids)),
  claim: (limit, now) =>
    database.transaction(async (tx) => {
      const rows = await tx.select<PollRow>(
        `SELECT wa_outgoing_message_id AS id, connection_id AS connection, awaits, since FROM wa_polls
         WHERE due_at <= $1 ORDER BY due_at LIMIT ${limit}${database.forUpdateSkipLocked}`,
        [sqlTime(now)],
      )
      const polls = rows.map(fromRow)
      const leaseEnd = { due_at: sqlTime(new Date(now.getTime() + leaseMs)) }
      await updateWhereIn(tx, 'wa_polls', leaseEnd, 'wa_outgoing_message_id', sorted(polls.map(({ id }) => id)))
      return polls
    }),
  settle: (polls) =>
    database.transaction(async (tx) => {
      const open = polls.filter(({ dueAt }) => dueAt !== null)
      const rows = open.map((poll) => ({
        wa_outgoing_message_id: poll.id,
        awaits: poll.awaits,
        since: sqlTime(poll.since),
        due_at: sqlTime(poll.dueAt),
      }))
      await updateRows(tx, 'wa_polls', rows)
      for (const { id } of polls.filter(({ dueAt }) => dueAt === null))
        await tx.write('DELETE FROM wa_polls WHERE wa_outgoing_message_id = $1', [id])
    }),
})

const sorted = (ids: readonly number[]) => [...ids].sort((a, b) => a - b)

interface PollRow {
  id: number
  connection: number
  awaits: Awaited
  since: string
}

const fromRow = ({ id, connection, awaits, since }: PollRow): Poll => ({
  id: Number(id),
  connectionId: Number(connection),
  awaits,
  since: fromSqlTime(since) ?? new Date(0),
})

/** First messages whose conversation has come to a decision. */
export async function decidedAmong(database: Database, rootIds: readonly number[]): Promise<ReadonlySet<number>> {
  const head = 'SELECT root_outgoing_message_id AS id FROM wa_conversations WHERE root_outgoing_message_id'
  const rows = await selectIn<{ id: number }>(database, head, rootIds, ' AND decision IS NOT NULL')
  return new Set(rows.map(({ id }) => Number(id)))
}
