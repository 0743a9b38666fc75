/** Writes many rows like one that the gateway wrote, with statements that each make thousands. */

import type { Connection, RowDataPacket } from 'mysql2/promise'

export type Value = string | number | null
export type SourceRow = Readonly<Record<string, Value>>

export interface Kind {
  /** What all copies have, by column; `id` is left to the database unless there is an expression for it. */
  readonly like: SourceRow
  /** What differs: SQL by column, in which `k` is the number of the copy. What is null in `like` stays null. */
  readonly expressions: Readonly<Record<string, string>>
}

const perStatement = 10_000
const numbers = 'bench_numbers'

/** Makes what {@link writeCopies} counts with; for the connection alone. */
export async function prepareCopies(connection: Connection): Promise<void> {
  await connection.query(`CREATE TEMPORARY TABLE ${numbers} (n INT PRIMARY KEY)`)
  const values = Array.from({ length: perStatement }, (_, n) => `(${n})`)
  await connection.query(`INSERT INTO ${numbers} VALUES ${values.join(',')}`)
}

/** Of each kind one row for each number from `first` to before `end`, so that ids rise with numbers. */
export async function writeCopies(
  connection: Connection,
  table: string,
  kinds: readonly Kind[],
  [first, end]: readonly [first: number, end: number],
): Promise<void> {
  for (let from = first; from < end; from += perStatement) {
    const count = Math.min(perStatement, end - from)
    for (const kind of kinds) await writeSome(connection, table, kind, from, count)
  }
}

async function writeSome(
  connection: Connection,
  table: string,
  { like, expressions }: Kind,
  from: number,
  count: number,
) {
  const isMade = (name: string) => name in expressions && (name === 'id' || like[name] !== null)
  const columns = Object.keys(like).filter((name) => name !== 'id' || isMade(name))
  const selected = columns.map((name) => (isMade(name) ? expressions[name] : '?'))
  const constants = columns.filter((name) => !isMade(name)).map((name) => like[name] ?? null)
  await connection.query(
    `INSERT INTO ${table} (${columns.map((name) => `\`${name}\``).join(', ')}) SELECT ${selected.join(', ')}
     FROM (SELECT n + ${from} AS k FROM ${numbers} WHERE n < ${count}) AS numbered`,
    constants,
  )
}

interface IndexRow extends RowDataPacket {
  readonly name: string
  readonly isShared: number
  readonly columns: string
}

/** Fewer rows are written faster into the indexes than these are built. */
const fewRows = 100_000

/** Takes a table's indexes away while much is written: built at its end, by sorting, they cost a part of the time. */
export async function withoutIndexes(
  connection: Connection,
  table: string,
  rows: number,
  work: () => Promise<void>,
): Promise<void> {
  const indexes = rows > fewRows ? await indexesOf(connection, table) : []
  const change = (changes: readonly string[]) => connection.query(`ALTER TABLE ${table} ${changes.join(', ')}`)
  if (indexes.length > 0) await change(indexes.map(({ name }) => `DROP INDEX ${name}`))
  await work()
  const added = indexes.map(
    ({ name, isShared, columns }) => `ADD ${isShared ? '' : 'UNIQUE '}INDEX ${name} (${columns})`,
  )
  if (added.length > 0) await change(added)
  // As a server does by and by.
  await connection.query(`ANALYZE TABLE ${table}`)
}

async function indexesOf(connection: Connection, table: string): Promise<readonly IndexRow[]> {
  const [rows] = await connection.query<IndexRow[]>(
    `SELECT INDEX_NAME AS name, MIN(NON_UNIQUE) AS isShared,
       GROUP_CONCAT(CONCAT('\`', COLUMN_NAME, '\`') ORDER BY SEQ_IN_INDEX) AS columns
     FROM information_schema.STATISTICS
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND INDEX_NAME <> 'PRIMARY' GROUP BY INDEX_NAME`,
    [table],
  )
  return rows
}
