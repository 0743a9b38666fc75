/** All lanes of this process, made when their connection first has something to send. */

import type { Connection } from '../accounts/connections.ts'
import { type Breaker, type BreakerState, createBreaker } from './breaker.ts'
import { createLane, type Lane, type Reservation } from './lane.ts'
import type { ClaimedMessage } from './outgoing-message.ts'
import type { OutgoingStore } from './outgoing-store.ts'

export interface LanesDeps {
  readonly store: Pick<OutgoingStore, 'claim'>
  readonly now: () => Date
  /** Sends one message and records its outcome; must not reject. */
  readonly send: (message: ClaimedMessage, breaker: Breaker) => Promise<void>
  readonly connection: (id: number) => Promise<Connection | undefined>
  readonly onBreaker: (connectionId: number, state: BreakerState) => void
  readonly onError: (error: unknown) => void
}

export interface Lanes {
  /** Takes a slot in a connection's lane, if a call to this recipient could start at once. */
  reserve(connection: Connection, recipient: string): Reservation | undefined
  /** Something may be waiting for this connection. */
  wake(connectionId: number): Promise<void>
  drain(): Promise<void>
  /** Messages in flight and state of the breaker, per connection that was used. */
  snapshot(): { readonly connectionId: number; readonly inFlight: number; readonly breaker: BreakerState }[]
}

export function createLanes({ store, now, send, connection, onBreaker, onError }: LanesDeps): Lanes {
  const lanes = new Map<number, { readonly lane: Lane; readonly breaker: Breaker }>()
  let isDraining = false

  const create = (owner: Connection) => {
    const onChange = (state: BreakerState) => {
      onBreaker(owner.id, state)
      if (state !== 'open') lane.wake()
    }
    const breaker = createBreaker({ onChange })
    const lane: Lane = createLane({
      concurrency: owner.limits.concurrency,
      breaker,
      claim: (limit, busy) => store.claim(owner.id, limit, busy, now()),
      send: (message) => send(message, breaker),
      onError,
    })
    const entry = { lane, breaker }
    lanes.set(owner.id, entry)
    return entry
  }
  const laneOf = (owner: Connection) => (lanes.get(owner.id) ?? create(owner)).lane

  return {
    reserve: (owner, recipient) =>
      isDraining || owner.state !== 'active' ? undefined : laneOf(owner).reserve(recipient),
    async wake(connectionId) {
      if (isDraining) return
      const owner = await connection(connectionId)
      if (owner?.state === 'active' && !isDraining) laneOf(owner).wake()
    },
    async drain() {
      isDraining = true
      await Promise.all([...lanes.values()].map(({ lane }) => lane.drain()))
      for (const { breaker } of lanes.values()) breaker.close()
    },
    snapshot: () =>
      [...lanes].map(([connectionId, { lane, breaker }]) => ({
        connectionId,
        inFlight: lane.inFlight(),
        breaker: breaker.state(),
      })),
  }
}
