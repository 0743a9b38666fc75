/** What can be told to the simulator, by JSON or from code. One schema per thing: a misspelled field is refused. */

import { z } from 'zod'

const button = z.looseObject({ type: z.string(), text: z.string().default(''), url: z.string().optional() })

const component = z.looseObject({
  type: z.string(),
  format: z.string().optional(),
  text: z.string().optional(),
  buttons: z.array(button).optional(),
})

/** A template as Meta's list shows it; what is left out is approved, utility and positional. */
export const templateInput = z.looseObject({
  id: z.string().optional(),
  name: z.string(),
  language: z.string(),
  status: z.string().default('APPROVED'),
  category: z.string().toUpperCase().default('UTILITY'),
  parameter_format: z.string().toUpperCase().default('POSITIONAL'),
  components: z.array(component),
})

/** One business phone number with its WABA and app. Templates and subscription belong to the WABA. */
export const accountInput = z.strictObject({
  phoneNumberId: z.string(),
  wabaId: z.string(),
  displayPhoneNumber: z.string(),
  accessToken: z.string(),
  appSecret: z.string(),
  appId: z.string().default('940000000000001'),
  webhookUrl: z.string().optional(),
  verifyToken: z.string().optional(),
  templates: z.array(templateInput).default([]),
  /** Off: a template that is not known here is taken without comparing its parameters. */
  strictTemplates: z.boolean().default(true),
  /** Off: as in an app that was never subscribed to the WABA, no webhook is sent. */
  subscribed: z.boolean().default(true),
  /** More than so many a second are refused (130429), once a second's worth has been borrowed. */
  messagesPerSecond: z.number().positive().optional(),
  /** Replaces fields of the phone number object, e.g. `{ status: 'DISCONNECTED' }`. */
  phoneFields: z.record(z.string(), z.unknown()).default({}),
  /** Replaces fields of what `debug_token` tells, e.g. `{ scopes: [] }`. */
  tokenFields: z.record(z.string(), z.unknown()).default({}),
})

const statusName = z.enum(['sent', 'delivered', 'read'])
const delayMs = z.number().min(0)

/** Milliseconds from the step before; `null` switches the webhook of that status off. */
export const statusDelaysInput = z.strictObject({
  sent: delayMs.nullable().optional(),
  delivered: delayMs.nullable().optional(),
  read: delayMs.nullable().optional(),
})

/** One scripted lie: which requests it meets, and what it does to them. The first rule that meets a request wins. */
export const ruleInput = z.strictObject({
  phone: z.string().optional(),
  phoneNumberId: z.string().optional(),
  template: z.string().optional(),
  /** 0..1, drawn with the simulator's seed. */
  probability: z.number().min(0).max(1).optional(),
  /** The rule ends after so many requests. */
  next: z.number().int().min(1).optional(),
  /** Wait before the HTTP answer. */
  delayMs: delayMs.optional(),
  /** Refuse with this answer: by Meta's code, in words of 360dialog's own, or else with an HTML page. */
  error: z
    .strictObject({
      http: z.number().int().optional(),
      code: z.number().int().optional(),
      subcode: z.number().int().optional(),
      details: z.string().optional(),
      words: z.string().optional(),
      retryAfterS: z.number().optional(),
    })
    .optional(),
  /** Answer falsely: a 502 page, a reset connection, no answer for ever, a 200 without id, a 200 that is no JSON. */
  answer: z.enum(['bad_gateway', 'reset', 'hang', 'no_id', 'garbage']).optional(),
  /** Is the message taken nevertheless? Default: yes with `answer`, no with `error`. */
  accept: z.boolean().optional(),
  webhooks: z
    .strictObject({
      /** Extra copies of each webhook. */
      duplicates: z.number().int().min(0).optional(),
      shuffle: z.boolean().optional(),
      beforeAnswer: z.boolean().optional(),
      suppress: z.array(statusName).optional(),
      /** The message is accepted and then fails with this code. */
      failCode: z.number().int().optional(),
      delaysMs: statusDelaysInput.optional(),
    })
    .optional(),
})

const texts = z.union([z.string(), z.array(z.string())])

/** A customer that answers. The first rule that fits a delivered message (and its buttons) answers it. */
export const customerInput = z.strictObject({
  phone: z.string().default('*'),
  name: z.string().optional(),
  /** A template's name, a message type (`text`, `interactive`, `template`, ...) or `any`. */
  when: z.string().default('any'),
  /** Index, title, or part of a payload. */
  tap: z.union([z.number().int().min(0), z.string()]).optional(),
  /** Several texts are said one after the other, `afterMs` apart. */
  text: texts.optional(),
  /** Any other message: an object with `type` and the field of that name, as in a webhook. */
  message: z.record(z.string(), z.unknown()).optional(),
  afterMs: delayMs.default(0),
  on: z.enum(['delivered', 'read']).default('delivered'),
  withoutContext: z.boolean().default(false),
  times: z.number().int().min(1).default(1),
  /** The rule ends after so many answers. */
  next: z.number().int().min(1).optional(),
})

export const tapChoice = z.strictObject({
  index: z.number().int().min(0).optional(),
  title: z.string().optional(),
  payload: z.string().optional(),
})

export const tapOptions = z.strictObject({
  withoutContext: z.boolean().optional(),
  /** Taps one after the other, each a message of its own. */
  times: z.number().int().min(1).optional(),
  /** Extra copies of each webhook. */
  duplicates: z.number().int().min(0).optional(),
})

export const sayOptions = z.strictObject({
  contextMessageId: z.string().optional(),
  /** Default: the number that wrote last to this customer, else the first account. */
  phoneNumberId: z.string().optional(),
  duplicates: z.number().int().min(0).optional(),
})

/** How the NDR API behaves. `lost`: it takes the call and answers 502. */
export const ndrScriptInput = z.strictObject({
  mode: z.enum(['ok', 'down', 'refuse', 'hang', 'lost']),
  /** Back to `ok` after so many calls. */
  next: z.number().int().min(1).optional(),
})

/** A webhook of any field, as Meta sends it about an account. */
export const fieldNewsInput = z.strictObject({
  /** Default: the first account. */
  phoneNumberId: z.string().optional(),
  /** E.g. `account_update` or `message_template_status_update`. */
  field: z.string(),
  value: z.record(z.string(), z.unknown()),
})

export type FieldNews = z.input<typeof fieldNewsInput>
export type Template = z.output<typeof templateInput> & { id: string }
export type TemplateComponent = z.output<typeof component>
export type TemplateButton = z.output<typeof button>
export type TemplateInput = z.input<typeof templateInput>
export type AccountInput = z.input<typeof accountInput>
export type Account = Omit<z.output<typeof accountInput>, 'templates' | 'subscribed'>
export type StatusName = z.output<typeof statusName>
export type StatusDelaysMs = z.output<typeof statusDelaysInput>
export type Rule = z.output<typeof ruleInput>
export type CustomerInput = z.input<typeof customerInput>
export type Customer = z.output<typeof customerInput>
export type TapChoice = z.output<typeof tapChoice>
export type TapOptions = z.output<typeof tapOptions>
export type SayOptions = z.output<typeof sayOptions>
export type NdrScript = z.output<typeof ndrScriptInput>
