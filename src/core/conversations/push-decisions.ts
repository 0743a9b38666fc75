/** Tells the courier side what customers decided: once each, and for as long as it takes. */

import type { HttpClient, HttpResult } from '../contract/provider.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { NdrOutcome, NdrStore, PendingNdr } from './ndr-store.ts'

export interface PushDeps {
  readonly store: NdrStore
  readonly http: HttpClient
  /** Base URL of the NDR API; without it decisions are kept and nothing is called. */
  readonly baseUrl: string | undefined
  readonly now: () => Date
  readonly random: () => number
  readonly log: Logger
  readonly metrics: Metrics
}

const path = '/_ah/ESB/v1/ndrNotification'
const groupSize = 16
const firstWaitMs = 5_000
const longestWaitMs = 600_000

/** Pushes one group of due decisions. Resolves with how many there were. */
export async function pushDecisions(deps: PushDeps): Promise<number> {
  if (!deps.baseUrl) return 0
  const pending = await deps.store.take(groupSize, deps.now())
  const outcomes = await Promise.all(pending.map((action) => push(deps, action)))
  await deps.store.record(outcomes, deps.now())
  return pending.length
}

async function push(deps: PushDeps, action: PendingNdr): Promise<NdrOutcome> {
  const { idempotencyKey } = action.request
  const result = await deps.http({
    method: 'POST',
    url: `${deps.baseUrl}${path}`,
    headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
    body: JSON.stringify(action.request),
  })
  const outcome = outcomeOf(action, result, deps.now(), deps.random())
  deps.metrics.ndrCalls.inc({ result: outcome.state })
  deps.log.info({ idempotencyKey, state: outcome.state, status: outcome.responseStatus }, 'decision pushed')
  return outcome
}

/** 2xx = taken, 4xx = refused and shown; anything else is tried again, since the key makes a repeat harmless. */
export function outcomeOf(action: PendingNdr, result: HttpResult, now: Date, chance: number): NdrOutcome {
  const attempts = action.attempts + 1
  const responseStatus = result.kind === 'answer' ? result.status : null
  const response = result.kind === 'answer' ? result.body : result.reason
  const done = { id: action.id, attempts, dueAt: null, responseStatus, response }
  if (responseStatus !== null && responseStatus >= 200 && responseStatus < 300) return { ...done, state: 'taken' }
  if (responseStatus !== null && responseStatus >= 400 && responseStatus < 500) return { ...done, state: 'refused' }
  const waitMs = Math.min(firstWaitMs * 2 ** action.attempts, longestWaitMs) * (0.8 + 0.4 * chance)
  return { ...done, state: 'pending', dueAt: new Date(now.getTime() + waitMs) }
}
