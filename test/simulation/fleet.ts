/** The lanes of one process: real lanes and pacers; breakers that never open, since they only make things later. */

import type { Connection } from '../../src/core/accounts/connections.ts'
import type { SendOutcome } from '../../src/core/contract/provider.ts'
import type { Breaker } from '../../src/core/sending/breaker.ts'
import { createLane, type Lane, type LaneDeps, type Reservation } from '../../src/core/sending/lane.ts'
import type { OutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { createPacer, createRecipientPacer, type Pacer } from '../../src/core/sending/pacer.ts'
import type { SendMessage } from '../../src/core/sending/send-message.ts'
import type { Connections } from './fakes/connections.ts'

const breaker: Breaker = { allows: () => true, run: (call) => call(), state: () => 'closed', close: () => {} }

export interface Fleet {
  reserve(connection: Connection, recipient: string): Reservation | undefined
  wake(connectionId: number): Promise<void>
  pause(connectionId: number): void
  slowDown(connectionId: number, retryAfterMs?: number): void
  holdBack(connectionId: number, recipient: string, forMs: number): void
}

export interface FleetDeps {
  /** What an answer means for the calls that come next. */
  readonly brake: (connectionId: number, outcome: SendOutcome) => void
  readonly connections: Connections
  /** Whether a connection that is paused stops. */
  readonly pauses: boolean
  readonly claim: OutgoingStore['claim']
  readonly giveBack: LaneDeps['giveBack']
  readonly send: SendMessage
  readonly now: () => Date
}

/** How many processes share the pace. */
const replicas = 2
const pairLimit = { everyMs: 6_000, burst: 45 }

export function createFleet(deps: FleetDeps): Fleet {
  const { connections, pauses } = deps
  const entries = new Map(connections.all().map((connection) => [connection.id, entryOf(deps, connection)]))
  return {
    reserve: ({ id, state }, recipient) =>
      state === 'active' || !pauses ? entries.get(id)?.lane.reserve(recipient) : undefined,
    async wake(id) {
      const lane = entries.get(id)?.lane
      const isPaused = pauses && (await connections.get(id))?.state !== 'active'
      lane?.setPaused(isPaused)
      if (!isPaused) lane?.wake()
    },
    pause: (id) => entries.get(id)?.lane.setPaused(pauses),
    slowDown: (id, retryAfterMs) => {
      entries.get(id)?.pacer.slowDown(performance.now(), retryAfterMs)
      entries.get(id)?.lane.clear()
    },
    holdBack: (id, recipient, forMs) => entries.get(id)?.lane.holdBack(recipient, forMs),
  }
}

function entryOf(
  { claim, giveBack, send, brake, now }: FleetDeps,
  { id, limits }: Connection,
): { lane: Lane; pacer: Pacer } {
  const pacer = createPacer(() => limits.messagesPerSecond / replicas, performance.now())
  const lane = createLane({
    concurrency: () => limits.concurrency,
    breaker,
    pacer,
    recipients: createRecipientPacer(pairLimit),
    claim: (limit, excluded) => claim(id, limit, excluded, now()),
    giveBack,
    send: (message, onAnswered) =>
      send(message, breaker, (outcome) => {
        brake(id, outcome)
        onAnswered()
      }),
    // A claim that failed is made again by the next sweep.
    onError: () => {},
  })
  return { lane, pacer }
}
