import type { InboundEvent, InboundPart } from '../../src/core/contract/events.ts'
import type { ProviderConnection, WebhookRequest } from '../../src/core/contract/provider.ts'
import { defined, fieldOf, isRecord, type JsonRecord, parseJson, textOf } from '../../src/providers/shared/read.ts'
import { isSignedWithAny } from '../../src/providers/shared/signature.ts'
import { readReply } from './reply.ts'
import { readReport } from './report.ts'

// Fill in: name and form of the signature, and a link to the vendor's page. Without a signature: `webhookProof` is 'url',
// this returns `connections.length === 1`, and the samples have no `sign`.
const signatureHeader = 'x-copy-me-signature'
const signaturePrefix = 'sha256='

/** Is the body signed with the secret, present or previous, of one of the connections? Over the bytes as they came. */
export function verifyWebhook({ headers, body }: WebhookRequest, connections: readonly ProviderConnection[]): boolean {
  const header = headers[signatureHeader]
  if (typeof header !== 'string' || !header.startsWith(signaturePrefix)) return false
  const secrets = connections.flatMap(({ credentials }) => [
    credentials.webhookSecret ?? '',
    credentials.previousWebhookSecret ?? '',
  ])
  return isSignedWithAny(body, header.slice(signaturePrefix.length), secrets)
}

/**
 * Every element of a batch as a part of its own, in order; what cannot be read is one unreadable part.
 * @param now provider times far from it are left out
 * @throws {SyntaxError} when the body is no JSON or has no list of events
 */
export function parseWebhook(body: Buffer, now: Date): InboundEvent[] {
  // Fill in: the way from the body to its single elements, and to whom they are addressed.
  const webhook = parseJson(body.toString('utf8'))
  const events = fieldOf(webhook, 'events')
  if (!Array.isArray(events)) throw new SyntaxError('the webhook is not JSON with a list of events')
  const addressee = defined({ senderId: textOf(webhook, 'senderId') })
  return events.map((element: unknown) => ({ ...addressee, part: partOf(element, now) }))
}

function partOf(element: unknown, now: Date): InboundPart {
  if (!isRecord(element)) return unreadable('an element that is not an object', element)
  const part = readers.get(textOf(element, 'event') ?? '')?.(element, now) ?? 'an event that is not known'
  return typeof part === 'string' ? unreadable(part, element) : part
}

type ReadElement = (element: JsonRecord, now: Date) => InboundPart | string

const readers: ReadonlyMap<string, ReadElement> = new Map<string, ReadElement>([
  ['status', readReport],
  ['message', readReply],
])

/** Kept with its reason for a person to look at; its siblings go on. */
const unreadable = (why: string, raw: unknown): InboundPart => ({ type: 'unreadable', why, raw })
