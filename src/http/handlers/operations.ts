/** For the people and machines that watch the gateway. */

import type { Metrics } from '../../core/observe/metrics.ts'
import { HttpProblem } from '../problem.ts'
import type { Reply } from '../route.ts'

/** One thing that must work for the process to do its job; `null` = it does. */
export type ReadinessCheck = () => Promise<string | null>

export interface OperationsDeps {
  readonly checks: Readonly<Record<string, ReadinessCheck>>
  readonly metrics: Metrics
}

export const createOperationsHandlers = ({ checks, metrics }: OperationsDeps) => ({
  live: async (): Promise<Reply> => ({ status: 200, body: { status: 'live' } }),

  async ready(): Promise<Reply> {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await check()] as const),
    )
    const problems = results.filter(([, problem]) => problem !== null)
    if (problems.length > 0) {
      throw new HttpProblem(503, problems.map(([name, problem]) => `${name}: ${problem}`).join('; '))
    }
    return { status: 200, body: { status: 'ready', checks: Object.fromEntries(results.map(([name]) => [name, 'ok'])) } }
  },

  async metrics(): Promise<Reply> {
    const text = await metrics.text()
    return { status: 200, body: text, headers: { 'content-type': metrics.registry.contentType } }
  },
})
