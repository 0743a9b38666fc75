/**
 * Shares one SQLite file among Sequelize's connections: a handle that writes, owned by one transaction at a time, and
 * a handle that reads what is committed, so that nobody's SELECT waits for a transaction. In memory there is only one
 * handle, and a SELECT outside the open transaction waits for its end like a write.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Driver } from './driver.ts'
import { createPacer } from './pacer.ts'
import { answer, type Request } from './request.ts'
import { noOutcome, type Outcome, openSession, type Session } from './session.ts'
import { type StatementKind, statementKind } from './statement-kind.ts'
import { sqliteError, toSqliteError } from './values.ts'
import { createWaitingLine } from './waiting-line.ts'

export interface Hub {
  submit(request: Request): void
  /** Takes a connection out: rolls its open transaction back and refuses its waiting statements. */
  release(connection: object): void
  close(): void
}

export interface HubOptions {
  readonly driver: Driver
  /** A file, or any name that begins with `:memory:`. */
  readonly path: string
  readonly synchronous: 'FULL' | 'NORMAL'
  readonly isReadOnly: boolean
  /** How long a statement waits for other transactions, of this process or another, before it is SQLITE_BUSY. */
  readonly lockDeadlineMs: number
}

/** SQLite itself waits for another process this long, blocking the event loop; longer waits are timers. */
const busyTimeoutMs = 10
const openRetryMs = 10

/** @throws SQLITE_BUSY if another process keeps the file locked until the deadline, SQLITE_CANTOPEN */
export async function openHub(options: HubOptions): Promise<Hub> {
  const deadline = performance.now() + options.lockDeadlineMs
  for (;;) {
    try {
      return createHub(options, openWriter(options))
    } catch (error) {
      const fault = toSqliteError(error, 'SQLITE_CANTOPEN')
      if (fault.code !== 'SQLITE_BUSY' || performance.now() > deadline) throw fault
      await sleep(openRetryMs)
    }
  }
}

const isMemory = (path: string) => path.startsWith(':memory:')

function openWriter({ driver, path, synchronous, isReadOnly }: HubOptions): Session {
  const settings = `PRAGMA busy_timeout=${busyTimeoutMs}; PRAGMA journal_mode=WAL; PRAGMA synchronous=${synchronous};
    PRAGMA foreign_keys=ON; PRAGMA query_only=${isReadOnly ? 'ON' : 'OFF'}`
  return openSession(driver, isMemory(path) ? ':memory:' : path, settings)
}

const openReader = ({ driver, path }: HubOptions) =>
  isMemory(path) ? undefined : openSession(driver, path, `PRAGMA busy_timeout=${busyTimeoutMs}; PRAGMA query_only=ON`)

function createHub(options: HubOptions, writer: Session): Hub {
  const pacer = createPacer()
  let reader = openReader(options)
  let owner: object | undefined

  const submit = (request: Request) => {
    const kind = statementKind(request.sql)
    if (request.connection === owner && kind !== 'begin') submitOwned(request, kind)
    else if (kind === 'rollback') answer(pacer, request, () => noOutcome)
    else if (kind === 'commit') answer(pacer, request, noTransaction)
    else if (kind === 'read' && reader) pacer.run(() => answer(pacer, request, () => read(request, reader ?? writer)))
    else line.join(request)
  }

  const submitOwned = (request: Request, kind: StatementKind) => {
    if (kind === 'commit') answer(pacer, request, () => end(() => writer.exec('COMMIT')))
    else if (kind === 'rollback') answer(pacer, request, () => end())
    // SQLite ends a transaction by itself on a full disk and the like; what follows must not be committed on its own.
    else answer(pacer, request, () => (writer.inTransaction ? write(request) : noTransaction()))
    line.advance()
  }

  /** Ends the open transaction; what `finish` leaves open is rolled back. */
  const end = (finish?: () => void): Outcome => {
    owner = undefined
    try {
      finish?.()
    } finally {
      if (writer.inTransaction) writer.exec('ROLLBACK')
    }
    return noOutcome
  }

  const read = (request: Request, session: Session): Outcome => {
    try {
      return session.execute(request.sql, request.parameters)
    } catch (error) {
      if (toSqliteError(error).code === 'SQLITE_BUSY') replaceReader()
      throw error
    }
  }

  /** A prepared statement that met SQLITE_BUSY stays active and would pin its handle to one snapshot. */
  const replaceReader = () => {
    reader?.close()
    reader = openReader(options)
  }

  const write = (request: Request): Outcome => writer.execute(request.sql, request.parameters)

  const change = (setting: string): Outcome => {
    writer.exec(setting)
    return noOutcome
  }

  const begin = (connection: object): Outcome => {
    writer.exec('BEGIN IMMEDIATE')
    owner = connection
    return noOutcome
  }

  /**
   * A single write has its transaction too: a prepared statement that met SQLITE_BUSY stays active, and SQLite then
   * holds back the commits after it. This way only BEGIN can meet it, which leaves nothing behind.
   */
  const writeAlone = (request: Request): Outcome => {
    let outcome = begin(request.connection)
    end(() => {
      outcome = write(request)
      writer.exec('COMMIT')
    })
    return outcome
  }

  const perform = (request: Request): Outcome => {
    const kind = statementKind(request.sql)
    if (kind === 'begin') return begin(request.connection)
    if (kind === 'setting') return change(request.sql)
    return kind === 'read' ? write(request) : writeAlone(request)
  }

  const line = createWaitingLine({
    pacer,
    deadlineMs: options.lockDeadlineMs,
    isFree: () => owner === undefined,
    perform,
  })

  const release = (connection: object) => {
    if (connection === owner) end()
    line.leave(connection)
    line.advance()
  }

  const close = () => {
    reader?.close()
    writer.close()
  }
  return { submit, release, close }
}

function noTransaction(): never {
  throw sqliteError('SQLITE_ERROR', 'no transaction is active')
}
