/**
 * Proof of origin of Meta's webhooks.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
 */

import type { ProviderConnection, WebhookRequest } from '../../core/contract/provider.ts'
import { isSignedWithAny } from '../shared/signature.ts'

const signatureHeader = 'x-hub-signature-256'
const signaturePrefix = 'sha256='

/**
 * Does `X-Hub-Signature-256` fit these bytes under the app secret, present or previous, of one of the connections?
 * The secret belongs to the Meta app: connections of one app share it.
 */
export function verifyWebhook({ headers, body }: WebhookRequest, connections: readonly ProviderConnection[]): boolean {
  const header = headers[signatureHeader]
  const signature =
    typeof header === 'string' && header.startsWith(signaturePrefix) ? header.slice(signaturePrefix.length) : ''
  const secrets = connections.flatMap(({ credentials }) => [credentials.appSecret, credentials.previousAppSecret])
  const known = new Set(secrets.filter((secret) => secret !== undefined))
  return isSignedWithAny(body, signature, known)
}
