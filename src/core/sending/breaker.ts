/** The circuit breaker of a connection: what counts against a provider. */

import { type Circuit, type CircuitOptions, type CircuitState, createCircuit } from '../calls/circuit.ts'
import { failureKind } from '../contract/failures.ts'
import type { SendOutcome } from '../contract/provider.ts'

export type BreakerState = CircuitState
export type Breaker = Circuit<SendOutcome>
export type BreakerOptions = Omit<CircuitOptions<SendOutcome>, 'isTrouble' | 'notCalled'>

/**
 * Only a provider that cannot be reached or does not answer counts against it; refusals and throttling are answers.
 */
const isTrouble = (outcome: SendOutcome): boolean => {
  if (outcome.outcome === 'accepted') return false
  const kind = failureKind(outcome.failure.code).class
  return kind === 'not_sent_retry' || kind === 'in_doubt'
}

const notCalled: SendOutcome = {
  outcome: 'refused',
  failure: { code: 'connection_unreachable', detail: 'not called: the circuit breaker is open' },
}

/** A breaker per connection. */
export const createBreaker = (options: BreakerOptions): Breaker => createCircuit({ ...options, isTrouble, notCalled })
