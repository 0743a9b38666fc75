import { type Failure, failureKind } from '../../core/contract/failures.ts'
import type {
  HttpClient,
  HttpResult,
  OutgoingMessage,
  ProviderAdapter,
  ProviderConnection,
  SendOutcome,
} from '../../core/contract/provider.ts'
import { defined, listOf, parseJson, textOf } from '../shared/read.ts'
import { businessPhoneOf, checkConnection } from './check.ts'
import { type Answer, failureOfAnswer, graphSettings, phoneNumberCall, withoutSecrets } from './graph.ts'
import { messageBody } from './payload.ts'
import { parseWebhook, verifyWebhook } from './webhook.ts'

/** The adapter of Meta's WhatsApp Cloud API. Settings: `baseUrl`, `apiVersion` (both have defaults). */
export function createMetaAdapter(deps: {
  readonly http: HttpClient
  readonly settings: Readonly<Record<string, string>>
}): ProviderAdapter {
  const graph = graphSettings(deps.settings)
  return {
    async send(message: OutgoingMessage, connection: ProviderConnection): Promise<SendOutcome> {
      if (!message.phone && !message.userId) return noRecipient
      const call = { method: 'POST', path: '/messages', body: messageBody(message) } as const
      const result = await deps.http(phoneNumberCall(graph, connection, call))
      return sendOutcome(result, connection)
    },
    check: (connection) => checkConnection(deps.http, graph, connection),
    businessPhone: (connection) => businessPhoneOf(deps.http, graph, connection),
    verify: verifyWebhook,
    parse: (body) => parseWebhook(body, new Date()),
  }
}

const noRecipient: SendOutcome = {
  outcome: 'refused',
  failure: { code: 'request_invalid', detail: 'the message has neither phone nor user id' },
}

function sendOutcome(result: HttpResult, connection: ProviderConnection): SendOutcome {
  switch (result.kind) {
    case 'unsent':
      return failed({ code: 'connection_unreachable', detail: withoutSecrets(result.reason, connection) })
    case 'lost':
      return failed({ code: 'no_answer', detail: withoutSecrets(result.reason, connection) })
    case 'answer':
      return isSuccess(result) ? taken(result) : failed(failureOfAnswer(result, connection, new Date()))
  }
}

const isSuccess = ({ status }: Answer): boolean => status >= 200 && status < 300

/** `message_status` tells of templates that Meta holds back or has paused although it took them. */
function taken({ status, body }: Answer): SendOutcome {
  const answer = parseJson(body)
  const message = listOf(answer, 'messages')[0]
  const contact = listOf(answer, 'contacts')[0]
  const messageId = textOf(message, 'id')
  if (!messageId) return failed({ code: 'answer_unreadable', detail: `HTTP ${status} without a message id` })
  const note = textOf(message, 'message_status')
  return {
    outcome: 'accepted',
    messageId,
    ...defined({
      recipientId: textOf(contact, 'wa_id') ?? textOf(contact, 'user_id'),
      note: note === 'accepted' ? undefined : note,
    }),
  }
}

const failed = (failure: Failure): SendOutcome => ({
  outcome: failureKind(failure.code).class === 'in_doubt' ? 'in_doubt' : 'refused',
  failure,
})
