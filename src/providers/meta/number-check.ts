/**
 * The phone number behind the connection: is it there, registered, and well?
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/phone-numbers
 */

import type { ConnectionCheck, ProviderConnection } from '../../core/contract/provider.ts'
import { listOf, recordOf, textOf } from '../shared/read.ts'
import type { Asked } from './ask.ts'
import { bad, good, unanswered } from './findings.ts'

export const numberFields = [
  'id',
  'display_phone_number',
  'verified_name',
  'status',
  'quality_rating',
  'platform_type',
  'whatsapp_business_manager_messaging_limit',
  'webhook_configuration',
  'health_status',
].join(',')

export function numberChecks(asked: Asked, connection: ProviderConnection): ConnectionCheck[] {
  const number = 'body' in asked ? asked.body : undefined
  if (textOf(number, 'id') === undefined) return [notFound(asked, connection)]
  return [
    foundCheck(number, connection),
    registrationCheck(number),
    qualityCheck(textOf(number, 'quality_rating')),
    ...limitChecks(textOf(number, 'whatsapp_business_manager_messaging_limit')),
    ...healthChecks(recordOf(number, 'health_status')),
    ...callbackChecks(recordOf(number, 'webhook_configuration'), connection),
  ]
}

function foundCheck(number: unknown, { credentials }: ProviderConnection): ConnectionCheck {
  const found = good('phone number', describe(number))
  return textOf(number, 'id') === credentials.phoneNumberId ? { ...found, provesNumber: true } : found
}

const describe = (number: unknown): string =>
  `${textOf(number, 'display_phone_number') ?? 'The number'} (${textOf(number, 'verified_name') ?? 'no name'}) was found.`

function notFound(asked: Asked, { credentials }: ProviderConnection): ConnectionCheck {
  const id = credentials.phoneNumberId ?? ''
  if ('refused' in asked && asked.refused.code === 'permission_missing')
    return bad(
      'phone number',
      `Meta knows no phone number id ${id}, or the access token may not see it.`,
      'Compare the phone number id in WhatsApp Manager (it is not the number itself), and assign the WhatsApp account to the system user with full control.',
    )
  if ('refused' in asked && asked.refused.code === 'sender_not_registered') return notRegistered('was removed')
  return 'body' in asked
    ? bad('phone number', 'Meta answered without a phone number.', 'Compare the phone number id and the API version.')
    : unanswered('phone number', asked)
}

const notRegistered = (what: string): ConnectionCheck =>
  bad(
    'registration',
    `The phone number ${what}, so nothing can be sent through it.`,
    'Register it for the Cloud API: POST /<phone number id>/register at Meta with its PIN; no menu there does it.',
  )

/** Statuses of a number that cannot send; any other word is no finding. */
const unusable: ReadonlySet<string> = new Set([
  'DISCONNECTED',
  'PENDING',
  'BANNED',
  'RESTRICTED',
  'MIGRATED',
  'DELETED',
  'UNLINKED',
])

/** Numbers of a platform type that does not apply were added but never registered. */
function registrationCheck(number: unknown): ConnectionCheck {
  const status = textOf(number, 'status') ?? 'unknown'
  if (unusable.has(status)) return notRegistered(`is not registered (status ${status})`)
  if (textOf(number, 'platform_type') === 'NOT_APPLICABLE') return notRegistered('is not registered')
  return good('registration', `The number's status is ${status}.`)
}

function qualityCheck(quality = 'UNKNOWN'): ConnectionCheck {
  const fix =
    'Look at what recipients block and report in WhatsApp Manager, Insights, before Meta restricts the number.'
  if (quality === 'YELLOW') return bad('quality', "The number's quality is medium (YELLOW).", fix)
  if (quality === 'RED') return bad('quality', "The number's quality is low (RED): it is sent at half its pace.", fix)
  return good('quality', `The number's quality is ${quality}.`)
}

const limitChecks = (tier: string | undefined): ConnectionCheck[] =>
  tier ? [good('messaging limit', `New customers in 24 hours: ${tier.replace(/^TIER_/, '')}.`)] : []

/** The account as a whole is well, or each part that is not says why. */
function healthChecks(health: unknown): ConnectionCheck[] {
  const entities = listOf(health, 'entities')
  if (entities.length === 0) return []
  const findings = entities.flatMap((entity) => entityCheck(entity) ?? [])
  return findings.length > 0 ? findings : [good('health', 'Meta reports nothing that keeps messages back.')]
}

function entityCheck(entity: unknown): ConnectionCheck | undefined {
  const state = textOf(entity, 'can_send_message') ?? 'AVAILABLE'
  if (state === 'AVAILABLE') return undefined
  const errors = listOf(entity, 'errors')
  const words = errors.flatMap((error) => textOf(error, 'error_description') ?? [])
  const more = listOf(entity, 'additional_info').filter((text) => typeof text === 'string')
  const fixes = errors.flatMap((error) => textOf(error, 'possible_solution') ?? [])
  const who = (textOf(entity, 'entity_type') ?? 'account').toLowerCase().replaceAll('_', ' ')
  const why = [...words, ...more].join(' ')
  const fix = fixes.join(' ') || 'Open WhatsApp Manager, Overview, and follow what it asks for.'
  return bad('health', `Meta says that sending is ${state.toLowerCase()} by the ${who}.${why && ` ${why}`}`, fix)
}

/** The most particular one counts. Whose ever it is, a callback URL may be a secret: only the host of it is shown. */
function callbackChecks(configuration: unknown, { webhookUrl }: ProviderConnection): ConnectionCheck[] {
  if (webhookUrl === undefined || configuration === undefined) return []
  const [url] = ['phone_number', 'whatsapp_business_account', 'application'].flatMap(
    (level) => textOf(configuration, level) ?? [],
  )
  const fix = 'Enter callback URL and verify token of this connection: Meta app, WhatsApp, Configuration, Webhook.'
  if (url === undefined) return [bad('callback URL', 'Meta knows no callback URL for this number.', fix)]
  if (hostOf(url) === hostOf(webhookUrl)) return [good('callback URL', 'Webhooks of the number come here.')]
  return [bad('callback URL', `Webhooks of the number go elsewhere, to ${hostOf(url)}.`, fix)]
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'an unreadable address')
