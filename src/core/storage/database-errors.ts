/** What a database error means for the caller. */

/** 1213 deadlock, 1205 lock wait time-out, 1020 record changed since last read (MariaDB snapshot isolation). */
const transientErrnos = new Set([1213, 1205, 1020])

interface DatabaseFault {
  readonly name?: string
  readonly message?: string
  readonly original?: { readonly errno?: number; readonly code?: string }
}

/** True for what passes by itself when the whole transaction is tried again. */
export function isTransient(error: unknown): boolean {
  return transientErrnos.has((error as DatabaseFault | undefined)?.original?.errno ?? 0)
}

/** A lost connection comes as several kinds of error, some of them without any code, so the words count as well. */
const awayPattern = /closed state|Connection lost|ECONN|ETIMEDOUT|EPIPE|PROTOCOL_|SQLITE_BUSY|read-only|gone away/i

/** True when the database is out of reach or refuses all writes: no fault of the rows that were written. */
export function isDatabaseAway(error: unknown): boolean {
  const fault = error as DatabaseFault | undefined
  return (
    /^SequelizeConnection/.test(fault?.name ?? '') || awayPattern.test(`${fault?.original?.code} ${fault?.message}`)
  )
}

/** True when a row with the same unique key exists. */
export const isUniqueViolation = (error: unknown): boolean =>
  (error as DatabaseFault | undefined)?.name === 'SequelizeUniqueConstraintError'
