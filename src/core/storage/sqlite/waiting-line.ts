/** Requests that need the writer, in the order of their arrival, each with a deadline. */

import type { Pacer } from './pacer.ts'
import { type Request, refuse, succeed } from './request.ts'
import type { Outcome } from './session.ts'
import { sqliteError, toSqliteError } from './values.ts'

export interface WaitingLine {
  /** Adds a request; it is served at once if it can be. */
  join(request: Request): void
  /** Serves requests for as long as the writer is free. */
  advance(): void
  /** Refuses what a connection that is closed has waiting. */
  leave(connection: object): void
}

interface Dependencies {
  readonly pacer: Pacer
  readonly deadlineMs: number
  /** False while a transaction owns the writer. */
  isFree(): boolean
  /** @throws SQLITE_BUSY while another process writes; the request then stays first in the line */
  perform(request: Request): Outcome
}

interface Waiting {
  readonly request: Request
  readonly deadline: NodeJS.Timeout
}

const busyRetryMs = 10

export function createWaitingLine({ pacer, deadlineMs, isFree, perform }: Dependencies): WaitingLine {
  const line: Waiting[] = []
  let isAdvanceDue = false

  const join = (request: Request) => {
    const expire = () => drop(waiting, 'SQLITE_BUSY', `waited ${deadlineMs} ms for another transaction to end`)
    const waiting = { request, deadline: setTimeout(expire, deadlineMs) }
    line.push(waiting)
    advance()
  }

  const drop = (waiting: Waiting, code: string, text: string) => {
    clearTimeout(waiting.deadline)
    line.splice(line.indexOf(waiting), 1)
    refuse(pacer, waiting.request, sqliteError(code, text))
  }

  const advance = () => {
    while (isFree() && !isAdvanceDue) {
      const first = line[0]
      if (first === undefined) return
      if (pacer.isSpent()) advanceAfter((resume) => setImmediate(resume))
      else if (serve(first)) line.shift()
      else advanceAfter((resume) => setTimeout(resume, busyRetryMs))
    }
  }

  const advanceAfter = (schedule: (resume: () => void) => unknown) => {
    isAdvanceDue = true
    schedule(() => {
      isAdvanceDue = false
      advance()
    })
  }

  /** False if another process holds the file. */
  const serve = ({ request, deadline }: Waiting): boolean => {
    try {
      succeed(pacer, request, perform(request))
    } catch (error) {
      const fault = toSqliteError(error)
      if (fault.code === 'SQLITE_BUSY') return false
      refuse(pacer, request, fault)
    }
    clearTimeout(deadline)
    return true
  }

  const leave = (connection: object) => {
    for (const waiting of line.filter(({ request }) => request.connection === connection)) {
      drop(waiting, 'SQLITE_MISUSE', 'the connection was closed')
    }
  }
  return { join, advance, leave }
}
