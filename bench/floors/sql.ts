/** Multi-row prepared statements over plain mysql2. */

import mysql, { type Connection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise'

export type Value = string | number | null
export type Values = readonly Value[]

export const openConnection = async (url: string): Promise<Connection> => {
  const connection = await mysql.createConnection({ uri: url, dateStrings: true, timezone: 'Z' })
  await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
  return connection
}

const list = (text: string, count: number) => Array<string>(count).fill(text).join(', ')

/** Resolves with the id of the first row; those of one statement follow each other. */
export async function insertAll(
  connection: Connection,
  into: string,
  rows: readonly Values[],
  ending = '',
): Promise<number> {
  const tuple = `(${list('?', rows[0]?.length ?? 0)})`
  const sql = `INSERT INTO ${into} VALUES ${list(tuple, rows.length)}${ending}`
  const [result] = await connection.execute<ResultSetHeader>(sql, rows.flat())
  return result.insertId
}

export async function selectAll<T>(connection: Connection, sql: string, values: Values): Promise<T[]> {
  const [rows] = await connection.execute<RowDataPacket[]>(`${sql} IN (${list('?', values.length)})`, [...values])
  return rows as T[]
}

/** `SET <fixed>, <column> = CASE id ... WHERE id IN (...)`: one statement for many rows. */
export async function updateAll(
  connection: Connection,
  table: string,
  fixed: Readonly<Record<string, Value>>,
  column: string,
  changes: readonly (readonly [id: number, value: Value])[],
): Promise<void> {
  const assignments = Object.keys(fixed).map((name) => `${name} = ?`)
  const cases = Array<string>(changes.length).fill('WHEN ? THEN ?').join(' ')
  const sql = `UPDATE ${table} SET ${[...assignments, `${column} = CASE id ${cases} END`].join(', ')}
    WHERE id IN (${list('?', changes.length)})`
  await connection.execute(sql, [...Object.values(fixed), ...changes.flat(), ...changes.map(([id]) => id)])
}

export async function inTransaction<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  await connection.query('BEGIN')
  const result = await work()
  await connection.query('COMMIT')
  return result
}

export const nowText = (): string => new Date().toISOString().slice(0, 23).replace('T', ' ')
