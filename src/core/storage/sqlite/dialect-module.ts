/**
 * The package that Sequelize's `sqlite` dialect drives, in the shape of node-sqlite3. Sequelize opens a connection per
 * transaction; here a connection is only an identity on the hub of its file, which owns the handles.
 *
 * In memory, storage `:memory:` gives Sequelize a single connection, so statements outside an open transaction join
 * it. A longer name, such as `:memory:orders`, gives every transaction its own connection, as with a file.
 */

import { type Driver, openLibsql } from './driver.ts'
import type { Hub } from './hub.ts'
import { createHubLeases, type HubLease } from './hub-leases.ts'
import { noOutcome, type Outcome, type Parameters } from './session.ts'
import { statementKind } from './statement-kind.ts'
import { type SqliteError, sqliteError } from './values.ts'

export interface SqliteDialectOptions {
  /** FULL (default): a commit survives a power cut. NORMAL: it survives the death of the process, and is faster. */
  readonly synchronous?: 'FULL' | 'NORMAL'
  /** How long a statement waits for other transactions before it fails with SQLITE_BUSY; default 10,000. */
  readonly lockDeadlineMs?: number
  readonly driver?: Driver
}

type Callback = (this: unknown, error: SqliteError | null, rows?: unknown) => void

const OPEN_READONLY = 1
const OPEN_READWRITE = 2
const OPEN_CREATE = 4

/** What Sequelize sends on every new connection; the handles have it since they were opened. */
const connectionSetup = 'PRAGMA FOREIGN_KEYS=ON'

/** `this` of a callback. Sequelize looks for a class of this name. */
class Statement {
  readonly lastID: number | string
  readonly changes: number
  constructor(outcome: Outcome) {
    this.lastID = outcome.lastID
    this.changes = outcome.changes
  }
}

/**
 * Makes the value for Sequelize's `dialectModule`. Integers beyond 2^53 come back as decimal strings, blobs as
 * buffers. A write outside the caller's own open transaction fails with SQLITE_BUSY after `lockDeadlineMs`.
 */
export function createSqliteDialectModule(options: SqliteDialectOptions = {}) {
  const { driver = openLibsql, synchronous = 'FULL', lockDeadlineMs = 10_000 } = options
  const lease = createHubLeases({ driver, synchronous, lockDeadlineMs })

  class Database {
    readonly filename: string
    private readonly lease: Promise<HubLease>
    private hub: Hub | undefined

    constructor(filename: string, mode: number, callback: Callback) {
      const access = { isReadOnly: (mode & OPEN_READWRITE) === 0, mayCreate: (mode & OPEN_CREATE) !== 0 }
      this.filename = filename
      this.lease = lease(this, filename, access)
      this.lease.then(
        ({ hub }) => {
          this.hub = hub
          callback.call(this, null)
        },
        (error: SqliteError) => callback.call(this, error),
      )
    }

    serialize(work: () => void): void {
      work()
    }

    run(sql: string, parameters?: Parameters, callback?: Callback): void {
      if (sql !== connectionSetup) this.submit(sql, parameters, callback)
    }

    all(sql: string, parameters?: Parameters | Callback, callback?: Callback): void {
      if (typeof parameters === 'function') this.submit(sql, [], parameters)
      else this.submit(sql, parameters, callback)
    }

    close(callback?: Callback): void {
      this.hub = undefined
      const closed = () => callback?.call(this, null)
      this.lease.then((held) => held.end()).then(closed, closed)
    }

    private submit(sql: string, parameters: Parameters = [], callback?: Callback): void {
      const done = (error: SqliteError | null, outcome: Outcome) =>
        callback?.call(new Statement(outcome), error, outcome.rows)
      if (this.hub) this.hub.submit({ connection: this, sql, parameters, done })
      else queueMicrotask(() => done(closedFault(sql), noOutcome))
    }
  }
  return { Database, OPEN_READONLY, OPEN_READWRITE, OPEN_CREATE }
}

/** Closing has rolled back already, so a late ROLLBACK is in order. */
const closedFault = (sql: string) =>
  statementKind(sql) === 'rollback' ? null : sqliteError('SQLITE_MISUSE', 'the connection is closed')
