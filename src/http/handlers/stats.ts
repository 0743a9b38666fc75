/** How many messages were sent, arrived and were answered, how fast, and what they cost. */

import { z } from 'zod'
import { QuestionError, type RawQuestion } from '../../core/stats/question.ts'
import type { Stats } from '../../core/stats/stats.ts'
import { HttpProblem } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'

const word = z.string().min(1).max(512).optional()

/** Strict: a filter that is misspelt must not be answered as if it were not there. */
export const statsQuery = z.strictObject({
  accountId: z.coerce.number().int().positive().max(2_147_483_647).optional(),
  from: word,
  to: word,
  timezone: word,
  by: word,
  connection: word,
  provider: word,
  template: word,
  reason: word,
  kind: word,
  createdBy: word,
  isFollowUp: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
})

type StatsQuery = z.infer<typeof statsQuery>

export const createStatsHandlers = (stats: Stats) => ({
  async get({ query }: RequestFacts<undefined, StatsQuery>): Promise<Reply> {
    try {
      return { status: 200, body: await stats.ask(questionOf(query)) }
    } catch (error) {
      if (!(error instanceof QuestionError)) throw error
      throw new HttpProblem(400, 'the question cannot be answered', { errors: error.problems })
    }
  },
})

function questionOf({ accountId, from, to, timezone, by, ...filters }: StatsQuery): RawQuestion {
  const given = Object.entries(filters).filter(([, value]) => value !== undefined)
  return { accountId, from, to, timezone, by, filters: Object.fromEntries(given) }
}
