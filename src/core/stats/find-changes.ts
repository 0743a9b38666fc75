/** Which blocks have changed: by the time that every change of a row leaves on it. */

import type { Database, Executor } from '../storage/database.ts'
import { sqlTime } from '../storage/time.ts'
import { blockColumn } from './read-block.ts'
import { type StatsState, uncommittedMs, writeSeen } from './stats-state.ts'
import { markDue } from './stored-blocks.ts'

/** Most changes are committed, and seen, within this time of the moment that they carry. */
const usualMs = 2_000
/** The others are looked for once more, so often. */
const settleEveryMs = 60_000
/** After a long standstill: so much at one time, so that no statement takes too long. */
const longestLookMs = 3_600_000
/** Written down so often even when nothing happens: another replica begins there. */
const noteEveryMs = 5_000

/** Where changes leave their time, and whose they are. */
const sources: readonly (readonly [table: string, ...messageIds: string[]])[] = [
  ['wa_outgoing_messages', 'id'],
  ['wa_customer_reply_messages', 'wa_root_outgoing_message_id', 'wa_context_outgoing_message_id'],
  ['ndr_actions', 'root_outgoing_message_id'],
]

/**
 * Marks the blocks that changed since the last look.
 * @param from the state as it was read
 * @returns the moment up to which changes were looked for
 */
export async function findChanges(database: Database, from: StatsState, now: Date): Promise<Date> {
  const seenUntil = earlier(now, new Date(from.seenUntil.getTime() + longestLookMs))
  const blocks = await changedBlocks(database, minus(from.seenUntil, usualMs), seenUntil < now ? seenUntil : undefined)
  const settledUntil = nextSettled(from, now)
  if (settledUntil > from.settledUntil) blocks.push(...(await changedBlocks(database, from.settledUntil, settledUntil)))
  const isWorthNoting =
    blocks.length > 0 ||
    seenUntil.getTime() - from.seenUntil.getTime() >= noteEveryMs ||
    settledUntil > from.settledUntil
  if (!isWorthNoting) return seenUntil
  await database.transaction(async (tx) => {
    await markDue(tx, database, blocks)
    await writeSeen(tx, seenUntil, settledUntil)
  })
  return seenUntil
}

function nextSettled({ settledUntil }: StatsState, now: Date): Date {
  const latest = minus(now, uncommittedMs)
  if (latest.getTime() - settledUntil.getTime() < settleEveryMs) return settledUntil
  return earlier(latest, new Date(settledUntil.getTime() + longestLookMs))
}

/** @param to undefined = whatever came since, by whosever clock */
async function changedBlocks(executor: Executor, from: Date, to: Date | undefined): Promise<number[]> {
  const blocks = new Set<number>()
  const bind = to ? [sqlTime(from), sqlTime(to)] : [sqlTime(from)]
  for (const [table, ...columns] of sources) {
    for (const column of columns) {
      const rows = await executor.select<{ block: number | string | null }>(
        `SELECT DISTINCT ${blockColumn(column)} AS block FROM ${table}
         WHERE updated_at >= $1${to ? ' AND updated_at <= $2' : ''}`,
        bind,
      )
      for (const { block } of rows) if (block !== null) blocks.add(Number(block))
    }
  }
  return [...blocks]
}

const minus = (time: Date, ms: number): Date => new Date(time.getTime() - ms)
const earlier = (a: Date, b: Date): Date => (a < b ? a : b)
