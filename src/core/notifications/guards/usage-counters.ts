/** How much of a day accounts have used up, as rows that are held while somebody decides by them. */

import type { Database, Executor } from '../../storage/database.ts'
import { addToRows, insertRows, selectIn, type Values } from '../../storage/rows.ts'
import { recipientCounterId } from './guard-facts.ts'

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

/**
 * Forgets what was counted of recipients, whatever the day.
 * @param phones E.164
 * @returns how many counters there were
 */
export async function deleteRecipientCounters(
  database: Database,
  accountIds: readonly number[],
  phones: readonly string[],
  now: Date,
): Promise<number> {
  const days = daysWithCounters(now)
  const ids = accountIds.flatMap((id) => days.flatMap((day) => phones.map((one) => recipientCounterId(id, day, one))))
  const found = await selectIn<{ id: string }>(database, `SELECT id FROM ${table} WHERE id`, ids.sort())
  for (const { id } of found) await database.write(`DELETE FROM ${table} WHERE id = $1`, [id])
  return found.length
}

/** No time zone is further from another: nobody counts by such a day any more. */
const keptDays = 3
const dayMs = 86_400_000
const forgetLimit = 1_000

/** All days that are kept, and tomorrow, which has begun in some time zones. */
const daysWithCounters = (now: Date): string[] =>
  Array.from({ length: keptDays + 2 }, (_, back) => dayOf(new Date(now.getTime() + (1 - back) * dayMs)))

const dayOf = (time: Date): string => time.toISOString().slice(0, 10)

/** Forgets one group of old counters. Resolves with how many there were. */
export async function forgetCounters(database: Database, now: Date): Promise<number> {
  const before = dayOf(new Date(now.getTime() - keptDays * dayMs))
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
