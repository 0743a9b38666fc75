/**
 * What the access token is worth.
 * https://developers.facebook.com/docs/graph-api/reference/debug_token
 */

import type { ConnectionCheck } from '../../core/contract/provider.ts'
import { fieldOf, isRecord, listOf, recordOf, textOf } from '../shared/read.ts'
import type { Asked } from './ask.ts'
import { bad, good, unanswered } from './findings.ts'

const neededScopes = ['whatsapp_business_messaging', 'whatsapp_business_management'] as const
const soonMs = 14 * 86_400_000

const newToken =
  'Create a token of a system user that never expires, with whatsapp_business_messaging and ' +
  'whatsapp_business_management: Meta Business Suite, Settings, System users.'

/** Codes by which Meta refuses a token, with what they say of it. */
const refusals: ReadonlyMap<string, string> = new Map([
  ['190/458', 'The app was removed from the business.'],
  ['190/460', 'It ended with a change of the password.'],
  ['190/463', 'It has expired.'],
  ['190/467', 'It was revoked.'],
])

const isRefused = (asked: Asked): asked is Extract<Asked, { readonly refused: unknown }> =>
  'refused' in asked && asked.refused.code === 'credentials_invalid'

/** Is there no point in asking anything else with it? */
export const isTokenDead = (asked: Asked): boolean =>
  isRefused(asked) || ('body' in asked && fieldOf(recordOf(asked.body, 'data'), 'is_valid') === false)

export function tokenChecks(asked: Asked, now: Date): ConnectionCheck[] {
  if (isRefused(asked)) {
    const { vendorCode = '', detail } = asked.refused
    const why = refusals.get(vendorCode) ?? `Meta says: ${[`code ${vendorCode}`, detail].filter(Boolean).join(': ')}`
    return [bad('access token', `Meta does not accept the access token. ${why}`, newToken)]
  }
  const data = 'body' in asked ? recordOf(asked.body, 'data') : undefined
  if (data) return describedToken(data, now)
  const unreadable = bad('access token', 'Meta described the access token in words that cannot be read.', newToken)
  return 'body' in asked ? [unreadable] : [unanswered('access token', asked)]
}

function describedToken(data: unknown, now: Date): ConnectionCheck[] {
  if (fieldOf(data, 'is_valid') !== true) return [endedCheck(data, now)]
  return [
    good('access token', 'Meta accepts the access token.'),
    typeCheck(data),
    scopeCheck(data),
    endCheck(data, now),
  ]
}

function endedCheck(data: unknown, now: Date): ConnectionCheck {
  const ends = endOf(data)
  const words = textOf(recordOf(data, 'error'), 'message')
  const why = ends && ends <= now ? `It expired on ${dayOf(ends)}.` : `Meta says: ${words ?? 'it is not valid'}`
  return bad('access token', `Meta does not accept the access token. ${why}`, newToken)
}

function typeCheck(data: unknown): ConnectionCheck {
  const type = textOf(data, 'type') ?? 'unknown'
  if (type === 'SYSTEM_USER') return good('token type', 'It is the token of a system user.')
  const whose = type === 'USER' ? 'a person: it ends after some weeks, or when that person leaves' : `the type ${type}`
  return bad('token type', `The access token is that of ${whose}.`, newToken)
}

function scopeCheck(data: unknown): ConnectionCheck {
  const given = listOf(data, 'scopes')
  const missing = neededScopes.filter((scope) => !given.includes(scope))
  if (missing.length === 0) return good('token scopes', `It has ${neededScopes.join(' and ')}.`)
  const fix = `Create the token anew and tick ${missing.join(' and ')}.`
  return bad('token scopes', `The access token lacks ${missing.join(' and ')}.`, fix)
}

function endCheck(data: unknown, now: Date): ConnectionCheck {
  const ends = endOf(data)
  if (!ends) return good('token expiry', 'It never expires.')
  const isSoon = ends.getTime() - now.getTime() < soonMs
  return isSoon
    ? bad('token expiry', `The access token expires on ${dayOf(ends)}; nothing can be sent afterwards.`, newToken)
    : good('token expiry', `It expires on ${dayOf(ends)}.`)
}

/** Epoch seconds; 0 = never. */
function endOf(data: unknown): Date | undefined {
  const seconds = isRecord(data) ? Number(textOf(data, 'expires_at')) : 0
  return seconds > 0 && seconds < 1e11 ? new Date(seconds * 1_000) : undefined
}

const dayOf = (time: Date): string => time.toISOString().slice(0, 10)
