/** Access tokens: what `debug_token` tells of them, when they end, and what they may. */

import { type Answer, refused } from './answers.ts'
import { type GraphProblem, problem } from './graph-errors.ts'
import type { Account } from './inputs.ts'

const messaging = 'whatsapp_business_messaging'
const management = 'whatsapp_business_management'
const scopes = [messaging, management]

/** What `debug_token` says of a token: the account's own, or one that nobody knows. */
export const tokenInfo = (account: Account | undefined): object =>
  account
    ? {
        app_id: account.appId,
        type: 'SYSTEM_USER',
        application: 'Simulated App',
        is_valid: true,
        expires_at: 0,
        data_access_expires_at: 0,
        scopes,
        granular_scopes: scopes.map((scope) => ({ scope, target_ids: [account.wabaId] })),
        ...account.tokenFields,
      }
    : { is_valid: false, scopes: [], error: { code: 190, message: 'The access token could not be decrypted' } }

/** Why a token of its account is not accepted any more; undefined while it is. */
export function whyRefused(account: Account | undefined): GraphProblem | undefined {
  const { is_valid: isValid = true, expires_at: expiresAt = 0 } = account?.tokenFields ?? {}
  const hasExpired = typeof expiresAt === 'number' && expiresAt > 0 && expiresAt * 1_000 <= Date.now()
  if (hasExpired) return { code: 190, subcode: 463, message: 'Error validating access token: Session has expired' }
  return isValid === false ? { code: 190, message: 'Error validating access token: it was revoked' } : undefined
}

/** Edges that need the right to send; all others of accounts need the right to manage. */
const scopeOf = (edge: string): string | undefined => {
  if (edge === 'POST messages') return messaging
  return /message_templates|phone_numbers|subscribed_apps/.test(edge) ? management : undefined
}

/** @param edge method and name, e.g. `GET phone_numbers` */
export function missingScope(account: Account, edge: string): Answer | undefined {
  const needed = scopeOf(edge)
  const { scopes: given = scopes } = account.tokenFields
  if (needed === undefined || (Array.isArray(given) && given.includes(needed))) return undefined
  return refused(problem(needed === messaging ? 10 : 200, `the access token lacks ${needed}`))
}
