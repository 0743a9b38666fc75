/**
 * Checks the body of `POST …/messages` as strictly as Meta. Pure.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
 */

import { type GraphProblem, problem } from './graph-errors.ts'
import { waIdOf } from './ids.ts'
import type { Template } from './inputs.ts'
import { type Fields, fieldsOf, isFilled, isLongerThan, isObject, strangeKey, textOf } from './shapes.ts'
import { type Tappable, tappablesOf } from './tappable.ts'
import { checkInteractive } from './validate-interactive.ts'
import { checkContacts, checkLocation, checkMedia, checkReaction, mediaTypes } from './validate-media.ts'
import { checkTemplateMessage, templateTextOf } from './validate-template-message.ts'

export interface MessageRules {
  /** Digits of the number that sends. */
  readonly senderDigits: string
  readonly strictTemplates: boolean
  findTemplate(name: string, language: string): Template | undefined
}

export interface ValidMessage {
  readonly input: string
  /** Digits of the customer's phone. */
  readonly waId: string
  /** The customer was addressed by a business-scoped user id. */
  readonly byUserId: boolean
  readonly type: string
  readonly reference?: string
  readonly template?: Template
  /** What the customer reads. */
  readonly text: string
  readonly buttons: readonly Tappable[]
}

type Check = (content: Fields, rules: MessageRules) => GraphProblem | undefined

const contentChecks: Readonly<Record<string, Check>> = {
  text: checkText,
  template: checkTemplateMessage,
  interactive: checkInteractive,
  location: checkLocation,
  reaction: checkReaction,
  ...Object.fromEntries(mediaTypes.map((type) => [type, (content: Fields) => checkMedia(type, content)])),
}

const messageKeys = new Set([
  ...['messaging_product', 'recipient_type', 'to', 'recipient', 'type', 'context', 'biz_opaque_callback_data'],
  ...['recipient_identity_key_hash', 'messaging_account_id', 'paid_messaging_account_id', 'category', 'contacts'],
  ...Object.keys(contentChecks),
])
const textKeys = new Set(['body', 'preview_url'])

/** Either the reason for which Meta refuses the message, or what it understood. */
export function validateMessage(
  body: unknown,
  rules: MessageRules,
): { problem: GraphProblem } | { message: ValidMessage } {
  const fields = fieldsOf(body)
  const found =
    checkEnvelope(fields) ?? checkRecipient(fields, rules) ?? checkContext(fields) ?? checkContent(fields, rules)
  return found ? { problem: found } : { message: understood(fields, rules) }
}

function checkEnvelope(body: Fields): GraphProblem | undefined {
  if (body.messaging_product === undefined) return problem(100, 'The parameter messaging_product is required.')
  if (body.messaging_product !== 'whatsapp') return problem(100, 'Param messaging_product must be one of {WHATSAPP}')
  const strange = strangeKey(body, messageKeys)
  if (strange !== undefined) return problem(100, `Unexpected key "${strange}" on param "message".`)
  if (body.recipient_type !== undefined && body.recipient_type !== 'individual' && body.recipient_type !== 'group') {
    return problem(100, 'Param recipient_type must be one of {INDIVIDUAL, GROUP}')
  }
  return checkReference(body.biz_opaque_callback_data)
}

function checkReference(reference: unknown): GraphProblem | undefined {
  if (reference === undefined) return undefined
  if (typeof reference !== 'string') return problem(100, 'Param biz_opaque_callback_data must be a string')
  return reference.length > 256
    ? problem(100, 'Param biz_opaque_callback_data must be at most 256 characters')
    : undefined
}

const phonePattern = /^\+?[\d\-() ]+$/
const userIdPattern = /^[A-Z]{2}\.[A-Za-z0-9.]{1,140}$/
const digits = (value: unknown): string => textOf(value).replace(/\D/g, '')

function checkRecipient({ to, recipient }: Fields, rules: MessageRules): GraphProblem | undefined {
  if (to === undefined && recipient === undefined) return problem(100, 'The parameter to is required.')
  if (to === undefined) {
    return userIdPattern.test(textOf(recipient)) ? undefined : problem(131009, 'Param recipient is not a valid user id')
  }
  if (typeof to !== 'string') return problem(100, 'Param to must be a string')
  const length = digits(to).length
  if (!phonePattern.test(to) || length < 7 || length > 15)
    return problem(131009, 'Param to is not a valid phone number')
  return digits(to) === rules.senderDigits ? problem(131021, 'Recipient cannot be sender') : undefined
}

function checkContext({ context }: Fields): GraphProblem | undefined {
  if (context === undefined) return undefined
  return isObject(context) && isFilled(context.message_id)
    ? undefined
    : problem(100, "Param context['message_id'] must be a non-empty string")
}

function checkContent(body: Fields, rules: MessageRules): GraphProblem | undefined {
  const type = body.type ?? 'text'
  if (type === 'contacts') return checkContacts(body.contacts)
  const check = typeof type === 'string' && Object.hasOwn(contentChecks, type) ? contentChecks[type] : undefined
  if (!check) return problem(100, `Param type must be one of {${Object.keys(contentChecks).join(', ').toUpperCase()}}`)
  const content = body[String(type)]
  if (!isObject(content)) return problem(131008, `Parameter '${type}' is mandatory for type '${type}'`)
  return check(content, rules)
}

function checkText(text: Fields): GraphProblem | undefined {
  const strange = strangeKey(text, textKeys)
  if (strange !== undefined) return problem(100, `Unexpected key "${strange}" on param "text".`)
  if (text.body === undefined) return problem(131008, "Parameter 'body' is mandatory for type 'text'")
  if (!isFilled(text.body)) return problem(100, "Param text['body'] must be a non-empty string")
  if (isLongerThan(text.body, 4096)) return problem(100, "Param text['body'] must be at most 4096 characters long.")
  const preview = text.preview_url
  return preview === undefined || typeof preview === 'boolean'
    ? undefined
    : problem(100, "Param text['preview_url'] must be a boolean")
}

function understood(body: Fields, rules: MessageRules): ValidMessage {
  const type = textOf(body.type) || 'text'
  const content = fieldsOf(body[type])
  const byUserId = body.to === undefined
  const template = type === 'template' ? templateNamedIn(content, rules) : undefined
  return {
    input: textOf(byUserId ? body.recipient : body.to),
    waId: byUserId ? waIdOf(textOf(body.recipient)) : digits(body.to),
    byUserId,
    type,
    ...(isFilled(body.biz_opaque_callback_data) ? { reference: body.biz_opaque_callback_data } : {}),
    ...(template ? { template } : {}),
    text: shownText(type, content, template),
    buttons: tappablesOf(type, content, template),
  }
}

const templateNamedIn = (content: Fields, rules: MessageRules): Template | undefined =>
  rules.findTemplate(textOf(content.name), textOf(fieldsOf(content.language).code))

function shownText(type: string, content: Fields, template: Template | undefined): string {
  if (type === 'template') return template ? templateTextOf(content, template) : textOf(content.name)
  if (type === 'interactive') return textOf(fieldsOf(content.body).text)
  return textOf(content.body) || textOf(content.caption) || textOf(content.emoji)
}
