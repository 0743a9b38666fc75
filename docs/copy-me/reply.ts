import { addressOf } from '../../src/core/contract/address.ts'
import type { CustomerReply } from '../../src/core/contract/events.ts'
import { defined, type JsonRecord, textOf } from '../../src/providers/shared/read.ts'
import { timeOf } from './time.ts'

/**
 * Reads one message of a customer's; a text says why it cannot be read. Whatever its type, it is kept.
 * Fill in: the vendor's field names, and a link to its page. `buttonId` is the payload that we gave the button, and
 * `contextMessageId` the vendor's id of the message that is answered: the decision hangs on these two.
 */
export function readReply(element: JsonRecord, now: Date): CustomerReply | string {
  const messageId = textOf(element, 'id')
  if (!messageId) return 'a message without an id'
  return {
    type: 'reply',
    messageId,
    replyType: textOf(element, 'type') ?? 'unknown',
    from: addressOf(textOf(element, 'from')),
    raw: element,
    ...defined({
      value: textOf(element, 'text'),
      buttonId: textOf(element, 'buttonPayload'),
      contextMessageId: textOf(element, 'answers'),
      profileName: textOf(element, 'name'),
      at: timeOf(element, 'at', now),
    }),
  }
}
