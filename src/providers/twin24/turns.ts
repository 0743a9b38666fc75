/** Spaces out calls that are heavy for TWIN and gain nothing from haste. */

import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'

/** Resolves when the next call for this key may begin. */
export type Turns = (key: string) => Promise<void>

export interface TurnsDeps {
  /** For each key; the first call need not wait. */
  readonly perSecond: number
  /** Milliseconds of a clock that only goes forward. */
  readonly clock: () => number
}

/** In the order in which they were asked for. */
export function createTurns({ perSecond, clock }: TurnsDeps): Turns {
  const next = new LRUCache<string, number>({ max: 10_000 })
  return async (key) => {
    const nowMs = clock()
    const turnMs = Math.max(nowMs, next.get(key) ?? nowMs)
    next.set(key, turnMs + 1_000 / perSecond)
    if (turnMs > nowMs) await sleep(turnMs - nowMs)
  }
}
