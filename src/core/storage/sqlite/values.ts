/** Values on their way into and out of SQLite, and its errors in the shape that Sequelize knows from node-sqlite3. */

import { sqlTime } from '../time.ts'
import type { BoundValue, ResultRow } from './driver.ts'

/** Numbers of SQLite's result codes: https://www.sqlite.org/rescode.html */
const errnos: Readonly<Record<string, number>> = {
  SQLITE_ERROR: 1,
  SQLITE_BUSY: 5,
  SQLITE_READONLY: 8,
  SQLITE_CANTOPEN: 14,
  SQLITE_CONSTRAINT: 19,
  SQLITE_MISMATCH: 20,
  SQLITE_MISUSE: 21,
}

/**
 * Extended names that Sequelize expects in their short form. It takes every SQLITE_CONSTRAINT for a unique or foreign
 * key, so violations of NOT NULL and CHECK keep their long name and stay plain database errors.
 */
const shortNames = new Map([
  ['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT'],
  ['SQLITE_CONSTRAINT_PRIMARYKEY', 'SQLITE_CONSTRAINT'],
  ['SQLITE_CONSTRAINT_ROWID', 'SQLITE_CONSTRAINT'],
  ['SQLITE_CONSTRAINT_FOREIGNKEY', 'SQLITE_CONSTRAINT'],
  ['SQLITE_BUSY_RECOVERY', 'SQLITE_BUSY'],
  ['SQLITE_BUSY_SNAPSHOT', 'SQLITE_BUSY'],
  ['SQLITE_BUSY_TIMEOUT', 'SQLITE_BUSY'],
])

export interface SqliteError extends Error {
  readonly code: string
  readonly errno: number
}

export function sqliteError(code: string, text: string, cause?: unknown): SqliteError {
  return Object.assign(new Error(`${code}: ${text}`, { cause }), { code, errno: errnos[code] ?? 1 })
}

/** An error of the driver as node-sqlite3 would have given it. */
export function toSqliteError(error: unknown, fallbackCode = 'SQLITE_ERROR'): SqliteError {
  const { code, errno, message } = error as Partial<SqliteError>
  if (error instanceof Error && errno !== undefined) return error as SqliteError
  const name = code?.startsWith('SQLITE_') ? code : fallbackCode
  return sqliteError(shortNames.get(name) ?? name, message ?? String(error), error)
}

/**
 * A value as SQLite stores it. Whole numbers are bound as integers: as floats they would read `5.0` in a text column.
 * @throws SQLITE_MISMATCH for arrays, objects and the like
 */
export function toBoundValue(value: unknown): BoundValue {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'bigint' || value instanceof Uint8Array) return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (value instanceof Date) return sqlTime(value)
  throw sqliteError('SQLITE_MISMATCH', `a value of type ${typeof value} cannot be bound`)
}

/** A row with integers as numbers, or as decimal strings where a number would round them, and blobs as buffers. */
export function toResultRow(row: ResultRow): ResultRow {
  for (const name in row) {
    const value = row[name]
    if (typeof value === 'bigint') row[name] = toInteger(value)
    else if (typeof value === 'object' && value !== null) row[name] = toBuffer(value)
  }
  return row
}

export function toInteger(value: number | bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

function toBuffer(value: object): unknown {
  if (value instanceof ArrayBuffer) return Buffer.from(value)
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return value
}
