/** A circuit breaker around calls of one other system: when it does not answer, it is probed, not hammered. */

import CircuitBreaker from 'opossum'

export type CircuitState = 'closed' | 'open' | 'half_open'

export interface Circuit<T> {
  /** May a call be started? While half open only one may. */
  allows(): boolean
  /** Runs a call and counts its outcome; while open, the outcome is {@link CircuitOptions.notCalled}. */
  run(call: () => Promise<T>): Promise<T>
  state(): CircuitState
  close(): void
}

export interface CircuitOptions<T> {
  /** Does an outcome count against the other system? An answer that says no is an answer. */
  readonly isTrouble: (outcome: T) => boolean
  /** The outcome of a call that was not made: a circuit may open between the taking of a slot and the call. */
  readonly notCalled: T
  /** Told on every change of state. */
  readonly onChange: (state: CircuitState) => void
  readonly errorPercent?: number
  /** Calls within the window before the share of errors counts. */
  readonly minCalls?: number
  readonly windowMs?: number
  /** How long it stays open before one call may try. */
  readonly openMs?: number
}

/** Carries an outcome through opossum, which counts only what is thrown. */
class Trouble<T> extends Error {
  readonly outcome: T
  constructor(outcome: T) {
    super('trouble')
    this.outcome = outcome
  }
}

type Call<T> = () => Promise<T>
type Opossum<T> = CircuitBreaker<[Call<T>], T>

/** The breaker itself is made at the first trouble: each one keeps timers, and most are never used. */
export function createCircuit<T>(options: CircuitOptions<T>): Circuit<T> {
  let breaker: Opossum<T> | undefined

  return {
    state: () => (breaker?.opened ? 'open' : breaker?.halfOpen ? 'half_open' : 'closed'),
    allows: () => !breaker || breaker.closed || breaker.pendingClose,
    async run(call) {
      if (breaker && !breaker.closed) return throughBreaker(breaker, call, options.notCalled)
      const calling = call()
      await calling.catch(() => {})
      if (!breaker && !options.isTrouble(await calling)) return calling
      breaker ??= newBreaker(options)
      // Counted when it ends: opossum counts a call when it begins, and one that lasts until its deadline would have left
      // the window by then. When others of the same burst opened it meanwhile, this call was made all the same.
      await throughBreaker(breaker, () => calling, options.notCalled)
      return calling
    },
    close: () => breaker?.shutdown(),
  }
}

async function throughBreaker<T>(breaker: Opossum<T>, call: Call<T>, notCalled: T): Promise<T> {
  try {
    return await breaker.fire(call)
  } catch (error) {
    if (error instanceof Trouble) return error.outcome as T
    if (CircuitBreaker.isOurError(error as Error)) return notCalled
    throw error
  }
}

function newBreaker<T>(options: CircuitOptions<T>): Opossum<T> {
  const { errorPercent = 50, minCalls = 10, windowMs = 30_000, openMs = 15_000, isTrouble, onChange } = options
  const action = async (call: Call<T>) => {
    const outcome = await call()
    if (isTrouble(outcome)) throw new Trouble(outcome)
    return outcome
  }
  const breaker: Opossum<T> = new CircuitBreaker(action, {
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
