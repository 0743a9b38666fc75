/** A circuit breaker per connection, made when first needed: each one keeps timers, and most are never used. */

import CircuitBreaker from 'opossum'
import { failureKind } from '../contract/failures.ts'
import type { SendOutcome } from '../contract/provider.ts'

export type BreakerState = 'closed' | 'open' | 'half_open'

export interface Breaker {
  /** May a call be started? While half open only one may. */
  allows(): boolean
  /**
   * Runs a call and counts its outcome. Only a provider that cannot be reached or does not answer counts against it;
   * refusals and throttling are answers.
   */
  run(call: () => Promise<SendOutcome>): Promise<SendOutcome>
  state(): BreakerState
  close(): void
}

export interface BreakerOptions {
  /** Told on every change of state. */
  readonly onChange: (state: BreakerState) => void
  readonly errorPercent?: number
  /** Calls within the window before the share of errors counts. */
  readonly minCalls?: number
  readonly windowMs?: number
  /** How long it stays open before one call may try. */
  readonly openMs?: number
}

/** Carries an outcome through opossum, which counts only what is thrown. */
class ProviderTrouble extends Error {
  readonly outcome: SendOutcome
  constructor(outcome: SendOutcome) {
    super('provider trouble')
    this.outcome = outcome
  }
}

const isTrouble = (outcome: SendOutcome): boolean => {
  if (outcome.outcome === 'accepted') return false
  const kind = failureKind(outcome.failure.code).class
  return kind === 'not_sent_retry' || kind === 'in_doubt'
}

type Call = () => Promise<SendOutcome>
type Opossum = CircuitBreaker<[Call], SendOutcome>

/** The outcome of a call that was not made: a breaker may open between the taking of a slot and the call. */
const notCalled: SendOutcome = {
  outcome: 'refused',
  failure: { code: 'connection_unreachable', detail: 'not called: the circuit breaker is open' },
}

export function createBreaker(options: BreakerOptions): Breaker {
  let breaker: Opossum | undefined

  return {
    state: () => (breaker?.opened ? 'open' : breaker?.halfOpen ? 'half_open' : 'closed'),
    allows: () => !breaker || breaker.closed || breaker.pendingClose,
    async run(call) {
      if (breaker) return throughBreaker(breaker, call)
      const outcome = await call()
      if (!isTrouble(outcome)) return outcome
      breaker ??= newBreaker(options)
      // Only counted: when others of the same burst opened it meanwhile, this call was made all the same.
      await throughBreaker(breaker, async () => outcome)
      return outcome
    },
    close: () => breaker?.shutdown(),
  }
}

async function throughBreaker(breaker: Opossum, call: Call): Promise<SendOutcome> {
  try {
    return await breaker.fire(call)
  } catch (error) {
    if (error instanceof ProviderTrouble) return error.outcome
    if (CircuitBreaker.isOurError(error as Error)) return notCalled
    throw error
  }
}

function newBreaker(options: BreakerOptions): Opossum {
  const { errorPercent = 50, minCalls = 10, windowMs = 30_000, openMs = 15_000, onChange } = options
  const action = async (call: Call) => {
    const outcome = await call()
    if (isTrouble(outcome)) throw new ProviderTrouble(outcome)
    return outcome
  }
  const breaker: Opossum = new CircuitBreaker(action, {
    // The call has a deadline of its own; opossum's would not cancel it.
    timeout: false,
    errorThresholdPercentage: errorPercent,
    volumeThreshold: minCalls,
    rollingCountTimeout: windowMs,
    resetTimeout: openMs,
  })
  breaker.on('open', () => onChange('open'))
  breaker.on('halfOpen', () => onChange('half_open'))
  breaker.on('close', () => onChange('closed'))
  return breaker
}
