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
 * Holds counters until the transaction's end; what is not there yet begins at 0. The day of each account is held first,
 * so that two that meet wait for one another there, and neither for what the other is about to make.
 * @returns id -> how much is used
 */
export async function lockCounters(
  tx: Executor,
  database: Database,
  counters: readonly Counter[],
): Promise<Map<string, number>> {
  const days = inOrder(counters.map(({ accountId, day }) => ({ id: `${accountId}/${day}`, accountId, day })))
  // One row a statement, which holds also the one that is there; there are few.
  for (const row of days) await insertRows(tx, table, [row], database.keepExisting)
  const wanted = inOrder(counters)
  const ids = wanted.map(({ id }) => String(id))
  const known = new Set(
    (await selectIn<{ id: string }>(tx, `SELECT id FROM ${table} WHERE id`, ids)).map(({ id }) => id),
  )
  const missing = wanted.filter(({ id }) => !known.has(String(id)))
  await insertRows(tx, table, missing, database.keepExisting, ['id'])
  const head = `SELECT id, used FROM ${table}${byKeyAlone(database)} WHERE id`
  const held = await selectIn<{ id: string; used: number }>(tx, head, ids, ` ORDER BY id${database.forUpdate}`)
  return new Map(held.map(({ id, used }) => [id, Number(used)]))
}

/** Going through a whole table, however small it is, would hold rows of other accounts. */
const byKeyAlone = ({ dialect }: Database) => (dialect === 'mysql' ? ' FORCE INDEX (PRIMARY)' : '')

/** One row for each, in the order of their keys: so all hold them in the same order. */
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
