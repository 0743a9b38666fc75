/** All lanes of this process, made when their connection first has something to send. */

import type { Connection } from '../accounts/connections.ts'
import { type Breaker, type BreakerState, createBreaker } from './breaker.ts'
import { createLane, type Lane, type Reservation } from './lane.ts'
import type { ClaimedMessage } from './outgoing-message.ts'
import type { OutgoingStore } from './outgoing-store.ts'
import { createPacer, createRecipientPacer, type PairLimit } from './pacer.ts'

export interface LanesDeps {
  readonly store: Pick<OutgoingStore, 'claim'>
  /** Puts messages that were claimed and not called back among those that wait; must not reject. */
  readonly giveBack: (messages: readonly ClaimedMessage[]) => Promise<void>
  readonly now: () => Date
  /** Sends one message and records its outcome; must not reject. */
  readonly send: (message: ClaimedMessage, breaker: Breaker, onAnswered: () => void) => Promise<void>
  readonly connection: (id: number) => Promise<Connection | undefined>
  /** The part of each connection's pace that is this process's. */
  readonly share: () => number
  readonly pairLimitOf: (provider: string) => PairLimit
  readonly onBreaker: (connectionId: number, state: BreakerState) => void
  readonly onError: (error: unknown) => void
}

export interface Lanes {
  /** Takes a slot in a connection's lane, if a call to this recipient could start at once. */
  reserve(connection: Connection, recipient: string): Reservation | undefined
  /** Something may be waiting for this connection, or its state or limits have changed. */
  wake(connectionId: number): Promise<void>
  /** Stops a connection's lane at once, until it is woken while active. */
  pause(connectionId: number): void
  /** Does the connection's circuit breaker let a call through, as far as this process knows? */
  answers(connectionId: number): boolean
  /** The provider said that we are too fast. */
  slowDown(connectionId: number, retryAfterMs?: number): void
  /** A message to this recipient waits in the rows for so long: fresh ones wait behind it. */
  holdBack(connectionId: number, recipient: string, forMs: number): void
  drain(): Promise<void>
  /** Messages in flight and state of the breaker, per connection that was used. */
  snapshot(): { readonly connectionId: number; readonly inFlight: number; readonly breaker: BreakerState }[]
}

interface Entry {
  readonly lane: Lane
  readonly breaker: Breaker
  readonly slowDown: (retryAfterMs?: number) => void
  /** As last seen: limits may be changed while the lane is in use. */
  owner: Connection
}

export function createLanes(deps: LanesDeps): Lanes {
  const entries = new Map<number, Entry>()
  let isDraining = false

  const entryOf = (owner: Connection): Entry => {
    const entry = entries.get(owner.id) ?? createEntry(deps, owner)
    entry.owner = owner
    entries.set(owner.id, entry)
    return entry
  }

  return {
    reserve: (owner, recipient) =>
      isDraining || owner.state !== 'active' ? undefined : entryOf(owner).lane.reserve(recipient),
    async wake(connectionId) {
      if (isDraining) return
      const owner = await deps.connection(connectionId)
      if (isDraining) return
      // Another replica may have paused it.
      if (owner?.state !== 'active') return void entries.get(connectionId)?.lane.setPaused(true)
      entryOf(owner).lane.setPaused(false)
    },
    pause: (connectionId) => entries.get(connectionId)?.lane.setPaused(true),
    // Half open it may be asked: without a message of its own it would never be seen to answer again.
    answers: (connectionId) => entries.get(connectionId)?.breaker.allows() ?? true,
    slowDown: (connectionId, retryAfterMs) => entries.get(connectionId)?.slowDown(retryAfterMs),
    holdBack: (connectionId, recipient, forMs) => entries.get(connectionId)?.lane.holdBack(recipient, forMs),
    async drain() {
      isDraining = true
      await Promise.all([...entries.values()].map(({ lane }) => lane.drain()))
      for (const { breaker } of entries.values()) breaker.close()
    },
    snapshot: () =>
      [...entries].map(([connectionId, { lane, breaker }]) => ({
        connectionId,
        inFlight: lane.inFlight(),
        breaker: breaker.state(),
      })),
  }
}

function createEntry(deps: LanesDeps, owner: Connection): Entry {
  const breaker = createBreaker({
    onChange: (state) => {
      deps.onBreaker(owner.id, state)
      if (state === 'open') lane.clear()
      else lane.resume()
    },
  })
  const pacer = createPacer(() => entry.owner.limits.messagesPerSecond * deps.share(), performance.now())
  const lane: Lane = createLane({
    concurrency: () => entry.owner.limits.concurrency,
    breaker,
    pacer,
    recipients: createRecipientPacer(deps.pairLimitOf(owner.provider)),
    claim: (limit, excluded) => deps.store.claim(owner.id, limit, excluded, deps.now()),
    giveBack: deps.giveBack,
    send: (message, onAnswered) => deps.send(message, breaker, onAnswered),
    onError: deps.onError,
  })
  const slowDown = (retryAfterMs?: number) => {
    pacer.slowDown(performance.now(), retryAfterMs)
    lane.clear()
  }
  const entry: Entry = { lane, breaker, slowDown, owner }
  return entry
}
