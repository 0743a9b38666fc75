/**
 * Whom a webhook is from. 360dialog signs nothing that it sends to a number's webhook; it sends the headers along that it
 * was told when the URL was set.
 * https://docs.360dialog.com/docs/messaging/webhook/webhook-reference
 */

import type { ProviderConnection, WebhookRequest } from '../../core/contract/provider.ts'
import { isSameSecret } from '../shared/secrets.ts'

/**
 * The URL of exactly one connection vouches for a webhook; where that connection names a user and a password, they must
 * come along.
 */
export function verifyWebhook({ headers }: WebhookRequest, connections: readonly ProviderConnection[]): boolean {
  const [connection, ...others] = connections
  if (!connection || others.length > 0) return false
  const expected = authorizationOf(connection)
  return expected === 'none' || (expected !== 'unusable' && isSameSecret(headers.authorization ?? '', expected.header))
}

/**
 * The value of `Authorization` that webhooks of the connection must bring. `unusable`: only one half of it is known,
 * which proves nothing.
 */
export function authorizationOf({
  credentials,
}: ProviderConnection): 'none' | 'unusable' | { readonly header: string } {
  const { webhookUser: user, webhookPassword: password } = credentials
  if (!user && !password) return 'none'
  if (!user || !password) return 'unusable'
  return { header: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
}
