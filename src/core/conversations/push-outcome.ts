/** What follows from one call of the NDR API: pure, with time and chance passed in. */

import type { HttpResult } from '../contract/provider.ts'
import { retryAfterMs } from '../contract/retry-after.ts'
import type { ClaimedNdr, NdrOutcome } from './ndr-store.ts'

/** A call that was not made, because the breaker opened or the process stood still since its claim. */
export const notCalled = { kind: 'unsent', reason: 'not called' } as const satisfies HttpResult

/** "Not now" rather than "no", although 4xx: https://www.rfc-editor.org/rfc/rfc9110#status.408, 6585 and 8470. */
const laterStatuses: ReadonlySet<number> = new Set([408, 425, 429])

const statusOf = (result: HttpResult): number | null => (result.kind === 'answer' ? result.status : null)

export const isTaken = (status: number | null): boolean => status !== null && status >= 200 && status < 300
const isRefused = (status: number | null): boolean =>
  status !== null && status >= 400 && status < 500 && !laterStatuses.has(status)

/** Does the result count against the courier side, as one that cannot be reached or does not work? */
export function isNdrTrouble(result: HttpResult): boolean {
  const status = statusOf(result)
  return !isTaken(status) && !isRefused(status) && status !== 425 && status !== 429
}

const firstWaitMs = 5_000
const longestWaitMs = 600_000
const jitter = 0.2
/** A slip of the courier side holds nothing up for longer. */
const longestRetryAfterMs = 3_600_000

/** How long a courier side that is busy asks to be left alone; undefined when it does not. */
export function pauseMs(result: HttpResult, now: Date): number | undefined {
  if (result.kind !== 'answer' || (result.status !== 429 && result.status !== 503)) return undefined
  const header = result.headers['retry-after']
  const askedMs = retryAfterMs(Array.isArray(header) ? header[0] : header, now)
  return askedMs === undefined ? undefined : Math.min(askedMs, longestRetryAfterMs)
}

/**
 * Decides how a decision goes on. 2xx = taken; 4xx but 408, 425 and 429 = refused, which is shown and not repeated;
 * anything else is tried again without end, since the key makes a repeat harmless.
 * @param chance a number from 0 (inclusive) to 1 (exclusive)
 */
export function outcomeOf(action: ClaimedNdr, result: HttpResult, now: Date, chance: number): NdrOutcome {
  const { token, attempt: attempts } = action
  if (result === notCalled) return givenBack(action, now)
  const responseStatus = statusOf(result)
  const response = result.kind === 'answer' ? result.body : result.reason
  const done = { token, attempts, dueAt: null, isHandedOver: true, responseStatus, response }
  if (isTaken(responseStatus)) return { ...done, state: 'taken' }
  if (isRefused(responseStatus)) return { ...done, state: 'refused' }
  const plannedMs = Math.min(firstWaitMs * 2 ** (attempts - 1), longestWaitMs) * (1 + jitter * (2 * chance - 1))
  const waitMs = Math.max(plannedMs, pauseMs(result, now) ?? 0)
  const isHandedOver = action.wasHandedOver || result.kind !== 'unsent'
  return { ...done, isHandedOver, state: 'pending', dueAt: new Date(now.getTime() + waitMs) }
}

/** As if it had not been claimed. */
const givenBack = ({ token, attempt, wasHandedOver }: ClaimedNdr, now: Date): NdrOutcome => ({
  token,
  state: 'pending',
  attempts: attempt - 1,
  dueAt: now,
  isHandedOver: wasHandedOver,
  responseStatus: null,
  response: notCalled.reason,
})
