/** Multi-row statements, in few different sizes, so that few kinds of prepared statement exist. */

import { LRUCache } from 'lru-cache'
import type { Executor, SqlValue } from './database.ts'
import { isUniqueViolation } from './database-errors.ts'

/** Rows in one statement at most; larger groups gain nothing (docs/performance.md). */
const maxRows = 64

/** A row to write: column -> value. All rows of one call have the same columns in the same order. */
export type Values = Readonly<Record<string, SqlValue>>

/**
 * Inserts rows. `ending` is e.g. {@link Database.keepExisting}.
 * @param unique columns of the key by which rows exist, the one that tells most apart first: so that many that exist,
 *   as when a batch comes again, are left out at once instead of being searched for
 */
export async function insertRows(
  tx: Executor,
  table: string,
  rows: readonly Values[],
  ending = '',
  unique: readonly string[] = [],
): Promise<void> {
  const isSafeInGroups = !ending.startsWith(' ON DUPLICATE KEY')
  for (const chunk of insertChunks(rows)) {
    if (isSafeInGroups || chunk.length === 1) await insertTogether(tx, table, chunk, ending)
    else await insertMissing(tx, table, chunk, unique)
  }
}

async function insertMissing(
  tx: Executor,
  table: string,
  rows: readonly Values[],
  unique: readonly string[],
): Promise<void> {
  const [column] = unique
  if (column === undefined) return insertNew(tx, table, rows)
  try {
    await insertTogether(tx, table, rows, '')
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    const keyOf = (row: Values) => unique.map((name) => String(row[name])).join('\n')
    const wanted = rows.map((row) => row[column] ?? null)
    const found = await selectIn<Values>(tx, `SELECT ${unique.join(', ')} FROM ${table} WHERE ${column}`, wanted)
    const existing = new Set(found.map(keyOf))
    const missing = rows.filter((row) => !existing.has(keyOf(row)))
    if (missing.length > 0) await insertNew(tx, table, missing)
  }
}

/**
 * Leaves out rows that exist. Not by ON DUPLICATE KEY: meeting a row with a higher id, MariaDB (10.11) numbers the rows
 * of the statement that come after it from there, and silently leaves out those whose id is another's by then.
 */
async function insertNew(tx: Executor, table: string, rows: readonly Values[]): Promise<void> {
  try {
    await insertTogether(tx, table, rows, '')
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    if (rows.length === 1) return
    const half = Math.ceil(rows.length / 2)
    await insertNew(tx, table, rows.slice(0, half))
    await insertNew(tx, table, rows.slice(half))
  }
}

async function insertTogether(tx: Executor, table: string, rows: readonly Values[], ending: string): Promise<void> {
  const columns = Object.keys(rows[0] ?? {})
  const into = `${table} (${columns.join(', ')})`
  const sql = text(
    `INSERT ${into} ${rows.length}${ending}`,
    () => `INSERT INTO ${into} VALUES ${tuples(rows.length, columns.length)}${ending}`,
  )
  const bind: SqlValue[] = []
  for (const row of rows) for (const column of columns) bind.push(row[column] ?? null)
  await tx.write(sql, bind)
}

/**
 * Updates many rows in one statement; the first column of each is its key. What is the same in all rows is set once.
 * @returns the number of rows that the database counts as changed
 */
export function updateRows(tx: Executor, table: string, rows: readonly Values[]): Promise<number> {
  return updateEach(tx, table, rows, (_, value) => value)
}

/** The same, but a column that has a value keeps it. */
export function fillRows(tx: Executor, table: string, rows: readonly Values[]): Promise<number> {
  return updateEach(tx, table, rows, (column, value) => `COALESCE(${column}, ${value})`)
}

/** Adds to columns of many rows in one statement; the first column of each is its key. */
export async function addToRows(tx: Executor, table: string, rows: readonly Values[]): Promise<void> {
  await updateEach(tx, table, rows, (column, value) => `${column} + ${value}`)
}

type Assigned = (column: string, value: string) => string

async function updateEach(tx: Executor, table: string, rows: readonly Values[], assigned: Assigned): Promise<number> {
  let changed = 0
  for (let from = 0; from < rows.length; from += maxRows) {
    const { sql, bind } = updateOf(table, padToPowerOfTwo(rows.slice(from, from + maxRows)), assigned)
    changed += await tx.write(sql, bind)
  }
  return changed
}

/** SELECT ... WHERE column IN (...), for any number of values; `head` ends before the WHERE's condition on the list. */
export async function selectIn<T>(
  executor: Executor,
  head: string,
  values: readonly SqlValue[],
  tail = '',
): Promise<T[]> {
  const found: T[] = []
  for (let from = 0; from < values.length; from += maxRows) {
    const padded = padToPowerOfTwo(values.slice(from, from + maxRows))
    const sql = text(`${head} ${padded.length}${tail}`, () => `${head} IN (${placeholders(1, padded.length)})${tail}`)
    found.push(...(await executor.select<T>(sql, padded)))
  }
  return found
}

const placeholders = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => `$${first + index}`).join(', ')

const tuples = (rows: number, columns: number) =>
  Array.from({ length: rows }, (_, row) => `(${placeholders(row * columns + 1, columns)})`).join(', ')

/** CASE key WHEN ... THEN ...: portable, and few kinds of statement. */
function updateOf(table: string, rows: readonly Values[], assigned: Assigned): { sql: string; bind: SqlValue[] } {
  const [first = {}] = rows
  const [key = 'id', ...columns] = Object.keys(first)
  const varying = new Set(columns.filter((column) => rows.some((row) => row[column] !== first[column])))
  const bind = rows.map((row) => row[key] ?? null)
  for (const column of columns) {
    if (varying.has(column)) for (const row of rows) bind.push(row[column] ?? null)
    else bind.push(first[column] ?? null)
  }
  const shape = columns.map((column) => (varying.has(column) ? `${column}*` : column)).join()
  const sql = text(`UPDATE ${table} ${key} ${shape} ${rows.length} ${assigned('c', 'v')}`, () =>
    updateSql(table, key, columns, { varying, assigned, count: rows.length }),
  )
  return { sql, bind }
}

interface UpdateShape {
  /** Columns whose values are not the same in all rows. */
  readonly varying: ReadonlySet<string>
  readonly assigned: Assigned
  /** Rows. */
  readonly count: number
}

/** Bound are the keys, then for each column its value or, where it varies, its values. */
function updateSql(table: string, key: string, columns: readonly string[], shape: UpdateShape): string {
  const { varying, assigned, count } = shape
  let bound = count
  const assignments = columns.map((column) => {
    if (!varying.has(column)) return `${column} = ${assigned(column, `$${++bound}`)}`
    const cases = Array.from({ length: count }, (_, row) => `WHEN $${row + 1} THEN $${++bound}`)
    return `${column} = ${assigned(column, `CASE ${key} ${cases.join(' ')} END`)}`
  })
  return `UPDATE ${table} SET ${assignments.join(', ')} WHERE ${key} IN (${placeholders(1, count)})`
}

/** Statements for groups are kilobytes long, and there are few kinds of them: each is written once. */
const texts = new LRUCache<string, string>({ max: 1_000 })

function text(kind: string, write: () => string): string {
  const known = texts.get(kind)
  if (known !== undefined) return known
  const written = write()
  texts.set(kind, written)
  return written
}

function padToPowerOfTwo<T>(items: readonly T[]): T[] {
  const last = items.at(-1)
  if (last === undefined) return []
  const size = 2 ** Math.ceil(Math.log2(items.length))
  return [...items, ...Array<T>(size - items.length).fill(last)]
}

/** A row more cannot be made up, so an insert is cut: a multiple of eight, then the rest. */
const insertStep = 8

/** Is one statement enough to insert so many rows? It is a transaction by itself. */
export const fitsOneInsert = (count: number): boolean =>
  count < insertStep || (count <= maxRows && count % insertStep === 0)

function* insertChunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < items.length; ) {
    const left = Math.min(maxRows, items.length - from)
    const size = left < insertStep ? left : left - (left % insertStep)
    yield items.slice(from, from + size)
    from += size
  }
}

/** UPDATE ... SET ... WHERE key IN (...): the same values for many rows. */
export async function updateWhereIn(
  executor: Executor,
  table: string,
  values: Readonly<Record<string, SqlValue>>,
  key: string,
  keys: readonly SqlValue[],
): Promise<void> {
  const columns = Object.keys(values)
  const assignments = columns.map((column, index) => `${column} = $${index + 1}`).join(', ')
  for (let from = 0; from < keys.length; from += maxRows) {
    const padded = padToPowerOfTwo(keys.slice(from, from + maxRows))
    const head = `UPDATE ${table} SET ${assignments} WHERE ${key}`
    const sql = text(
      `${head} ${padded.length}`,
      () => `${head} IN (${placeholders(columns.length + 1, padded.length)})`,
    )
    await executor.write(sql, [...Object.values(values), ...padded])
  }
}
