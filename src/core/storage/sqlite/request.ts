/** One statement of one connection, and the two ways it ends. */

import type { Pacer } from './pacer.ts'
import { noOutcome, type Outcome, type Parameters } from './session.ts'
import { type SqliteError, toSqliteError } from './values.ts'

export interface Request {
  /** Whose request it is: the identity of a connection. */
  readonly connection: object
  readonly sql: string
  readonly parameters: Parameters
  done(error: SqliteError | null, outcome: Outcome): void
}

export function succeed(pacer: Pacer, request: Request, outcome: Outcome): void {
  pacer.deliver(() => request.done(null, outcome))
}

export function refuse(pacer: Pacer, request: Request, error: SqliteError): void {
  pacer.deliver(() => request.done(error, noOutcome))
}

/** Ends a request with what `work` returns or throws. */
export function answer(pacer: Pacer, request: Request, work: () => Outcome): void {
  try {
    succeed(pacer, request, work())
  } catch (error) {
    refuse(pacer, request, toSqliteError(error))
  }
}
