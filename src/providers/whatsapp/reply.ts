import { type Address, addressOf } from '../../core/contract/address.ts'
import type { CustomerReply } from '../../core/contract/events.ts'
import { defined, listOf, recordOf, textOf } from '../shared/read.ts'
import { timeOf } from './time.ts'

/** What a message says, of all that `CustomerReply` can hold. */
interface Said {
  readonly replyType?: string | undefined
  readonly value?: string | undefined
  readonly buttonId?: string | undefined
  readonly contextMessageId?: string | undefined
}

/**
 * Reads one element of `messages[]`; a text says why it cannot be read. A type without a reader is kept as it is.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
 */
export function readReply(element: unknown, contacts: readonly unknown[], now: Date): CustomerReply | string {
  const messageId = textOf(element, 'id')
  if (!messageId) return 'a message without an id'
  const type = textOf(element, 'type') ?? 'unknown'
  const said = readers.get(type)?.(element) ?? {}
  const from = addressOf(
    textOf(element, 'from'),
    textOf(element, 'from_user_id') ?? textOf(element, 'from_parent_user_id'),
  )
  return {
    type: 'reply',
    messageId,
    replyType: said.replyType ?? type,
    from,
    raw: element,
    ...defined({
      value: said.value,
      buttonId: said.buttonId,
      contextMessageId: said.contextMessageId ?? textOf(recordOf(element, 'context'), 'id'),
      profileName: profileNameOf(from, contacts),
      at: timeOf(element, 'timestamp', now),
    }),
  }
}

/** `contacts` need not have the order or length of `messages`; it may name people by phone, user id or both. */
function profileNameOf(from: Address, contacts: readonly unknown[]): string | undefined {
  const contact = contacts.find((candidate) => {
    const { phone, userId } = addressOf(textOf(candidate, 'wa_id'), textOf(candidate, 'user_id'))
    return (phone && phone === from.phone) || (userId && userId === from.userId)
  })
  return textOf(recordOf(contact, 'profile'), 'name')
}

const readers: ReadonlyMap<string, (element: unknown) => Said> = new Map<string, (element: unknown) => Said>([
  ['text', (element) => ({ value: textOf(recordOf(element, 'text'), 'body') })],
  ['button', readTemplateButton],
  ['interactive', readInteractive],
  ['image', (element) => ({ value: mediaTextOf(recordOf(element, 'image')) })],
  ['video', (element) => ({ value: mediaTextOf(recordOf(element, 'video')) })],
  ['document', (element) => ({ value: mediaTextOf(recordOf(element, 'document')) })],
  ['audio', (element) => ({ value: mediaTextOf(recordOf(element, 'audio')) })],
  ['sticker', (element) => ({ value: mediaTextOf(recordOf(element, 'sticker')) })],
  ['location', readLocation],
  ['contacts', readContacts],
  ['order', (element) => ({ value: textOf(recordOf(element, 'order'), 'text') })],
  ['reaction', readReaction],
  ['system', (element) => ({ value: textOf(recordOf(element, 'system'), 'body') })],
  ['unsupported', (element) => ({ value: textOf(recordOf(element, 'unsupported'), 'type') })],
  ['edit', readEdit],
  ['revoke', (element) => ({ contextMessageId: originalOf(recordOf(element, 'revoke')) })],
])

/** The answer to a template's quick reply; its context may be missing, its payload says all. */
function readTemplateButton(element: unknown): Said {
  const button = recordOf(element, 'button')
  return { value: textOf(button, 'text'), buttonId: textOf(button, 'payload') }
}

/** WhatsApp also sends `interactive` without its object, then with errors. */
function readInteractive(element: unknown): Said {
  const interactive = recordOf(element, 'interactive')
  const replyType = textOf(interactive, 'type')
  if (!replyType) return {}
  const answer = recordOf(interactive, replyType)
  const value = textOf(answer, 'title') ?? textOf(answer, 'body') ?? textOf(answer, 'response')
  return { replyType, value, buttonId: textOf(answer, 'id') }
}

const mediaTextOf = (media: unknown): string | undefined => textOf(media, 'caption') ?? textOf(media, 'filename')

function readLocation(element: unknown): Said {
  const location = recordOf(element, 'location')
  const latitude = textOf(location, 'latitude')
  const longitude = textOf(location, 'longitude')
  return { value: latitude && longitude && `${latitude},${longitude}` }
}

/** People write down a number by sharing a contact: name and phones, as a person would read the card. */
function readContacts(element: unknown): Said {
  const cards = listOf(element, 'contacts').map((card) => {
    const phones = listOf(card, 'phones').map((entry) => textOf(entry, 'phone'))
    return [textOf(recordOf(card, 'name'), 'formatted_name'), ...phones].filter(Boolean).join(' ')
  })
  return { value: cards.filter(Boolean).join('; ') || undefined }
}

/** A reaction that was taken back comes without an emoji or with an empty one. */
function readReaction(element: unknown): Said {
  const reaction = recordOf(element, 'reaction')
  return { value: textOf(reaction, 'emoji'), contextMessageId: textOf(reaction, 'message_id') }
}

function readEdit(element: unknown): Said {
  const edit = recordOf(element, 'edit')
  const message = recordOf(edit, 'message')
  const media = recordOf(message, textOf(message, 'type') ?? '')
  return { value: textOf(media, 'body') ?? mediaTextOf(media), contextMessageId: originalOf(edit) }
}

const originalOf = (change: unknown): string | undefined => textOf(change, 'original_message_id')
