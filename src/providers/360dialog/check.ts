/** Findings about a connection at 360dialog, each with what to do. */

import { type FailureCode, failureKind } from '../../core/contract/failures.ts'
import type { ConnectionCheck, HttpClient, HttpResult, ProviderConnection } from '../../core/contract/provider.ts'
import { isSuccess } from '../shared/answer.ts'
import { parseJson } from '../shared/read.ts'
import { type ApiSettings, apiCall, failureOfAnswer, withoutSecrets } from './api.ts'
import { healthChecks } from './health.ts'
import { webhookChecks } from './webhook-check.ts'

/** Asks for the health of the number behind the key, and where its webhooks go. */
export async function checkConnection(
  http: HttpClient,
  settings: ApiSettings,
  connection: ProviderConnection,
): Promise<ConnectionCheck[]> {
  const ask = (path: string) => http(apiCall(settings, connection, { method: 'GET', path }))
  const health = bodyOf(await ask('/health_status'), connection)
  if ('finding' in health) return [health.finding]
  const webhook = bodyOf(await ask('/v1/configs/webhook'), connection)
  return [
    { name: 'API key', ok: true, detail: '360dialog accepts the API key.' },
    ...healthChecks(health.body, connection),
    ...('finding' in webhook ? [webhook.finding] : webhookChecks(webhook.body, connection)),
  ]
}

/** What was answered, or the finding that nothing can be read from it. */
function bodyOf(
  result: HttpResult,
  connection: ProviderConnection,
): { readonly body: unknown } | { readonly finding: ConnectionCheck } {
  if (result.kind !== 'answer') {
    const detail = `360dialog could not be asked: ${withoutSecrets(result.reason, connection)}.`
    return { finding: { name: 'reachable', ok: false, detail, fix: reachableFix } }
  }
  if (!isSuccess(result)) {
    const { code, detail = '' } = failureOfAnswer(result, connection)
    return { finding: refused(code, detail) }
  }
  const body = parseJson(result.body)
  if (body !== undefined) return { body }
  return { finding: { name: 'answer', ok: false, detail: '360dialog answered with no JSON.', fix: otherFix } }
}

const reachableFix = 'Check that this machine may call the host of DIALOG360_BASE_URL over HTTPS, then check again.'
const otherFix = "Check again later; if it stays, look at 360dialog's status page."

const fixes: { readonly [C in FailureCode]?: string } = {
  credentials_invalid: 'Make a new API key for this very number in the 360dialog Hub and enter it here.',
  permission_missing: "Ask 360dialog's support to open the endpoint for this number.",
  account_restricted: "Ask 360dialog's support why API access was switched off.",
  billing_problem: 'Settle the open invoices with 360dialog or with the partner who manages the account.',
  connection_throttled: 'Wait some minutes, then check again.',
}

const refused = (code: FailureCode, detail: string): ConnectionCheck => ({
  name: code === 'credentials_invalid' ? 'API key' : 'answer',
  ok: false,
  detail: `${failureKind(code).text} 360dialog says: ${detail}`,
  fix: fixes[code] ?? otherFix,
})
