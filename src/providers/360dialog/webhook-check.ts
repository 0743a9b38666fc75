/**
 * What `GET /v1/configs/webhook` says: does 360dialog call us, and with what we ask for?
 * https://docs.360dialog.com/docs/messaging/webhook/webhook-reference
 */

import type { ConnectionCheck, ProviderConnection } from '../../core/contract/provider.ts'
import { isRecord, textOf } from '../shared/read.ts'
import { isSameSecret } from '../shared/secrets.ts'
import { authorizationOf } from './webhook.ts'

/** Before the connection exists there is no URL to compare with: nothing is said then. */
export function webhookChecks(answer: unknown, connection: ProviderConnection): ConnectionCheck[] {
  const { webhookUrl } = connection
  if (webhookUrl === undefined) return []
  const url = textOf(answer, 'url')
  if (url !== webhookUrl) return [elsewhere(url)]
  return [
    { name: 'webhook', ok: true, detail: 'Webhooks of the number come here.' },
    ...headerChecks(answer, connection),
  ]
}

const setUrl =
  'Set the callback URL of this connection: 360dialog Hub, the number, Channel webhook, or POST /v1/configs/webhook.'

/** The URL of another system may be a secret of its own: only its host is shown. */
const elsewhere = (url: string | undefined): ConnectionCheck => ({
  name: 'webhook',
  ok: false,
  detail: url
    ? `Webhooks of the number go to another URL, at ${hostOf(url)}.`
    : 'The number has no webhook; one of the whole account may stand in for it.',
  fix: setUrl,
})

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'an unreadable address')

function headerChecks(answer: unknown, connection: ProviderConnection): ConnectionCheck[] {
  const expected = authorizationOf(connection)
  if (expected === 'none') return []
  if (expected !== 'unusable' && isSameSecret(sentAuthorization(answer), expected.header))
    return [{ name: 'webhook user', ok: true, detail: '360dialog sends user and password along.' }]
  return [
    {
      name: 'webhook user',
      ok: false,
      detail:
        'The number does not send the user and password along that this connection asks for: webhooks are refused.',
      fix: 'Set the header Authorization (Basic) together with the URL, or take user and password out of the connection.',
    },
  ]
}

/** Names of headers have no case. */
function sentAuthorization(answer: unknown): string {
  const headers = isRecord(answer) && isRecord(answer.headers) ? Object.entries(answer.headers) : []
  const found = headers.find(([name]) => name.toLowerCase() === 'authorization')?.[1]
  return typeof found === 'string' ? found : ''
}
