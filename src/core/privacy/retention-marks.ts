/** How far retention came, table by table, and which rows it passed by. */

import type { Database } from '../storage/database.ts'
import { insertRows } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import { clearGroupSize } from './clear-rows.ts'

/** Ids of rows whose time is over, and that are as they were. */
export interface Left {
  readonly open: readonly number[]
  readonly failed: readonly number[]
}

/** Nobody mends a row within the hour. */
const failedAgainMs = 24 * 3_600_000

/** Up to which id a step has dealt with its table. */
export async function markOf(database: Database, name: string): Promise<number> {
  const sql = 'SELECT position FROM retention_marks WHERE name = $1'
  const [row] = await database.select<{ position: number }>(sql, [name])
  return Number(row?.position ?? 0)
}

export async function setMark(database: Database, name: string, position: number): Promise<void> {
  const sql = 'UPDATE retention_marks SET position = $2 WHERE name = $1'
  if ((await database.write(sql, [name, position])) > 0) return
  await insertRows(database, 'retention_marks', [{ name, position }], database.keepExisting)
}

/** Rows that were open when their time came: few, and each only as long as it is open. Those that failed wait a day. */
export async function heldOver(database: Database, name: string, now: Date): Promise<number[]> {
  const sql = `SELECT row_id AS id FROM retention_held_over WHERE name = $1 AND (due_at IS NULL OR due_at <= $2)
    ORDER BY id LIMIT ${clearGroupSize}`
  return (await database.select<{ id: number }>(sql, [name, sqlTime(now)])).map(({ id }) => Number(id))
}

/** @param before which of them were held over already, and were looked at */
export async function hold(
  database: Database,
  name: string,
  before: readonly number[],
  { open, failed }: Left,
  now: Date,
): Promise<void> {
  const left = new Set([...open, ...failed])
  for (const id of before.filter((known) => !left.has(known)))
    await database.write('DELETE FROM retention_held_over WHERE name = $1 AND row_id = $2', [name, id])
  const added = [...left].filter((id) => !before.includes(id)).sort((a, b) => a - b)
  const rows = added.map((row_id) => ({ name, row_id }))
  await insertRows(database, 'retention_held_over', rows, database.keepExisting, ['row_id', 'name'])
  const again = sqlTime(new Date(now.getTime() + failedAgainMs))
  for (const id of failed)
    await database.write('UPDATE retention_held_over SET due_at = $3 WHERE name = $1 AND row_id = $2', [
      name,
      id,
      again,
    ])
}
