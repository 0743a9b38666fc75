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
  /** Nobody else asks about it before, unless it is hastened. */
  readonly leaseEnd: Date
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
  /** Takes what is due, so many of each connection; nobody else takes it before the lease ends. */
  claim(limit: number, now: Date): Promise<Poll[]>
  /** What was hastened while it was asked about stays as it is: the answer may be older than the hint. */
  settle(polls: readonly SettledPoll[]): Promise<void>
}

export interface PollStoreDeps {
  readonly database: Database
  readonly isPolled: PollStore['isPolled']
  readonly random: () => number
}

/** Longer than asking about a full group can take. */
const leaseMs = 10 * 60_000
const mostAtOnce = 1_000

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
      const due = await dueOfEach(tx, limit, now)
      const head = `SELECT wa_outgoing_message_id AS id, connection_id AS connection, awaits, since, due_at
        FROM wa_polls WHERE wa_outgoing_message_id`
      const rows = await selectIn<PollRow>(tx, head, due, ` ORDER BY due_at${database.forUpdateSkipLocked}`)
      const leaseEnd = new Date(now.getTime() + leaseMs)
      // Somebody else may have taken them in between.
      const polls = rows.filter((row) => isDue(row, now)).map((row) => fromRow(row, leaseEnd))
      const ids = sorted(polls.map(({ id }) => id))
      await updateWhereIn(tx, 'wa_polls', { due_at: sqlTime(leaseEnd) }, 'wa_outgoing_message_id', ids)
      return polls
    }),
  settle: (polls) =>
    database.transaction(async (tx) => {
      const held = await stillHeld(tx, polls, database.forUpdate)
      const own = polls.filter(({ id }) => held.has(id))
      const rows = own
        .filter(({ dueAt }) => dueAt !== null)
        .map((poll) => ({
          wa_outgoing_message_id: poll.id,
          awaits: poll.awaits,
          since: sqlTime(poll.since),
          due_at: sqlTime(poll.dueAt),
        }))
      await updateRows(tx, 'wa_polls', rows)
      for (const { id } of own.filter(({ dueAt }) => dueAt === null))
        await tx.write('DELETE FROM wa_polls WHERE wa_outgoing_message_id = $1', [id])
    }),
})

/** A connection with much to ask about leaves the others their share. */
async function dueOfEach(tx: Executor, limit: number, now: Date): Promise<number[]> {
  const rows = await tx.select<{ id: number }>(
    `SELECT id FROM (SELECT wa_outgoing_message_id AS id,
       ROW_NUMBER() OVER (PARTITION BY connection_id ORDER BY due_at) AS place FROM wa_polls WHERE due_at <= $1) AS due
     WHERE place <= ${limit} ORDER BY place LIMIT ${mostAtOnce}`,
    [sqlTime(now)],
  )
  return sorted(rows.map(({ id }) => Number(id)))
}

async function stillHeld(tx: Executor, polls: readonly Poll[], holding: string): Promise<ReadonlySet<number>> {
  const head = 'SELECT wa_outgoing_message_id AS id, due_at AS due FROM wa_polls WHERE wa_outgoing_message_id'
  const ids = sorted(polls.map(({ id }) => id))
  const rows = await selectIn<{ id: number; due: string }>(tx, head, ids, ` ORDER BY id${holding}`)
  const due = new Map(rows.map((row) => [Number(row.id), fromSqlTime(row.due)?.getTime()]))
  return new Set(polls.filter(({ id, leaseEnd }) => due.get(id) === leaseEnd.getTime()).map(({ id }) => id))
}

const sorted = (ids: readonly number[]) => [...ids].sort((a, b) => a - b)

interface PollRow {
  id: number
  connection: number
  awaits: Awaited
  since: string
  due_at: string
}

const isDue = ({ due_at }: PollRow, now: Date): boolean => (fromSqlTime(due_at) ?? now) <= now

const fromRow = ({ id, connection, awaits, since }: PollRow, leaseEnd: Date): Poll => ({
  id: Number(id),
  connectionId: Number(connection),
  awaits,
  since: fromSqlTime(since) ?? new Date(0),
  leaseEnd,
})

/** First messages whose conversation has come to a decision. */
export async function decidedAmong(database: Database, rootIds: readonly number[]): Promise<ReadonlySet<number>> {
  const head = 'SELECT root_outgoing_message_id AS id FROM wa_conversations WHERE root_outgoing_message_id'
  const rows = await selectIn<{ id: number }>(database, head, rootIds, ' AND decision IS NOT NULL')
  return new Set(rows.map(({ id }) => Number(id)))
}
