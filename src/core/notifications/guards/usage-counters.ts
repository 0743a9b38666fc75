/** How much of a day accounts have used up, as rows that are held while somebody decides by them. */

import type { Database, Executor } from '../../storage/database.ts'
import { addToRows, insertRows, selectIn, type Values } from '../../storage/rows.ts'

export interface Counter {
  /** Unique, at most 160 characters. */
  readonly id: string
  readonly accountId: number
  /** yyyy-mm-dd */
  readonly day: string
}

const table = 'usage_counters'

/**
 * Reads counters that nobody else changes until the transaction's end; what is not there yet begins at 0. What is held is
 * the day of each account: whoever comes second waits there, and its next statement sees what the first has committed.
 * @returns id -> how much is used; 0 where it has none
 */
export async function holdCounters(
  tx: Executor,
  database: Database,
  counters: readonly Counter[],
): Promise<Map<string, number>> {
  const days = inOrder(counters.map(({ accountId, day }) => ({ id: `${accountId}/${day}`, accountId, day })))
  // One row a statement, which holds also the one that is there; there are few.
  for (const row of days) await insertRows(tx, table, [row], database.keepExisting)
  const wanted = inOrder(counters)
  const ids = wanted.map(({ id }) => String(id))
  const found = await selectIn<{ id: string; used: number }>(tx, `SELECT id, used FROM ${table} WHERE id`, ids)
  const used = new Map(found.map((row) => [row.id, Number(row.used)]))
  const missing = wanted.filter(({ id }) => !used.has(String(id)))
  await insertRows(tx, table, missing, database.keepExisting, ['id'])
  return used
}

/** One row for each, in the order of their keys, so that all hold days in the same order. */
function inOrder(counters: readonly Counter[]): Values[] {
  const rows = new Map(counters.map(({ id, accountId, day }) => [id, { id, account_id: accountId, day, used: 0 }]))
  return [...rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** @param sums id -> how much more is used */
export async function addToCounters(tx: Executor, sums: ReadonlyMap<string, number>): Promise<void> {
  const rows = [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, used]) => ({ id, used }))
  await addToRows(tx, table, rows)
}

/** No time zone is further from another: nobody counts by such a day any more. */
const keptDays = 3
const dayMs = 86_400_000
const forgetLimit = 1_000

/** Forgets one group of old counters. Resolves with how many there were. */
export async function forgetCounters(database: Database, now: Date): Promise<number> {
  const before = new Date(now.getTime() - keptDays * dayMs).toISOString().slice(0, 10)
  const old = await database.select<{ id: string }>(
    `SELECT id FROM ${table} WHERE day < $1 ORDER BY day LIMIT ${forgetLimit}`,
    [before],
  )
  if (old.length === 0) return 0
  const list = old.map((_, index) => `$${index + 1}`).join(', ')
  return database.write(
    `DELETE FROM ${table} WHERE id IN (${list})`,
    old.map(({ id }) => id),
  )
}
