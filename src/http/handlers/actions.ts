/** Decisions on their way to the courier side, for operators. */

import type { ActionFilter, NdrAdmin } from '../../core/conversations/ndr-admin.ts'
import { actorOf } from '../caller.ts'
import { HttpProblem, notFound } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'
import { rowId } from '../steps/validate.ts'

const conflicts = {
  not_refused: 'only a decision that the courier side refused can be pushed again',
  newer: 'a newer decision about this shipment was made since; pushing the older one would undo it',
} as const

export const createActionHandlers = (actions: NdrAdmin) => ({
  async list({ query }: RequestFacts<undefined, ActionFilter>): Promise<Reply> {
    return { status: 200, body: await actions.list(query) }
  },

  async retry({ params, caller }: RequestFacts): Promise<Reply> {
    const id = rowId(params.id)
    const result = id === undefined ? undefined : await actions.retry(id, actorOf(caller))
    if (id === undefined || result === undefined) throw notFound('action')
    if (result !== 'retried') throw new HttpProblem(409, conflicts[result])
    return { status: 200, body: (await actions.get(id)) ?? {} }
  },
})
