import type { HttpClient, ProviderAdapter } from '../../core/contract/provider.ts'
import { parseEnvelope } from '../whatsapp/envelope.ts'
import { type MessagesHost, sendMessage } from '../whatsapp/send.ts'
import { businessPhoneOf, checkConnection } from './check.ts'
import { failureOfAnswer, graphSettings, phoneNumberCall, withoutSecrets } from './graph.ts'
import { subscribe } from './subscribe.ts'
import { listTemplates, registerTemplate } from './templates.ts'
import { verifyWebhook } from './webhook.ts'

/** The adapter of Meta's WhatsApp Cloud API. Settings: `baseUrl`, `apiVersion` (both have defaults). */
export function createMetaAdapter(deps: {
  readonly http: HttpClient
  readonly settings: Readonly<Record<string, string>>
}): ProviderAdapter {
  const graph = graphSettings(deps.settings)
  const host: MessagesHost = {
    request: (body, connection) => phoneNumberCall(graph, connection, { method: 'POST', path: '/messages', body }),
    failureOf: failureOfAnswer,
    withoutSecrets,
  }
  return {
    send: (message, connection) => sendMessage(deps.http, host, message, connection),
    check: (connection) => checkConnection(deps.http, graph, connection),
    businessPhone: (connection) => businessPhoneOf(deps.http, graph, connection),
    verify: verifyWebhook,
    parse: (body) => parseEnvelope(body, new Date()),
    listTemplates: (connection, name) => listTemplates(deps.http, graph, connection, name),
    registerTemplate: (form, connection) => registerTemplate(deps.http, graph, form, connection),
    subscribe: (connection) => subscribe(deps.http, graph, connection),
  }
}
