import { LRUCache } from 'lru-cache'
import type { Caller } from '../caller.ts'
import { HttpProblem } from '../problem.ts'

/**
 * Makes the step that bounds how often a route is asked: a token bucket of one second, for the whole process, since
 * addresses say little about callers behind proxies.
 * @param perSecond absent = not bounded
 */
export function createRateLimit(perSecond: number | undefined, nowMs = () => performance.now()): () => void {
  if (perSecond === undefined) return () => {}
  let tokens = perSecond
  let filledAtMs = nowMs()
  return () => {
    const elapsedMs = nowMs() - filledAtMs
    tokens = Math.min(perSecond, tokens + (elapsedMs / 1_000) * perSecond)
    filledAtMs += elapsedMs
    if (tokens < 1) throw new HttpProblem(429, 'too many requests; try again in a second')
    tokens--
  }
}

/**
 * Makes the step that bounds how many requests of a route this process works on at a time.
 * @param atOnce absent = not bounded
 */
export function createPlaces(atOnce = Number.POSITIVE_INFINITY): <T>(work: () => Promise<T>) => Promise<T> {
  let taken = 0
  return async (work) => {
    if (taken >= atOnce) throw new HttpProblem(429, 'many of these are being worked on; try again in a second')
    taken++
    try {
      return await work()
    } finally {
      taken--
    }
  }
}

/** More keys than one process sees within a second; one that is forgotten starts with a full bucket again. */
const maxKeys = 10_000

export type LimitCaller = (caller: Caller) => void

/** Makes the step that bounds how often each client asks, whatever for; the administrator as often as they like. */
export function createCallerLimit(perSecond: number, nowMs?: () => number): LimitCaller {
  const limits = new LRUCache<number, () => void>({ max: maxKeys })
  return (caller) => {
    if (caller.kind !== 'client') return
    const { id } = caller.apiKey
    const limit = limits.get(id) ?? createRateLimit(perSecond, nowMs)
    limits.set(id, limit)
    limit()
  }
}
