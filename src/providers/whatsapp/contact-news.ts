/**
 * What WhatsApp tells about customers besides their messages: wishes about marketing, new numbers and ids, and messages
 * that a person wrote in the WhatsApp Business app (coexistence).
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference
 */

import { type Address, addressOf } from '../../core/contract/address.ts'
import type { ContactNews, CustomerMoved, HumanMessage, MarketingWish } from '../../core/contract/events.ts'
import { defined, recordOf, textOf } from '../shared/read.ts'
import { readReply } from './reply.ts'
import { timeOf } from './time.ts'

/** Reads one element of a field's list; a text says why it cannot be read. Undefined: understood, and without an effect. */
export type ReadNews = (element: unknown, now: Date) => ContactNews | string | undefined

/** Webhook field -> where its elements are, and how each is read. */
export const newsFields: ReadonlyMap<string, { readonly list: string; readonly read: ReadNews }> = new Map([
  ['user_preferences', { list: 'user_preferences', read: readPreference }],
  ['user_id_update', { list: 'user_id_update', read: readUserIdUpdate }],
  ['smb_message_echoes', { list: 'message_echoes', read: readEcho }],
])

const wishes: ReadonlyMap<string, MarketingWish['news']> = new Map([
  ['stop', 'marketing_stopped'],
  ['resume', 'marketing_resumed'],
  ['signup', 'marketing_resumed'],
])

function readPreference(element: unknown, now: Date): MarketingWish | string | undefined {
  const customer = addressOf(textOf(element, 'wa_id'), textOf(element, 'user_id'))
  if (!isKnown(customer)) return 'a preference of nobody'
  const value = textOf(element, 'value')
  const news = wishes.get(value ?? '')
  if (textOf(element, 'category') !== 'marketing_messages' || !news) return undefined
  const newsId = [customer.phone, customer.userId, value, textOf(element, 'timestamp')].join('/')
  return {
    type: 'contact_news',
    news,
    newsId,
    customer,
    raw: element,
    ...defined({ at: timeOf(element, 'timestamp', now) }),
  }
}

function readUserIdUpdate(element: unknown, now: Date): CustomerMoved | string | undefined {
  const ids = recordOf(element, 'user_id')
  const current = textOf(ids, 'current')
  const customer = addressOf(textOf(element, 'wa_id'), textOf(ids, 'previous'))
  if (!isKnown(customer)) return 'a new user id of nobody'
  if (!current) return 'a new user id that is not named'
  return {
    type: 'contact_news',
    news: 'moved',
    newsId: [customer.userId, current, textOf(element, 'timestamp')].join('/'),
    customer,
    movedTo: { userId: current },
    raw: element,
    ...defined({ at: timeOf(element, 'timestamp', now) }),
  }
}

/** Edited and deleted messages come as echoes as well; each is something that a person did. */
function readEcho(element: unknown, now: Date): HumanMessage | string | undefined {
  const customer = addressOf(
    textOf(element, 'to'),
    textOf(element, 'to_user_id') ?? textOf(element, 'to_parent_user_id'),
  )
  if (!isKnown(customer)) return 'an echo to nobody'
  const said = readReply(element, [], now)
  if (typeof said === 'string') return said
  const { messageId: id, replyType: type } = said
  return {
    type: 'contact_news',
    news: 'human_wrote',
    newsId: id,
    customer,
    message: { id, type, ...defined({ value: said.value }) },
    raw: element,
    ...defined({ at: said.at }),
  }
}

const moves: ReadonlySet<string> = new Set([
  'user_changed_number',
  'customer_changed_number', // until 2022
  'user_changed_user_id',
])

/**
 * A `system` message about a new number or user id is news, not a message of the customer's. Undefined for any other.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/system
 */
export function readMove(element: unknown, now: Date): CustomerMoved | undefined {
  const system = recordOf(element, 'system')
  const messageId = textOf(element, 'id')
  const customer = addressOf(textOf(element, 'from') ?? textOf(system, 'customer'), textOf(element, 'from_user_id'))
  if (!messageId || !isKnown(customer) || !moves.has(textOf(system, 'type') ?? '')) return undefined
  const movedTo = addressOf(textOf(system, 'wa_id') ?? textOf(system, 'new_wa_id'), textOf(system, 'user_id'))
  if (!isKnown(movedTo)) return undefined
  return {
    type: 'contact_news',
    news: 'moved',
    newsId: messageId,
    customer,
    movedTo,
    raw: element,
    ...defined({ at: timeOf(element, 'timestamp', now) }),
  }
}

const isKnown = ({ phone, userId }: Address): boolean => phone !== undefined || userId !== undefined
