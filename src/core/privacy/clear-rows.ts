/** Clears rows of one table, held in the order of their ids, in groups small enough to be held for a moment only. */

import type { Database, Row } from '../storage/database.ts'
import { selectIn, updateRows } from '../storage/rows.ts'
import type { Cleared, Depth, PersonalTable } from './personal-data.ts'
import { type OnUncleared, rowByRow } from './row-by-row.ts'

/** Rows of one transaction. */
export const clearGroupSize = 64

export interface ClearedRows {
  /** Rows that are different now. */
  readonly changed: number
  /** Ids of those that are still worked with, and stay as they are. */
  readonly open: readonly number[]
  /** Ids of those that could not be cleared. */
  readonly failed: readonly number[]
}

export interface ClearDeps {
  readonly database: Database
  readonly onUncleared: OnUncleared
}

/**
 * @param ids of one group at most
 * @throws when the database is away or busy
 */
export async function clearRows(
  { database, onUncleared }: ClearDeps,
  table: PersonalTable,
  ids: readonly number[],
  depth: Depth,
): Promise<ClearedRows> {
  const failed: number[] = []
  const done = await rowByRow(
    ids,
    (group) => clearTogether(database, table, group, depth),
    (id, error) => {
      failed.push(id)
      onUncleared(table.name, id, error)
    },
  )
  return {
    changed: done.reduce((sum, { changed }) => sum + changed, 0),
    open: done.flatMap(({ open }) => open),
    failed,
  }
}

function clearTogether(
  database: Database,
  table: PersonalTable,
  ids: readonly number[],
  depth: Depth,
): Promise<Omit<ClearedRows, 'failed'>> {
  return database.transaction(async (tx) => {
    const tail = ` ORDER BY id${database.forUpdate}`
    const rows = await selectIn<Row>(
      tx,
      `SELECT ${['id', ...table.columns].join(', ')} FROM ${table.name} WHERE id`,
      sorted(ids),
      tail,
    )
    const isOpen = (row: Row) => table.isOpen(row, depth)
    const cleared = rows.filter((row) => !isOpen(row)).map((row) => ({ row, left: table.clear(row, depth) }))
    const changes = cleared.filter(isDifferent).map(({ row, left }) => ({ id: Number(row.id), ...left }))
    await updateRows(tx, table.name, changes)
    return { changed: changes.length, open: rows.filter(isOpen).map(({ id }) => Number(id)) }
  })
}

const sorted = (ids: readonly number[]) => [...new Set(ids)].sort((a, b) => a - b)

/** By what was read of the row. */
const isDifferent = ({ row, left }: { readonly row: Row; readonly left: Cleared }): boolean =>
  Object.entries(left).some(([column, value]) => column in row && row[column] !== value)
