/** Counting everything anew, step by step: each is short, and cut off it goes on where it was. */

import type { Database } from '../storage/database.ts'
import { blockOf } from './read-block.ts'
import { holdState, writePhase } from './stats-state.ts'
import { markDue } from './stored-blocks.ts'

/** Rows, and blocks, of one step. */
const stepSize = 500

/** Does the next step of what the state says is under way. */
export async function stepAnew(database: Database): Promise<void> {
  await database.transaction(async (tx) => {
    const state = await holdState(database, tx)
    if (state?.phase === 'clear') {
      if (await clearSome(tx, 'wa_stats_sums')) return
      if (await clearSome(tx, 'wa_stats_blocks')) return
      await writePhase(tx, 'mark', 0)
    }
    if (state?.phase === 'mark') await markSome(database, tx, state.nextBlock)
  })
}

type Tx = Parameters<typeof markDue>[0]

/** @returns whether there was anything */
async function clearSome(tx: Tx, table: string): Promise<boolean> {
  const [row] = await tx.select<{ first: number | null }>(`SELECT MIN(id) AS first FROM ${table}`)
  if (!row || row.first === null) return false
  await tx.write(`DELETE FROM ${table} WHERE id < $1`, [Number(row.first) + stepSize])
  return true
}

async function markSome(database: Database, tx: Tx, next: number): Promise<void> {
  const [row] = await tx.select<{ first: number | null; last: number | null }>(
    'SELECT MIN(id) AS first, MAX(id) AS last FROM wa_outgoing_messages',
  )
  const from = Math.max(next, blockOf(Number(row?.first ?? 0)))
  const last = row?.last === null || row?.last === undefined ? -1 : blockOf(Number(row.last))
  const to = Math.min(from + stepSize - 1, last)
  await markDue(
    tx,
    database,
    Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index),
  )
  await writePhase(tx, to >= last ? null : 'mark', to + 1)
}
