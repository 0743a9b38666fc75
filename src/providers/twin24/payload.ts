/**
 * A message as the body of `POST /messages` of the notification service. The WhatsApp template itself is not in it: it
 * is attached inside the bot scenario that `botId` names, which is fed by the variables.
 */

import { digitsOf } from '../../core/contract/address.ts'
import type { TemplateContent } from '../../core/contract/content.ts'
import type { OutgoingMessage, ProviderConnection } from '../../core/contract/provider.ts'
import { bulkIdOf, signedReference } from './reference.ts'

/** A message that can be sent: to a phone, by a template that is mapped. */
export interface Sendable {
  readonly phone: string
  readonly content: TemplateContent
  /** What the connection says of the template. */
  readonly mapping: Readonly<Record<string, string>>
}

/**
 * The request body, one message for one destination.
 * @throws {TypeError} when the connection has nothing to sign with
 */
export function messagesBody(
  message: OutgoingMessage,
  { phone, content, mapping }: Sendable,
  owner: ProviderConnection,
) {
  const digits = digitsOf(phone)
  const ref = signedReference(message.reference, owner)
  const ourId = bulkIdOf(message.reference)
  const chat = {
    chatId: mapping.chatId,
    botId: mapping.botId,
    messengerType: 'WHATSAPP',
    chatSessionName: ref,
    provider: 'TWIN',
  }
  return {
    bulkId: ourId,
    messages: [
      {
        channels: { chat },
        groupId: ourId,
        ...(message.reportUrl ? { callbackUrl: message.reportUrl } : {}),
        callbackData: ref,
        destinations: [{ phone: digits, messengerUserId: digits, variables: { ...content.values, ref } }],
      },
    ],
  }
}
