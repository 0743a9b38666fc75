import { type Failure, failureKind } from '../../core/contract/failures.ts'
import {
  type HttpClient,
  type OutgoingMessage,
  type ProviderAdapter,
  type ProviderConnection,
  type SendOutcome,
  templateKey,
} from '../../core/contract/provider.ts'
import { fieldOf, parseJson, textOf } from '../shared/read.ts'
import { type Answer, failureOfAnswer, isSuccess, withoutSecrets, wordsOf } from './answer.ts'
import { type CallResult, createApi, type Twin24Api, twin24Settings } from './api.ts'
import { checkConnection } from './check.ts'
import { lookUpReference } from './look-up.ts'
import { messagesBody, type Sendable } from './payload.ts'
import { poll } from './poll.ts'
import { bulkIdOf } from './reference.ts'
import { createTokens } from './token.ts'
import { parseWebhook } from './webhook.ts'

export interface Twin24Deps {
  readonly http: HttpClient
  readonly settings: Readonly<Record<string, string>>
  readonly now?: () => Date
}

/** The adapter of TWIN. Settings: `iamUrl`, `notifyUrl`, `analyseUrl` (all have defaults). */
export function createTwin24Adapter({ http, settings: given, now = () => new Date() }: Twin24Deps): ProviderAdapter {
  const settings = twin24Settings(given)
  const clock = () => performance.now()
  const tokens = createTokens({ http, iamUrl: settings.iamUrl, now, clock })
  const api = createApi({ http, settings, tokens, clock })
  return {
    send: (message, connection) => send(api, message, connection),
    check: (connection) => checkConnection(api, connection),
    // A chat does not tell its phone number.
    businessPhone: async () => undefined,
    // TWIN signs nothing: the URL of exactly one connection vouches for it, and each reference is checked.
    verify: (_request, connections) => connections.length === 1,
    parse: parseWebhook,
    lookUp: (reference, connection) => lookUpReference(api, reference, connection),
    poll: (messages, connection, at) => poll(api, messages, connection, at),
  }
}

async function send(api: Twin24Api, message: OutgoingMessage, connection: ProviderConnection): Promise<SendOutcome> {
  const sendable = sendableOf(message, connection)
  if ('code' in sendable) return failed(sendable)
  const body = messagesBody(message, sendable, connection)
  const result = await api.call(connection, { method: 'POST', url: `${api.notifyUrl}/messages`, body })
  return outcomeOf(result, message, connection)
}

/** What can be sent of a message, or why nothing can. */
function sendableOf({ phone, content }: OutgoingMessage, connection: ProviderConnection): Sendable | Failure {
  if (!phone) return { code: 'request_invalid', detail: 'the message has no phone' }
  if (!connection.signingSecret) return { code: 'request_invalid', detail: 'the connection has no secret to sign with' }
  if (content.type !== 'template')
    return {
      code: 'request_invalid',
      detail: 'only templates can be sent: the bot of the scenario says everything else',
    }
  const key = templateKey(content.template)
  const mapping = connection.templates?.[key]
  return mapping ? { phone, content, mapping } : { code: 'template_missing', detail: `${key} is mapped to no bot` }
}

function outcomeOf(result: CallResult, message: OutgoingMessage, connection: ProviderConnection): SendOutcome {
  switch (result.kind) {
    case 'not_called':
      return failed(result.failure)
    case 'unsent':
      return failed({ code: 'connection_unreachable', detail: withoutSecrets(result.reason, connection) })
    case 'lost':
      return failed({ code: 'no_answer', detail: withoutSecrets(result.reason, connection) })
    case 'answer':
      return isSuccess(result) ? taken(result, message, connection) : failed(failureOfAnswer(result, connection))
  }
}

/** One item for our one destination; it may have failed although the HTTP status says success. */
function taken({ status, body }: Answer, message: OutgoingMessage, connection: ProviderConnection): SendOutcome {
  const answer = parseJson(body)
  const item: unknown = Array.isArray(answer) ? answer[0] : undefined
  const error = fieldOf(item, 'error')
  if (error !== undefined && error !== null) {
    const detail = withoutSecrets(wordsOf(item) ?? 'the item has an error without words', connection).slice(0, 600)
    return failed({ code: 'unknown_refusal', detail })
  }
  const messageId = textOf(item, 'id')
  if (!messageId) return failed({ code: 'answer_unreadable', detail: `HTTP ${status} without a message id` })
  const note = textOf(item, 'status')
  const keptId = textOf(item, 'bulkId')
  return {
    outcome: 'accepted',
    messageId,
    ...(note && note !== 'CREATED' ? { note } : {}),
    ...(keptId ? { isReferenceKept: keptId.toLowerCase() === bulkIdOf(message.reference) } : {}),
  }
}

const failed = (failure: Failure): SendOutcome => ({
  outcome: failureKind(failure.code).class === 'in_doubt' ? 'in_doubt' : 'refused',
  failure,
})
