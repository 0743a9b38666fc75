/** How far counting has come: one row for all replicas. */

import type { Database, Executor } from '../storage/database.ts'
import { insertRows } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'

/** `clear`: what was counted is taken away; `mark`: every block is marked as due. Null: neither. */
export type Phase = 'clear' | 'mark' | null

export interface StatsState {
  readonly phase: Phase
  /** The next block to be marked. */
  readonly nextBlock: number
  /** Changes up to here were looked for. */
  readonly seenUntil: Date
  /** The same, once more, when none of them could still be uncommitted. */
  readonly settledUntil: Date
  /** When nothing that was seen was left to count; null while all is counted anew. */
  readonly countedUntil: Date | null
}

const table = 'wa_stats_state'
const only = 1

/** Longer than any transaction lives whose changes count: the server ends those that say nothing sooner. */
export const uncommittedMs = 120_000

/** All is counted anew. */
const beginning = (now: Date) => ({
  phase: 'clear',
  next_block: 0,
  seen_until: sqlTime(now),
  settled_until: sqlTime(new Date(now.getTime() - uncommittedMs)),
  counted_until: null,
})

/** @returns the state; at the very first reading all is counted anew */
export async function readState(database: Database, now: Date): Promise<StatsState> {
  const found = await select(database, '')
  if (found) return found
  await insertRows(database, table, [{ id: only, ...beginning(now) }], database.keepExisting)
  return readState(database, now)
}

/** Holds it until the transaction's end; undefined before the first reading. */
export const holdState = (database: Database, tx: Executor): Promise<StatsState | undefined> =>
  select(tx, database.forUpdate)

async function select(executor: Executor, holding: string): Promise<StatsState | undefined> {
  const [row] = await executor.select(
    `SELECT phase, next_block, seen_until, settled_until, counted_until FROM ${table} WHERE id = $1${holding}`,
    [only],
  )
  if (!row) return undefined
  return {
    phase: row.phase as Phase,
    nextBlock: Number(row.next_block),
    seenUntil: fromSqlTime(row.seen_until) ?? new Date(0),
    settledUntil: fromSqlTime(row.settled_until) ?? new Date(0),
    countedUntil: fromSqlTime(row.counted_until),
  }
}

export async function writePhase(tx: Executor, phase: Phase, nextBlock: number): Promise<void> {
  await tx.write(`UPDATE ${table} SET phase = $2, next_block = $3 WHERE id = $1`, [only, phase, nextBlock])
}

export async function writeSeen(tx: Executor, seenUntil: Date, settledUntil: Date): Promise<void> {
  await tx.write(`UPDATE ${table} SET seen_until = $2, settled_until = $3 WHERE id = $1 AND phase IS NULL`, [
    only,
    sqlTime(seenUntil),
    sqlTime(settledUntil),
  ])
}

export async function writeCounted(executor: Executor, countedUntil: Date): Promise<void> {
  await executor.write(`UPDATE ${table} SET counted_until = $2 WHERE id = $1 AND phase IS NULL`, [
    only,
    sqlTime(countedUntil),
  ])
}

/** From now on all is counted anew. */
export async function startAnew(database: Database, now: Date): Promise<void> {
  await readState(database, now)
  const columns = beginning(now)
  const assignments = Object.keys(columns).map((column, index) => `${column} = $${index + 2}`)
  await database.write(`UPDATE ${table} SET ${assignments.join(', ')} WHERE id = $1`, [only, ...Object.values(columns)])
}
