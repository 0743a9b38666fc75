/** A person writes: one message, asked for and answered at once. */

import type { EventResult } from '../../core/notifications/accept-event.ts'
import type { AgentMessage } from '../../core/notifications/kinds/agent-message.ts'
import { HttpProblem } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'
import type { Idempotently } from '../steps/idempotency.ts'

export interface AgentMessageDeps {
  /** Resolves once the message is committed. */
  readonly accept: (message: AgentMessage, key: string, asking: { correlationId: string }) => Promise<EventResult>
  readonly message: (id: number) => Promise<object | undefined>
  readonly idempotently: Idempotently
}

export const createAgentMessageHandlers = ({ accept, message, idempotently }: AgentMessageDeps) => ({
  post: ({ body, headers, correlationId }: RequestFacts<AgentMessage>): Promise<Reply> => {
    const request = { accountId: body.accountId, path: '/v1/messages', headers, content: JSON.stringify(body) }
    return idempotently(request, async (key) => {
      const { messageId, reason, detail = '' } = await accept(body, key, { correlationId })
      if (messageId === undefined) throw new HttpProblem(422, detail, { reason })
      return { status: 202, body: (await message(messageId)) ?? {} }
    })
  },
})
