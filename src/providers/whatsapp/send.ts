/**
 * One message by `POST …/messages`, the same call at every host of WhatsApp's API.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
 */

import type { Failure } from '../../core/contract/failures.ts'
import type {
  HttpClient,
  HttpRequest,
  OutgoingMessage,
  ProviderConnection,
  SendOutcome,
} from '../../core/contract/provider.ts'
import { type Answer, failed, isSuccess } from '../shared/answer.ts'
import { defined, listOf, parseJson, textOf } from '../shared/read.ts'
import { messageBody } from './payload.ts'

/** What differs from host to host. */
export interface MessagesHost {
  /** The call with this body, made as the connection. */
  request(body: object, connection: ProviderConnection): HttpRequest
  /** The failure that an answer without success stands for. */
  failureOf(answer: Answer, connection: ProviderConnection): Failure
  withoutSecrets(text: string, connection: ProviderConnection): string
}

export async function sendMessage(
  http: HttpClient,
  host: MessagesHost,
  message: OutgoingMessage,
  connection: ProviderConnection,
): Promise<SendOutcome> {
  if (!message.phone && !message.userId) return noRecipient
  const result = await http(host.request(messageBody(message), connection))
  switch (result.kind) {
    case 'unsent':
      return failed({ code: 'connection_unreachable', detail: host.withoutSecrets(result.reason, connection) })
    case 'lost':
      return failed({ code: 'no_answer', detail: host.withoutSecrets(result.reason, connection) })
    case 'answer':
      return isSuccess(result) ? taken(result) : failed(host.failureOf(result, connection))
  }
}

const noRecipient = failed({ code: 'request_invalid', detail: 'the message has neither phone nor user id' })

/** `message_status` tells of templates that are held back or paused although they were taken. */
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
