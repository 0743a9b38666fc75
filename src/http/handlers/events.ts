/** Events by HTTP: the same JSON as by RabbitMQ, with the outcome told at once. */

import { randomUUID } from 'node:crypto'
import type { Delivery } from '../../core/assembly/accepting.ts'
import type { EventResult } from '../../core/notifications/accept-event.ts'
import type { ListedRejectedEvent, RejectedEvents, RejectedFilter } from '../../core/notifications/rejected-events.ts'
import { actorOf } from '../caller.ts'
import { HttpProblem, notFound } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'
import { rowId } from '../steps/validate.ts'

export interface EventHandlerDeps {
  /** Resolves once the event is committed. */
  readonly accept: (body: Buffer, delivery: Delivery) => Promise<EventResult>
  readonly message: (id: number) => Promise<object | undefined>
  readonly rejected: RejectedEvents
  readonly now: () => Date
}

export const createEventHandlers = (deps: EventHandlerDeps) => ({
  /** Whoever gives an event no id asks for it once more with each request. */
  post: async ({ body, correlationId }: RequestFacts<Buffer>): Promise<Reply> =>
    told(deps, await deps.accept(body, { correlationId, deliveryId: `post:${randomUUID()}` })),

  async listRejected({ query }: RequestFacts<undefined, RejectedFilter>): Promise<Reply> {
    const found = await deps.rejected.list(query)
    const next = found.length === query.limit ? String(found.at(-1)?.id) : null
    return { status: 200, body: { items: found.map(shown), next } }
  },

  async replay({ params, caller, correlationId }: RequestFacts): Promise<Reply> {
    const id = rowId(params.id)
    const event = id === undefined ? undefined : await deps.rejected.get(id)
    if (!event) throw notFound('rejected event')
    if (event.source !== 'event') throw new HttpProblem(409, 'only events can be replayed')
    if (event.state === 'erased') throw new HttpProblem(409, 'the event was erased: there is nothing left to replay')
    const result = await deps.accept(event.body, { correlationId, deliveryId: `rejected:${event.id}` })
    if (result.outcome !== 'parked')
      await deps.rejected.markReplayed(event, actorOf(caller), result.outcome, deps.now())
    return told(deps, result)
  },
})

async function told({ message }: EventHandlerDeps, result: EventResult): Promise<Reply> {
  if (result.outcome === 'parked') {
    throw new HttpProblem(422, `${result.reason}: ${result.detail}`, {
      reason: result.reason,
      rejectedEventId: String(result.rejectedEventId),
    })
  }
  const { eventId, outcome, reason, messageId } = result
  const led = messageId === undefined ? undefined : await message(messageId)
  return { status: 202, body: { eventId, outcome, ...(reason ? { reason } : {}), ...(led ? { message: led } : {}) } }
}

const shown = ({ id, start, ...event }: ListedRejectedEvent) => ({
  id: String(id),
  ...event,
  body: start.toString('utf8'),
})
