/**
 * Meta's webhooks: proof of origin, and the envelope down to its single elements.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
 */

import { addressOf } from '../../core/contract/address.ts'
import type { InboundEvent, InboundPart } from '../../core/contract/events.ts'
import type { ProviderConnection, WebhookRequest } from '../../core/contract/provider.ts'
import { defined, fieldOf, isRecord, type JsonRecord, listOf, parseJson, recordOf, textOf } from '../shared/read.ts'
import { isSignedWithAny } from '../shared/signature.ts'
import { newsFields, readMove } from './contact-news.ts'
import { readAccountError, readNews } from './news.ts'
import { readReply } from './reply.ts'
import { readReport } from './report.ts'
import { timeOf } from './time.ts'

const signatureHeader = 'x-hub-signature-256'
const signaturePrefix = 'sha256='

/**
 * Does `X-Hub-Signature-256` fit these bytes under the app secret, present or previous, of one of the connections?
 * The secret belongs to the Meta app: connections of one app share it.
 */
export function verifyWebhook({ headers, body }: WebhookRequest, connections: readonly ProviderConnection[]): boolean {
  const header = headers[signatureHeader]
  if (typeof header !== 'string' || !header.startsWith(signaturePrefix)) return false
  const secrets = connections.flatMap(({ credentials }) => [credentials.appSecret, credentials.previousAppSecret])
  const known = new Set(secrets.filter((secret) => secret !== undefined))
  return isSignedWithAny(body, header.slice(signaturePrefix.length), known)
}

/**
 * Every element of a batch as a part of its own, in order; what cannot be read is one unreadable part.
 * @param now provider times far from it are left out
 * @throws {SyntaxError} when the body is no JSON or has no list of entries
 */
export function parseWebhook(body: Buffer, now: Date): InboundEvent[] {
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
  return parts.map((part) => ({ ...addressee, part }))
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
