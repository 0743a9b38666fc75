/** Goes through rows of a table by their ids, a group at a time, so that nothing is held or read for long. */

import type { Executor, Row, SqlValue } from '../storage/database.ts'
import { clearGroupSize } from './clear-rows.ts'

export interface Rows {
  readonly table: string
  /** Beside the id. */
  readonly columns?: readonly string[]
  /** Joined by AND; `?` stands for the next of the values. At least one of them has an index. */
  readonly where: readonly Condition[]
}

export interface Condition {
  readonly sql: string
  readonly values?: readonly SqlValue[]
}

export const equals = (column: string, value: SqlValue): Condition => ({ sql: `${column} = ?`, values: [value] })
export const isNull = (column: string): Condition => ({ sql: `${column} IS NULL` })
/** With no values: nothing. */
export const isIn = (column: string, values: readonly SqlValue[]): Condition =>
  values.length === 0 ? { sql: '1 = 0' } : { sql: `${column} IN (${values.map(() => '?').join(', ')})`, values }

/**
 * @param after id behind which to begin
 * @param size rows of a page at most
 */
export async function* pagesOf(
  executor: Executor,
  { table, columns = [], where }: Rows,
  after = 0,
  size = clearGroupSize,
): AsyncGenerator<readonly Row[]> {
  for (let last = after; ; ) {
    const bind: SqlValue[] = [last]
    const conditions = where.map(({ sql, values = [] }) => numbered(sql, values, bind))
    const rows: Row[] = await executor.select<Row>(
      `SELECT ${['id', ...columns].join(', ')} FROM ${table}
       WHERE ${['id > $1', ...conditions].join(' AND ')} ORDER BY id LIMIT ${size}`,
      bind,
    )
    if (rows.length > 0) yield rows
    if (rows.length < size) return
    last = Number(rows.at(-1)?.id)
  }
}

function numbered(sql: string, values: readonly SqlValue[], bind: SqlValue[]): string {
  const next = values.values()
  return sql.replaceAll('?', () => `$${bind.push(next.next().value ?? null)}`)
}

export const idsOf = (rows: readonly Row[]): number[] => rows.map(({ id }) => Number(id))
