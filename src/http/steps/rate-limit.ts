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
