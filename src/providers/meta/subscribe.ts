import type { Failure } from '../../core/contract/failures.ts'
import type { HttpClient, ProviderConnection } from '../../core/contract/provider.ts'
import { ask, failureOf } from './ask.ts'
import { accountCall, type GraphSettings } from './graph.ts'

/**
 * Subscribes the token's app to the account: without it no webhook arrives though the dashboard shows a callback URL.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
 */
export async function subscribe(
  http: HttpClient,
  graph: GraphSettings,
  connection: ProviderConnection,
): Promise<Failure | undefined> {
  const call = { method: 'POST', path: '/subscribed_apps', body: {} } as const
  const asked = await ask(http, connection, accountCall(graph, connection, call))
  return 'body' in asked ? undefined : failureOf(asked)
}
