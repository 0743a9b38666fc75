/** Tells the courier side what customers decided: each under its own key, and for as long as it takes. */

import type { ActivityStore } from '../activity/activity-store.ts'
import { type CircuitOptions, type CircuitState, createCircuit } from '../calls/circuit.ts'
import type { HttpClient, HttpResult } from '../contract/provider.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import { createBatcher } from '../storage/batcher.ts'
import type { Database } from '../storage/database.ts'
import { type ClaimedNdr, callWithinMs, type NdrStore } from './ndr-store.ts'
import { isNdrTrouble, notCalled, outcomeOf, pauseMs } from './push-outcome.ts'
import { type EndedPush, recordPushes } from './record-push.ts'

export interface PushDeps {
  readonly database: Database
  readonly store: NdrStore
  readonly outgoing: Pick<OutgoingStore, 'lock'>
  readonly activity: Pick<ActivityStore, 'insert' | 'committed'>
  readonly http: HttpClient
  /** Base URL of the NDR API; without it decisions are kept and nothing is called. */
  readonly baseUrl: string | undefined
  readonly now: () => Date
  readonly random: () => number
  readonly log: Logger
  readonly metrics: Metrics
  /** Something that waited may be due now. */
  readonly wake: () => void
  /** The process's monotonic clock. */
  readonly nowMs?: () => number
  /** Other than the usual limits of the circuit breaker. */
  readonly circuit?: Pick<CircuitOptions<HttpResult>, 'minCalls' | 'windowMs' | 'openMs'>
}

export interface DecisionPusher {
  /** Begins to push what is due, as far as there are free slots. Resolves with how many were begun. */
  pushDue(): Promise<number>
  /** Resolves when no push is under way and every outcome is written down. */
  drain(): Promise<void>
}

const path = '/_ah/ESB/v1/ndrNotification'
/** Calls under way at once in this process. */
const slots = 16

export function createDecisionPusher(deps: PushDeps): DecisionPusher {
  const { store, now, log, nowMs = () => performance.now() } = deps
  const running = new Set<Promise<void>>()
  let pausedUntilMs = Number.NEGATIVE_INFINITY
  const circuit = createCircuit<HttpResult>({
    ...deps.circuit,
    isTrouble: isNdrTrouble,
    notCalled,
    onChange: (state) => onCircuit(deps, state),
  })
  const record = createBatcher<EndedPush, undefined>({
    flush: async (ended) => {
      const done = await recordPushes(deps, ended)
      // The next decision about one of these shipments may have been waiting.
      if (ended.some(({ outcome }) => outcome.state !== 'pending')) deps.wake()
      return done
    },
  })

  const free = () => {
    if (!circuit.allows() || nowMs() < pausedUntilMs) return 0
    return (circuit.state() === 'closed' ? slots : 1) - running.size
  }
  const push = async (action: ClaimedNdr, callBeforeMs: number) => {
    const result = await circuit.run(async () => (nowMs() < callBeforeMs ? call(deps, action) : notCalled))
    const waitMs = pauseMs(result, now())
    if (waitMs !== undefined) pausedUntilMs = Math.max(pausedUntilMs, nowMs() + waitMs)
    await record.add({ action, outcome: outcomeOf(action, result, now(), deps.random()) })
  }
  const begin = (action: ClaimedNdr, callBeforeMs: number) => {
    const pushing = push(action, callBeforeMs)
      // It is pushed again when its lease is over, under the same key.
      .catch((error) => {
        const facts = { err: error, conversationId: String(action.rootId), actionId: action.id }
        log.warn(facts, 'outcome of a decision could not be stored')
      })
      .finally(() => running.delete(pushing))
    running.add(pushing)
  }

  return {
    async pushDue() {
      if (!deps.baseUrl) return 0
      while (running.size >= slots) await Promise.race(running)
      const limit = free()
      if (limit <= 0) return 0
      const callBeforeMs = nowMs() + callWithinMs
      const claimed = await store.claim(limit, now())
      for (const action of claimed) begin(action, callBeforeMs)
      return claimed.length
    },
    async drain() {
      while (running.size > 0) await Promise.race(running)
      circuit.close()
    },
  }
}

/** When it answers again, what failed meanwhile need not wait out its time; otherwise younger decisions came first. */
function onCircuit({ store, now, wake, log, metrics }: PushDeps, state: CircuitState): void {
  log.warn({ state }, 'circuit breaker of the NDR API')
  metrics.ndrCircuitOpen.set(state === 'closed' ? 0 : 1)
  if (state !== 'closed') return
  store
    .releaseWaiting(now())
    .then(wake)
    .catch((error) => log.warn({ err: error }, 'waiting decisions could not be released'))
}

const call = ({ http, baseUrl }: PushDeps, { request }: ClaimedNdr): Promise<HttpResult> =>
  http({
    method: 'POST',
    url: `${baseUrl}${path}`,
    headers: { 'content-type': 'application/json', 'idempotency-key': request.idempotencyKey },
    body: JSON.stringify(request),
  })
