/**
 * News about the business account and its phone numbers.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_update
 */

import type { NewsEffect } from '../../core/contract/events.ts'
import { fieldOf, isRecord, listOf, recordOf, textOf } from '../shared/read.ts'
import type { News, NewsReader } from './news.ts'

type Severity = News['severity']

const news = (severity: Severity, summary: string, ...effects: NewsEffect[]): News => ({ severity, summary, effects })

/** `event` of account_update, where the event says all. */
const accountEvents: ReadonlyMap<string, News> = new Map([
  [
    'ACCOUNT_DELETED',
    news('critical', 'The account was deleted', { type: 'account_blocked', reason: 'account_deleted' }),
  ],
  [
    'ACCOUNT_OFFBOARDED',
    news('critical', 'The account was disconnected from the platform', {
      type: 'account_blocked',
      reason: 'account_offboarded',
    }),
  ],
  [
    'ACCOUNT_RECONNECTED',
    news('info', 'The account is connected again', { type: 'account_released', reasons: ['account_offboarded'] }),
  ],
  ['PARTNER_ADDED', news('info', 'A partner was given access to the account')],
  ['PARTNER_REMOVED', news('critical', 'A partner lost access to the account; if it was ours, nothing can be sent')],
  ['PARTNER_APP_INSTALLED', news('info', 'An app was given access to the account')],
  [
    'PARTNER_APP_UNINSTALLED',
    news('critical', 'An app lost access to the account; if it was ours, nothing can be sent'),
  ],
])

const account: NewsReader = (value, now) => {
  const event = textOf(value, 'event')
  if (!event) return undefined
  if (event === 'ACCOUNT_RESTRICTION') return restriction(value, now)
  if (event === 'DISABLED_UPDATE') return ban(recordOf(value, 'ban_info'))
  if (event === 'ACCOUNT_VIOLATION') {
    const kind = textOf(recordOf(value, 'violation_info'), 'violation_type') ?? 'of an unknown kind'
    return news('warning', `A policy violation was found: ${kind}`)
  }
  return accountEvents.get(event) ?? news('info', `The account was updated: ${event}`)
}

/** Only the right to begin conversations is needed for everything that is sent here. */
const blocking = 'RESTRICTED_BIZ_INITIATED_MESSAGING'

function restriction(value: unknown, now: Date): News {
  const restrictions = listOf(value, 'restriction_info').filter(isRecord)
  const found = restrictions.find((entry) => textOf(entry, 'restriction_type') === blocking)
  const kinds = restrictions.flatMap((entry) => textOf(entry, 'restriction_type') ?? []).join(', ')
  const summary = `The account was restricted: ${kinds || 'no details given'}`
  const ends = found && timeIn(found, 'expiration')
  // Told late, it may be over already.
  if (!found || (ends && ends <= now)) return news('warning', summary)
  return news('critical', summary, {
    type: 'account_blocked',
    reason: 'account_restricted',
    ...(ends && { until: ends }),
  })
}

/** Epoch seconds, of any time; undefined where there are none. */
function timeIn(value: unknown, key: string): Date | undefined {
  const ms = Number(textOf(value, key)) * 1000
  return ms > 0 && ms < 8.64e15 ? new Date(ms) : undefined
}

function ban(info: unknown): News {
  const state = textOf(info, 'waba_ban_state') ?? 'unknown'
  const date = textOf(info, 'waba_ban_date')
  const when = date ? ` (${date})` : ''
  if (state === 'DISABLE')
    return news('critical', `The account was banned${when}`, { type: 'account_blocked', reason: 'account_banned' })
  if (state === 'REINSTATE')
    return news('info', `The account may send again${when}`, {
      type: 'account_released',
      reasons: ['account_banned', 'account_restricted'],
    })
  if (state === 'SCHEDULE_FOR_DISABLE') return news('critical', `The account is going to be banned${when}`)
  return news('warning', `The state of the account's ban is ${state}${when}`)
}

const alertSeverities: ReadonlyMap<string, Severity> = new Map<string, Severity>([
  ['CRITICAL', 'critical'],
  ['WARNING', 'warning'],
])

const alert: NewsReader = (value) => {
  const info = recordOf(value, 'alert_info')
  const said = [textOf(info, 'alert_type'), textOf(info, 'alert_description')].filter(Boolean).join(': ')
  const isOver = textOf(info, 'alert_status') === 'NONE'
  const severity = alertSeverities.get(textOf(info, 'alert_severity') ?? '') ?? 'info'
  return news(isOver ? 'info' : severity, `${isOver ? 'An alert is over' : 'Alert'}${said ? `: ${said}` : ''}`)
}

const decisionSeverity = (decision: string): Severity => (decision === 'REJECTED' ? 'warning' : 'info')

const review: NewsReader = (value) => {
  const decision = textOf(value, 'decision')
  return decision ? news(decisionSeverity(decision), `The review of the account ended: ${decision}`) : undefined
}

const displayName: NewsReader = (value) => {
  const decision = textOf(value, 'decision')
  if (!decision) return undefined
  const name = textOf(value, 'requested_verified_name') ?? 'without a name'
  const reason = textOf(value, 'rejection_reason')
  const why = reason && reason !== 'NONE' ? `: ${reason}` : ''
  return news(decisionSeverity(decision), `The display name ${name} was decided: ${decision}${why}`)
}

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput */
const upgradedLimits = { messagesPerSecond: 1_000, concurrency: 200 } as const

/** `event` of phone_number_quality_update; the middle four are from older versions. */
const numberEvents: ReadonlyMap<string, (tier: string) => News> = new Map<string, (tier: string) => News>([
  [
    'THROUGHPUT_UPGRADE',
    () => news('info', 'The phone number may send faster', { type: 'sender_limits', ...upgradedLimits }),
  ],
  [
    'FLAGGED',
    () => news('warning', 'The quality of the phone number is low', { type: 'sender_quality', quality: 'bad' }),
  ],
  [
    'UNFLAGGED',
    () => news('info', 'The quality of the phone number is well again', { type: 'sender_quality', quality: 'good' }),
  ],
  ['UPGRADE', (tier) => news('info', `The messaging limit was raised${tier}`)],
  ['DOWNGRADE', (tier) => news('warning', `The messaging limit was lowered${tier}`)],
  ['ONBOARDING', (tier) => news('info', `The phone number was set up${tier}`)],
])

const numberQuality: NewsReader = (value) => {
  const event = textOf(value, 'event')
  if (!event) return undefined
  const tier = textOf(value, 'max_daily_conversations_per_business') ?? textOf(value, 'current_limit')
  const said = tier ? `: ${tier}` : ''
  return numberEvents.get(event)?.(said) ?? news('info', `The phone number was updated: ${event}${said}`)
}

const capabilities: NewsReader = (value) => {
  const facts = Object.entries(isRecord(value) ? value : {}).filter(([, fact]) =>
    ['string', 'number'].includes(typeof fact),
  )
  return news(
    'info',
    `The limits of the business are now: ${facts.map(([name, fact]) => `${name} ${fact}`).join(', ')}`,
  )
}

const securityEvents: ReadonlyMap<string, string> = new Map([
  ['PIN_CHANGED', 'The PIN of the phone number was changed'],
  ['PIN_RESET_REQUEST', 'Somebody asked to reset the PIN of the phone number'],
  ['PIN_REQUEST_SUCCESS', 'The PIN of the phone number was reset'],
])

const security: NewsReader = (value) => {
  const event = textOf(value, 'event')
  if (!event) return undefined
  const requester = fieldOf(value, 'requester') === undefined ? '' : ` by ${textOf(value, 'requester') ?? 'somebody'}`
  return news('warning', `${securityEvents.get(event) ?? `A matter of security: ${event}`}${requester}`)
}

export const accountNews: readonly (readonly [field: string, reader: NewsReader])[] = [
  ['account_update', account],
  ['account_alerts', alert],
  ['account_review_update', review],
  ['phone_number_name_update', displayName],
  ['phone_number_quality_update', numberQuality],
  ['business_capability_update', capabilities],
  ['security', security],
]
