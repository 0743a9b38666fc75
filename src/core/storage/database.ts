/** The one way to the database: raw statements with bound values, transactions that are retried as a whole. */

import { setTimeout as sleep } from 'node:timers/promises'
import mysql2 from 'mysql2'
import { type Options, QueryTypes, Sequelize, type Transaction } from 'sequelize'
import { isTransient } from './database-errors.ts'
import { mysqlExecutor } from './mysql-executor.ts'
import { boundEveryQuery } from './query-deadline.ts'
import { createSqliteDialectModule } from './sqlite/dialect-module.ts'

export type SqlValue = string | number | boolean | null | Buffer
export type Row = Record<string, unknown>

export interface Executor {
  /** Rows of a SELECT; `$1`, `$2`, ... are bound. */
  select<T = Row>(sql: string, bind?: readonly SqlValue[]): Promise<T[]>
  /** Runs an INSERT, UPDATE or DELETE; resolves with the number of affected rows. */
  write(sql: string, bind?: readonly SqlValue[]): Promise<number>
}

export interface Database extends Executor {
  readonly dialect: 'mysql' | 'sqlite'
  /** Appended to a SELECT inside a transaction to hold its rows until the commit. */
  readonly forUpdate: string
  /** The same, leaving out rows that another transaction holds. */
  readonly forUpdateSkipLocked: string
  /** Ends an INSERT so that rows whose unique key exists are left as they are. */
  readonly keepExisting: string
  /**
   * Runs `work` in one transaction. Deadlocks and lock time-outs repeat it from its start, so it must have no other
   * effects.
   */
  transaction<T>(work: (tx: Executor) => Promise<T>): Promise<T>
  readonly sequelize: Sequelize
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** `sqlite:<path>` (or `sqlite::memory:`) or `mysql://user:password@host:port/database`. */
  readonly url: string
  readonly poolSize?: number
  /** Deadline of one statement. */
  readonly queryMs?: number
  /** The server refuses every write. MySQL only. */
  readonly isReadOnly?: boolean
  /** When the server gives up a connection in use that says nothing, and with it the rows that it holds. */
  readonly silenceS?: number
}

const maxTransactionTries = 8
/** Doubled each time: who lost to many others must not meet all of them again. */
const firstWaitMs = 10

/** Opens the database; nothing is contacted before the first statement. */
export function openDatabase(options: DatabaseOptions): Database {
  const sequelize = options.url.startsWith('sqlite:') ? openSqlite(options.url) : openMysql(options)
  const dialect = sequelize.getDialect() === 'sqlite' ? 'sqlite' : 'mysql'
  const isMysql = dialect === 'mysql'
  const executor = isMysql ? mysqlExecutor : sqliteExecutor
  return {
    dialect,
    sequelize,
    forUpdate: isMysql ? ' FOR UPDATE' : '',
    forUpdateSkipLocked: isMysql ? ' FOR UPDATE SKIP LOCKED' : '',
    keepExisting: isMysql ? ' ON DUPLICATE KEY UPDATE id = id' : ' ON CONFLICT DO NOTHING',
    ...executor(sequelize),
    transaction: (work) => repeatable(() => sequelize.transaction((tx) => work(executor(sequelize, tx)))),
    close: () => sequelize.close(),
  }
}

function sqliteExecutor(sequelize: Sequelize, transaction?: Transaction): Executor {
  const inTransaction = transaction ? { transaction } : {}
  return {
    select: async <T>(sql: string, bind: readonly SqlValue[] = []) =>
      (await sequelize.query(sql, { bind: [...bind], type: QueryTypes.SELECT, raw: true, ...inTransaction })) as T[],
    write: async (sql, bind = []) =>
      sequelize.query(sql, { bind: [...bind], type: QueryTypes.BULKUPDATE, raw: true, ...inTransaction }),
  }
}

async function repeatable<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (tries >= maxTransactionTries || !isTransient(error)) throw error
      await sleep(firstWaitMs * 2 ** (tries - 1) * (0.5 + Math.random()))
    }
  }
}

const common: Options = { logging: false, define: { charset: 'utf8mb4', collate: 'utf8mb4_bin' } }

function openSqlite(url: string): Sequelize {
  const storage = url.slice('sqlite:'.length)
  return new Sequelize({ ...common, dialect: 'sqlite', storage, dialectModule: createSqliteDialectModule() })
}

/** An unused connection is closed before the server would give it up. */
const idleMs = 30_000
const defaultSilenceS = 40

function openMysql(options: DatabaseOptions): Sequelize {
  const { url, poolSize = 10, queryMs = 10_000, silenceS = defaultSilenceS, isReadOnly = false } = options
  const bounds = { deadlineMs: queryMs, silenceS, isReadOnly }
  return new Sequelize(url, {
    ...common,
    dialect: 'mysql',
    dialectModule: mysql2,
    timezone: '+00:00',
    pool: { max: poolSize, min: 0, idle: idleMs, acquire: 10_000 },
    // Times travel as text in both databases; the driver's own casts are cheaper than Sequelize's per-field parsers.
    dialectOptions: {
      connectTimeout: 5_000,
      dateStrings: true,
      typeCast: true,
      multipleStatements: false,
      maxPreparedStatements: 200,
    },
    hooks: { afterConnect: (connection) => boundEveryQuery(connection, bounds) },
  })
}
