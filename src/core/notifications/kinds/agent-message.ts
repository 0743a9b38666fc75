/** Agent message: a person writes to a customer or a driver, in free text or by a template that they name. */

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { safeParameter } from '../parameters.ts'
import { accountId, at, firstText, object, text } from '../read-lenient.ts'
import type { NamedContent, Notice, NoticeContent, NotificationKind, Reading } from './kind.ts'

const mostReferences = 20
const mostValues = 30
const longestText = 4096
const longestValue = 1024

const word = (max: number) => z.string().trim().min(1).max(max)
const wordOrNumber = (max: number) => z.union([word(max), z.number().transform(String)])
const value = z.union([z.string().max(longestValue), z.number().transform(String)])

const named = z
  .record(word(64), value)
  .refine((values) => Object.keys(values).length <= mostValues, `at most ${mostValues} values`)
  .refine(isOfOneSort, 'either all values have names or all have numbers')
const values = z.union([z.array(value).max(mostValues), named])

/** A JSON object with both would lose its order: numbers stand first. */
function isOfOneSort(record: Readonly<Record<string, string>>): boolean {
  const numbered = Object.keys(record).filter((key) => /^\d+$/.test(key))
  return numbered.length === 0 || numbered.length === Object.keys(record).length
}

/** Fields as API.md names them; `templateType` and `payload` are what older callers send. */
const fields = {
  accountId: z.int().positive().max(2_147_483_647),
  connectionId: wordOrNumber(15)
    .refine((id) => /^\d+$/.test(id), 'must be the id of a connection')
    .optional(),
  /** With a country code, or as the account's own country writes it. */
  to: word(40),
  type: z.enum(['text', 'template']).optional(),
  /** The word for `type`; anything else is the template's name. */
  templateType: word(512).optional(),
  text: z.string().max(longestText).optional(),
  template: z.strictObject({ name: word(512), language: word(16).optional(), values: values.optional() }).optional(),
  /** Values of the template. */
  payload: values.optional(),
  createdBy: word(64).optional(),
  references: z
    .record(word(64), wordOrNumber(128))
    .refine((given) => Object.keys(given).length <= mostReferences, `at most ${mostReferences} references`)
    .default({}),
  eta: z.number().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  source: z.enum(['agent', 'driver', 'customer']).default('agent'),
  /** Brought along from another conversation: it was sent there. */
  migrated: z.boolean().default(false),
}
const strictFields = z.strictObject(fields)
type Fields = z.output<typeof strictFields>

/** What a person asks to be sent; `content` says how it is told. */
export interface AgentMessage extends Omit<Fields, 'type' | 'templateType' | 'text' | 'template' | 'payload'> {
  readonly content: NoticeContent
}

/** The body of `POST /v1/messages`, and of each line of a bulk: a field that there is not is a mistake. */
export const agentMessageSchema = strictFields.transform(toMessage)
/** As it is given, before it is made into a message. Events may carry more than is looked at. */
export const agentMessageEvent = z.object(fields)
const eventSchema = agentMessageEvent.transform(toMessage)

function toMessage(given: Fields, context: z.RefinementCtx): AgentMessage {
  const { type, templateType, text: words, template, payload, ...message } = given
  return { ...message, content: contentOf({ type, templateType, text: words, template, payload }, context) }
}

type Said = Pick<Fields, 'type' | 'templateType' | 'text' | 'template' | 'payload'>

const isType = (text: string | undefined): text is 'text' | 'template' => text === 'text' || text === 'template'

/** Where the type is not told, what is there tells it. */
function contentOf(said: Said, context: z.RefinementCtx): NoticeContent {
  const { templateType, text: words, template } = said
  const type = said.type ?? (isType(templateType) ? templateType : undefined)
  const isText = type === undefined ? template === undefined && words !== undefined : type === 'text'
  const problem = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
  if (!isText) return templateOf(said, () => problem('template', 'needs the name of a template'))
  if ((words ?? '').trim() === '') problem('text', 'must say something')
  if (template !== undefined) problem('template', 'does not go with a text')
  return { type: 'text', text: words ?? '' }
}

function templateOf({ templateType, template, payload }: Said, nameIsMissing: () => void): NamedContent {
  const name = template?.name ?? (isType(templateType) ? undefined : templateType)
  if (name === undefined) nameIsMissing()
  return {
    type: 'named',
    name: name ?? '',
    language: template?.language,
    values: safe(template?.values ?? payload ?? {}),
  }
}

const safe = (given: Readonly<Record<string, string>> | readonly string[]): NamedContent['values'] =>
  Array.isArray(given)
    ? given.map((one) => safeParameter(one))
    : Object.fromEntries(Object.entries(given).map(([name, one]) => [name, safeParameter(one)]))

/** What a template says would be late by then; text ends with the customer's window before. */
const usefulMs = 12 * 3_600_000

export const agentMessage: NotificationKind = {
  id: 'agent_message',
  usefulMs,
  routingKeys: ['message.#'],
  waitsForMorning: false,
  templates: () => [],
  recognises: (event) => text(at(event, 'type'))?.toLowerCase() === 'message.requested',
  accountOf: (event) => accountId(at(event, 'accountId')),
  read(event, _, deliveryId) {
    const { type: __, ...body } = object(event) ?? {}
    const result = eventSchema.safeParse(body)
    if (!result.success) return unreadable(result.error.issues)
    // By its own id first: published once more it is another delivery of the same event.
    const id = firstText(at(event, 'messageId'), at(event, 'id'), at(event, 'eventId')) ?? deliveryId
    return id === undefined ? withoutId : { ok: true, notice: agentNotice(result.data, `event:${hash(id)}`) }
  },
}

/** Two that say the same may be one that came twice, or two that are both meant: nobody can tell. */
const withoutId: Reading = {
  ok: false,
  reason: 'missing_id',
  detail: 'a repeat of it could not be told from another message: it needs a messageId, as a field or a property',
}

const hash = (value: string): string => createHash('sha256').update(value).digest('base64url')

function unreadable(issues: readonly z.core.$ZodIssue[]): Reading {
  const [first] = issues
  const details = issues.map(({ path, message }) => `${path.join('.') || 'event'}: ${message}`)
  return {
    ok: false,
    reason: ['invalid', ...(first?.path ?? [])].join('_').slice(0, 64),
    detail: details.join('; '),
  }
}

/**
 * @param key the same however often the same message is asked for; unique within the account
 * @param bulkId of the bulk that it is a line of
 */
export function agentNotice(message: AgentMessage, key: string, bulkId?: number): Notice {
  const { accountId: account, connectionId, to, content, createdBy, references, eta } = message
  return {
    accountId: account,
    idempotencyKey: `agent:${account}:${key}`,
    content,
    phone: to,
    connectionId: connectionId === undefined ? undefined : Number(connectionId),
    createdBy,
    bulkId,
    ignoredBecause: whyIgnored(message),
    snapshot: { customerPhone: to, references, eta },
  }
}

/** What was not written on this side is not ours to send. */
function whyIgnored({ source, migrated }: AgentMessage): string | undefined {
  if (source === 'customer') return 'from_customer_side'
  if (source === 'driver') return 'from_driver_side'
  return migrated ? 'migrated' : undefined
}
