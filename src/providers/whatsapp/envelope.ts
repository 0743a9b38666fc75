/**
 * The envelope of WhatsApp's webhooks, down to its single elements.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
 */

import { addressOf } from '../../core/contract/address.ts'
import type { InboundEvent, InboundPart } from '../../core/contract/events.ts'
import { defined, fieldOf, isRecord, type JsonRecord, listOf, parseJson, recordOf, textOf } from '../shared/read.ts'
import { newsFields, readMove } from './contact-news.ts'
import { readAccountError, readNews } from './news.ts'
import { readReply } from './reply.ts'
import { readReport } from './report.ts'
import { timeOf } from './time.ts'

/**
 * Every element of a batch as a part of its own, in order; what cannot be read is one unreadable part.
 * @param now provider times far from it are left out
 * @throws {SyntaxError} when the body is no JSON or has no list of entries
 */
export function parseEnvelope(body: Buffer, now: Date): InboundEvent[] {
  const webhook = parseJson(body.toString('utf8'))
  const entries = fieldOf(webhook, 'entry')
  if (!Array.isArray(entries)) throw new SyntaxError('the webhook is not JSON with a list of entries')
  return entries.flatMap((entry: unknown) => entryEvents(entry, now))
}

/** The dashboard's Test button sends signed examples of this account. */
const testAccountId = '0'

function entryEvents(entry: unknown, now: Date): InboundEvent[] {
  const changes = fieldOf(entry, 'changes')
  if (!Array.isArray(changes)) return [{ part: unreadable('an entry without a list of changes', entry) }]
  if (textOf(entry, 'id') === testAccountId) return [{ part: { type: 'ignored', topic: 'test' } }]
  return changes.flatMap((change: unknown) => changeEvents(entry, change, now))
}

function changeEvents(entry: unknown, change: unknown, now: Date): InboundEvent[] {
  const field = textOf(change, 'field')
  if (!field) return [{ part: unreadable('a change without a field', change) }]
  const value = fieldOf(change, 'value')
  const shownPhone = textOf(value, 'display_phone_number')
  const addressee = defined({
    senderId: textOf(recordOf(value, 'metadata'), 'phone_number_id'),
    vendorAccountId: textOf(entry, 'id'),
    senderPhone: shownPhone && addressOf(shownPhone).phone,
  })
  const at = timeOf(entry, 'time', now)
  const parts = field === 'messages' ? messagesParts(value, at, now) : newsParts(field, value, at, now)
  return parts.map((part) => ({ part, ...addressee }))
}

/** A value may carry statuses, messages and errors at once; with none of them it is news that we do not know. */
function messagesParts(value: unknown, at: Date | undefined, now: Date): InboundPart[] {
  if (!isRecord(value)) return [unreadable('a change without a value', value)]
  const parts = [
    ...elements(value, 'statuses', (status) => readReport(status, now)),
    ...elements(
      value,
      'messages',
      (message) => readMove(message, now) ?? readReply(message, listOf(value, 'contacts'), now),
    ),
    ...elements(value, 'errors', readAccountError),
  ]
  return parts.length > 0 ? parts : [readNews('messages', value, at, now)]
}

/** Fields that tell about customers name each of them; any other one is news of the account. */
function newsParts(field: string, value: unknown, at: Date | undefined, now: Date): InboundPart[] {
  const news = newsFields.get(field)
  if (!news) return [readNews(field, value, at, now)]
  if (!isRecord(value)) return [unreadable('a change without a value', value)]
  return elements(value, news.list, (element) => news.read(element, now) ?? readNews(field, element, at, now))
}

function elements(value: JsonRecord, key: string, read: (element: JsonRecord) => InboundPart | string): InboundPart[] {
  const list = fieldOf(value, key)
  if (list === undefined || list === null) return []
  if (!Array.isArray(list)) return [unreadable(`${key} is not a list`, list)]
  return list.map((element: unknown) => {
    const part = isRecord(element) ? read(element) : `an element of ${key} is not an object`
    return typeof part === 'string' ? unreadable(part, element) : part
  })
}

const unreadable = (why: string, raw: unknown): InboundPart => ({ type: 'unreadable', why, raw })
