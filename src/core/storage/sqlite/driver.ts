/** What the dialect needs from an embedded SQLite package. Another package is one more {@link Driver}. */

import Libsql from 'libsql'

export type BoundValue = string | number | bigint | null | Uint8Array
export type ResultRow = Record<string, unknown>

export interface DriverStatement {
  /** True for a statement that gives rows. */
  readonly isReader: boolean
  /** Every row; integers as bigint. */
  all(values: readonly BoundValue[]): ResultRow[]
  run(values: readonly BoundValue[]): { readonly changes: number; readonly lastInsertRowid: number | bigint }
}

export interface DriverHandle {
  readonly inTransaction: boolean
  /** Runs a script; a statement of it that fails leaves nothing behind. */
  exec(script: string): void
  prepare(sql: string): DriverStatement
  close(): void
}

/** Opens or creates a file or `:memory:`. Errors have SQLite's own (extended) name in `code`, such as SQLITE_BUSY. */
export type Driver = (path: string) => DriverHandle

/** https://github.com/tursodatabase/libsql-js */
export const openLibsql: Driver = (path) => {
  const database = new Libsql(path)
  return {
    get inTransaction() {
      return database.inTransaction
    },
    exec: (script) => void database.exec(script),
    prepare: (sql) => {
      const statement = database.prepare(sql).safeIntegers(true)
      return {
        isReader: statement.reader,
        all: (values) => statement.all(values) as ResultRow[],
        run: (values) => statement.run(values),
      }
    },
    close: () => void database.close(),
  }
}
