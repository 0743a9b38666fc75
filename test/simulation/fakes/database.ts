/**
 * The database as processes meet it: real SQL on SQLite in memory, reached over a network that loses statements before
 * they arrive and answers after the commit. A transaction takes place at one moment; its answer comes later, so that a
 * process can die in between.
 */

import type { Sequelize } from 'sequelize'
import type { Database, Executor, SqlValue } from '../../../src/core/storage/database.ts'
import { openDatabase } from '../../../src/core/storage/database.ts'
import { migrate } from '../../../src/core/storage/migrate.ts'
import { openLibsql } from '../../../src/core/storage/sqlite/driver.ts'
import { openSession, type Session } from '../../../src/core/storage/sqlite/session.ts'
import { fromSqlTime } from '../../../src/core/storage/time.ts'
import type { Chaos } from '../chaos.ts'
import type { Owner, Scheduler } from '../scheduler.ts'

export interface DatabaseServer {
  /** The database as this process reaches it. */
  connect(owner: Owner): Database
  /** Looks inside without anybody noticing. */
  peek<T>(sql: string): T[]
  /** The earliest time at which something in the rows is due. */
  nextDue(): Date | null
}

/** Opens one empty database with all tables; it is emptied and used again for each seed. */
export async function openTables(): Promise<Session> {
  const source = openDatabase({ url: 'sqlite::memory:' })
  await migrate(source)
  const tables = await source.select<{ sql: string }>(
    "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'",
  )
  await source.close()
  return openSession(openLibsql, ':memory:', [...tables.map(({ sql }) => sql), ...watch].join(';\n'))
}

/** Notes each status that is taken back, and the end of each lease, in the transaction that does it. */
const watch = [
  'CREATE TABLE simulated_falls (message INTEGER, fall TEXT)',
  `CREATE TRIGGER fall AFTER UPDATE OF status_rank ON wa_outgoing_messages
   WHEN OLD.status_rank >= 3 AND OLD.accepted_at IS NOT NULL AND NEW.status_rank < OLD.status_rank
   BEGIN INSERT INTO simulated_falls VALUES (OLD.id, OLD.status_rank || ' to ' || NEW.status_rank); END;`,
  'CREATE TABLE simulated_leases (reference TEXT PRIMARY KEY, ends_at TEXT)',
  ...['INSERT', 'UPDATE OF state'].map(
    (change, index) =>
      `CREATE TRIGGER lease_${index} AFTER ${change} ON wa_outgoing_messages WHEN NEW.state = 'sending'
       BEGIN INSERT OR REPLACE INTO simulated_leases VALUES (NEW.reference || '.' || NEW.attempts, NEW.due_at); END;`,
  ),
]

const earliestDue = `SELECT MIN(due_at) AS due FROM (${['wa_outgoing_messages', 'wa_dlr_messages', 'activity_events']
  .map((table) => `SELECT MIN(due_at) AS due_at FROM ${table}`)
  .join(' UNION ALL ')})`

const usedTables = [
  'wa_outgoing_messages',
  'wa_send_attempts',
  'wa_dlr_messages',
  'activity_events',
  'gateway_leases',
  'rejected_events',
  'audit_log',
  'wa_consents',
  'simulated_falls',
  'simulated_leases',
]

const away = (text: string) => Object.assign(new Error(text), { name: 'SequelizeConnectionError' })

/** Errors as callers know them from Sequelize. */
function asSequelize(error: unknown): unknown {
  const isConstraint = (error as { code?: string }).code?.startsWith('SQLITE_CONSTRAINT')
  return isConstraint ? Object.assign(error as Error, { name: 'SequelizeUniqueConstraintError' }) : error
}

const named = (bind: readonly SqlValue[]) => Object.fromEntries(bind.map((value, index) => [`$${index + 1}`, value]))

const executorOn = (session: Session): Executor => ({
  select: async <T>(sql: string, bind: readonly SqlValue[] = []) => session.execute(sql, named(bind)).rows as T[],
  async write(sql, bind = []) {
    try {
      return session.execute(sql, named(bind)).changes
    } catch (error) {
      throw asSequelize(error)
    }
  },
})

type Run = <T>(work: (tx: Executor) => Promise<T>) => Promise<T>

export interface DatabaseServerDeps {
  readonly session: Session
  readonly scheduler: Scheduler
  readonly chaos: Chaos
  /** Told when rows were written. */
  readonly onWrite: () => void
}

export function createDatabaseServer({ session, scheduler, chaos, onWrite }: DatabaseServerDeps): DatabaseServer {
  const { select, write } = executorOn(session)
  for (const table of usedTables) session.exec(`DELETE FROM ${table}`)
  session.exec('DELETE FROM sqlite_sequence')
  let isOpen = false
  let hasWritten = false
  const inside: Executor = {
    select,
    write(sql, bind) {
      hasWritten = true
      return write(sql, bind)
    },
  }

  const once = async <T>(work: (tx: Executor) => Promise<T>, end: 'COMMIT' | 'ROLLBACK'): Promise<T> => {
    if (isOpen) throw new Error('a transaction waited for something outside of the database')
    session.exec('BEGIN')
    isOpen = true
    try {
      const result = await work(inside)
      session.exec(end)
      return result
    } catch (error) {
      session.exec('ROLLBACK')
      throw error
    } finally {
      isOpen = false
    }
  }

  const transaction = async <T>(work: (tx: Executor) => Promise<T>): Promise<T> => {
    // A deadlock: what was done so far is undone, and all of it is done again.
    if (chaos.databaseDeadlocks()) await once(work, 'ROLLBACK')
    return once(work, 'COMMIT')
  }
  const alone = <T>(work: (tx: Executor) => Promise<T>): Promise<T> => work(inside)

  const take = async <T>(run: Run, work: (tx: Executor) => Promise<T>): Promise<T> => {
    if (chaos.databaseFailsBefore()) throw away('connect ECONNREFUSED')
    hasWritten = false
    const result = await run(work)
    if (hasWritten) onWrite()
    if (chaos.databaseFailsAfter()) throw away('Connection lost: the server closed the connection.')
    return result
  }

  /** There at one moment, back at another. */
  const call = <T>(owner: Owner, run: Run, work: (tx: Executor) => Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      const reply = (settle: () => void) => {
        scheduler.after(chaos.networkMs(), 'answer of the database', settle, owner)
        chaos.edge(owner, 'after the database')
      }
      const arrive = () =>
        void take(run, work).then(
          (result) => reply(() => resolve(result)),
          (error) => reply(() => reject(error)),
        )
      scheduler.after(chaos.networkMs(), run === alone ? 'statement' : 'transaction', arrive, owner)
    })

  return {
    connect: (owner) => ({
      dialect: 'sqlite',
      forUpdate: '',
      forUpdateSkipLocked: '',
      keepExisting: ' ON CONFLICT DO NOTHING',
      select: (sql, bind) => call(owner, alone, (tx) => tx.select(sql, bind)),
      write: (sql, bind) => call(owner, alone, (tx) => tx.write(sql, bind)),
      transaction: (work) => call(owner, transaction, work),
      // Nothing that runs in here reaches for it.
      sequelize: undefined as unknown as Sequelize,
      close: async () => {},
    }),
    peek: <T>(sql: string) => session.execute(sql, {}).rows as T[],
    nextDue() {
      const [row] = session.execute(earliestDue, {}).rows
      return fromSqlTime(row?.due)
    },
  }
}
