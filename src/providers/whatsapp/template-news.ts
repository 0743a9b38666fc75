/**
 * News about templates: their review, category, quality and text.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview
 */

import type { NewsEffect, TemplateKey, TemplateUse } from '../../core/contract/events.ts'
import { defined, recordOf, textOf } from '../shared/read.ts'
import type { News, NewsReader } from './news.ts'

interface StatusMeaning {
  /** Absent: nothing changes for messages. */
  readonly use?: TemplateUse
  readonly severity: News['severity']
  readonly says: string
}

/** `event` of message_template_status_update; only an approved template may be sent. */
const statuses: ReadonlyMap<string, StatusMeaning> = new Map<string, StatusMeaning>([
  ['APPROVED', { use: 'usable', severity: 'info', says: 'was approved' }],
  ['REINSTATED', { use: 'usable', severity: 'info', says: 'may be used again' }],
  ['UNARCHIVED', { use: 'usable', severity: 'info', says: 'was taken out of the archive' }],
  ['PENDING', { use: 'not_approved', severity: 'info', says: 'waits for review' }],
  ['IN_APPEAL', { use: 'not_approved', severity: 'info', says: 'is being reviewed again' }],
  ['REJECTED', { use: 'not_approved', severity: 'warning', says: 'was rejected' }],
  ['PAUSED', { use: 'paused', severity: 'warning', says: 'is paused' }],
  ['DISABLED', { use: 'paused', severity: 'warning', says: 'was disabled' }],
  ['LIMIT_EXCEEDED', { use: 'paused', severity: 'warning', says: 'exceeded a limit' }],
  ['FLAGGED', { severity: 'warning', says: 'is about to be disabled' }],
  ['LOCKED', { severity: 'warning', says: 'is locked' }],
  ['PENDING_DELETION', { use: 'not_approved', severity: 'warning', says: 'is being deleted' }],
  ['DELETED', { use: 'not_approved', severity: 'warning', says: 'was deleted' }],
  ['ARCHIVED', { use: 'not_approved', severity: 'warning', says: 'was archived' }],
])

/** What a status means for messages; undefined when it changes nothing, or nobody knows it. */
export const templateUseOf = (status: string): TemplateUse | undefined => statuses.get(status)?.use

const status: NewsReader = (value) => {
  const template = templateOf(value)
  const event = textOf(value, 'event')
  if (!template || !event) return undefined
  const { use, severity, says } = statuses.get(event) ?? { severity: 'warning', says: `has the status ${event}` }
  const effect: NewsEffect = { type: 'template_status', template, status: event, ...defined({ use }) }
  return { severity, summary: sentence(`${nameOf(template)} ${says}`, ...reasonsIn(value)), effects: [effect] }
}

/** Why, in the reviewers' words; `rejection_info` came later than `reason` and says more. */
function reasonsIn(value: unknown): string[] {
  const [reason, rejection, other, disable] = [
    textOf(value, 'reason'),
    recordOf(value, 'rejection_info'),
    recordOf(value, 'other_info'),
    recordOf(value, 'disable_info'),
  ]
  const said = [
    reason === 'NONE' ? undefined : reason,
    textOf(rejection, 'reason'),
    textOf(rejection, 'recommendation'),
    textOf(other, 'title'),
    textOf(other, 'description'),
    textOf(disable, 'disable_date'),
  ]
  return said.filter((text) => text !== undefined)
}

/**
 * WhatsApp announces a change a day ahead: then `correct_category` is the one to come and `new_category` still the present
 * one.
 */
const category: NewsReader = (value) => {
  const template = templateOf(value)
  const present = textOf(value, 'new_category')
  if (!template || !present) return undefined
  const coming = textOf(value, 'correct_category')
  const says = coming && coming !== present ? `will become ${coming}; it is still ${present}` : `is ${present} now`
  const effect = { type: 'template_category', template, category: present } as const
  return { severity: 'warning', summary: sentence(`The category of ${nameOf(template)} ${says}`), effects: [effect] }
}

const quality: NewsReader = (value) => {
  const template = templateOf(value)
  const score = textOf(value, 'new_quality_score')
  if (!template || !score) return undefined
  return {
    severity: score === 'RED' ? 'warning' : 'info',
    summary: sentence(`The quality of ${nameOf(template)} is ${score} now`),
    effects: [{ type: 'template_quality', template, quality: score }],
  }
}

const components: NewsReader = (value) => {
  const template = templateOf(value)
  if (!template) return undefined
  const body = textOf(value, 'message_template_element')
  const effects: NewsEffect[] = body === undefined ? [] : [{ type: 'template_body', template, body }]
  return { severity: 'warning', summary: sentence(`${nameOf(template)} was changed at WhatsApp`), effects }
}

/** Seen as `en_US` and as `en-US`; templates are registered with the first. */
function templateOf(value: unknown): TemplateKey | undefined {
  const name = textOf(value, 'message_template_name')
  const language = textOf(value, 'message_template_language')?.replace('-', '_')
  return name && language ? { name, language } : undefined
}

const nameOf = ({ name, language }: TemplateKey): string => `template ${name} (${language})`

function sentence(what: string, ...reasons: readonly string[]): string {
  const text = `${what.charAt(0).toUpperCase()}${what.slice(1)}`
  return reasons.length > 0 ? `${text}: ${reasons.join('; ')}` : text
}

export const templateNews: readonly (readonly [field: string, reader: NewsReader])[] = [
  ['message_template_status_update', status],
  ['template_category_update', category],
  ['message_template_quality_update', quality],
  ['message_template_components_update', components],
]
