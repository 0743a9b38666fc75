/** What a database error means for the caller. */

/** 1213 deadlock, 1205 lock wait time-out, 1020 record changed since last read (MariaDB snapshot isolation). */
const transientErrnos = new Set([1213, 1205, 1020])

interface DriverFault {
  readonly errno?: number
  readonly code?: string
}

/** The driver's own error, or Sequelize's around it. */
interface DatabaseFault extends DriverFault {
  readonly name?: string
  readonly message?: string
  readonly original?: DriverFault
}

const driverFaultOf = (error: unknown): DriverFault => {
  const fault = error as DatabaseFault | undefined
  return fault?.original ?? fault ?? {}
}

/** True for what passes by itself when the whole transaction is tried again. */
export function isTransient(error: unknown): boolean {
  return transientErrnos.has(driverFaultOf(error).errno ?? 0)
}

/** A lost connection comes as several kinds of error, some of them without any code, so the words count as well. */
const awayPattern = /closed state|Connection lost|ECONN|ETIMEDOUT|EPIPE|PROTOCOL_|SQLITE_BUSY|read-only|gone away/i

/** True when the database is out of reach or refuses all writes: no fault of the rows that were written. */
export function isDatabaseAway(error: unknown): boolean {
  const fault = error as DatabaseFault | undefined
  return (
    /^SequelizeConnection/.test(fault?.name ?? '') || awayPattern.test(`${driverFaultOf(error).code} ${fault?.message}`)
  )
}

/**
 * 1048 null, 1264 out of range, 1292 and 1366 wrong value, 1406 too long, 1153 larger than a packet, 3140 and 4025 no
 * JSON or a broken check.
 */
const refusedValueErrnos = new Set([1048, 1264, 1292, 1366, 1406, 1153, 3140, 4025])
const refusedValuePattern = /^SQLITE_(TOOBIG|MISMATCH|CONSTRAINT_(NOTNULL|CHECK))/

/** True when the database, or we ourselves, can never store these values: trying again would end the same. */
export function isRefusedValue(error: unknown): boolean {
  const { errno = 0, code = '' } = driverFaultOf(error)
  const isOurs = error instanceof RangeError || error instanceof TypeError || error instanceof SyntaxError
  return isOurs || refusedValueErrnos.has(errno) || refusedValuePattern.test(code)
}

/** The folder of an embedded database cannot be made. */
export class NoFolderError extends Error {
  override readonly name = 'NoFolderError'
}

/** Is it the database, or the way to it, that failed? */
export const isDatabaseFault = (error: unknown): boolean =>
  error instanceof NoFolderError ||
  /^Sequelize/.test((error as DatabaseFault | undefined)?.name ?? '') ||
  (driverFaultOf(error).code?.startsWith('ER_') ?? false)

/** SQLite only: another process has it, and may let go of it. */
export const isLocked = (error: unknown): boolean => driverFaultOf(error).code?.startsWith('SQLITE_BUSY') ?? false

/** MySQL and MariaDB only. */
export const isTableMissing = (error: unknown): boolean => driverFaultOf(error).code === 'ER_NO_SUCH_TABLE'

/** True when a row with the same unique key exists. */
export const isUniqueViolation = (error: unknown): boolean =>
  (error as DatabaseFault | undefined)?.name === 'SequelizeUniqueConstraintError' ||
  driverFaultOf(error).code === 'ER_DUP_ENTRY'
