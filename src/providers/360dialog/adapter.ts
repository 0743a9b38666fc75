import type { HttpClient, ProviderAdapter } from '../../core/contract/provider.ts'
import { parseEnvelope } from '../whatsapp/envelope.ts'
import { type MessagesHost, sendMessage } from '../whatsapp/send.ts'
import { apiCall, apiSettings, failureOfAnswer, withoutSecrets } from './api.ts'
import { checkConnection } from './check.ts'
import { verifyWebhook } from './webhook.ts'

/** The adapter of 360dialog. Settings: `baseUrl` (has a default). */
export function createDialog360Adapter(deps: {
  readonly http: HttpClient
  readonly settings: Readonly<Record<string, string>>
}): ProviderAdapter {
  const settings = apiSettings(deps.settings)
  const host: MessagesHost = {
    request: (body, connection) => apiCall(settings, connection, { method: 'POST', path: '/messages', body }),
    failureOf: failureOfAnswer,
    withoutSecrets,
  }
  return {
    send: (message, connection) => sendMessage(deps.http, host, message, connection),
    check: (connection) => checkConnection(deps.http, settings, connection),
    // No call tells the phone number of a key.
    businessPhone: async () => undefined,
    verify: verifyWebhook,
    parse: (body) => parseEnvelope(body, new Date()),
  }
}
