/** A broker that keeps its promises and no more: every event at least once, again when its taker dies. */

import type { Chaos } from '../chaos.ts'
import type { Random } from '../random.ts'
import { type Owner, type Scheduler, world } from '../scheduler.ts'

export interface Delivery {
  readonly body: Buffer
  ack(): void
}

export interface Taker {
  readonly owner: Owner
  take(delivery: Delivery): void
}

export interface Broker {
  publish(body: Buffer): void
  /** Takes events from now on. */
  subscribe(taker: Taker): void
  /** What this one had and did not acknowledge goes to others. */
  lost(owner: Owner): void
  /** An activity event; `confirm` comes when it is kept, or never. */
  keep(eventId: string, confirm: () => void): void
  /** Ids of the activity events that it has kept. */
  kept(): readonly string[]
  isEmpty(): boolean
}

interface Held {
  readonly body: Buffer
  taker: Taker | undefined
}

const prefetch = 6

export function createBroker({
  random,
  scheduler,
  chaos,
}: {
  random: Random
  scheduler: Scheduler
  chaos: Chaos
}): Broker {
  const queue = new Set<Held>()
  const kept: string[] = []
  let takers: Taker[] = []

  const inHand = (taker: Taker) => [...queue].filter((held) => held.taker === taker).length
  const hand = (held: Held, taker: Taker) => {
    held.taker = taker
    const acknowledged = () => {
      if (held.taker !== taker) return
      queue.delete(held)
      chaos.edge(taker.owner, 'after acknowledging')
    }
    const ack = () => void scheduler.after(chaos.networkMs(), 'event acknowledged', acknowledged)
    scheduler.after(chaos.networkMs(), 'event delivered', () => taker.take({ body: held.body, ack }), taker.owner)
  }
  const dispatch = () => {
    for (const held of queue) {
      const [taker] = random.shuffled(takers.filter((candidate) => inHand(candidate) < prefetch))
      if (!held.taker && taker) hand(held, taker)
    }
  }
  const dispatchSoon = () => void scheduler.after(chaos.networkMs(), 'broker dispatches', dispatch, world)

  return {
    publish(body) {
      queue.add({ body, taker: undefined })
      dispatchSoon()
    },
    subscribe(taker) {
      takers.push(taker)
      dispatchSoon()
    },
    lost(owner) {
      takers = takers.filter((taker) => taker.owner !== owner)
      for (const held of queue) if (held.taker?.owner === owner) held.taker = undefined
      dispatchSoon()
    },
    keep(eventId, confirm) {
      const owner = scheduler.current()
      const arrive = () => {
        if (!chaos.isCalm() && random.chance(0.02)) return
        kept.push(eventId)
        scheduler.after(chaos.networkMs(), 'confirmed', confirm, owner)
        chaos.edge(owner, 'after publishing')
      }
      scheduler.after(chaos.networkMs(), 'activity published', arrive, owner)
    },
    kept: () => kept,
    isEmpty: () => queue.size === 0,
  }
}
