import type { ServerResponse } from 'node:http'
import { HttpProblem } from '../problem.ts'

const everyMs = 1_000

/**
 * Cuts an answer that goes on and on once the reader's key works no longer: a revoked one may not listen for hours.
 * @param identify rejects with a problem when the key is refused
 */
export function endStreamWithKey(response: ServerResponse, identify: () => Promise<unknown>): void {
  // The reader left while their key was looked at: `close` does not come again.
  if (response.destroyed) return
  const cut = (error: unknown) => {
    // A database that does not answer says nothing about the key, and has nothing to tell either.
    if (error instanceof HttpProblem) response.destroy()
  }
  const timer = setInterval(() => void identify().catch(cut), everyMs)
  response.once('close', () => clearInterval(timer))
}
