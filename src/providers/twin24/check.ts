import { type FailureCode, failureKind } from '../../core/contract/failures.ts'
import type { ConnectionCheck, ProviderConnection } from '../../core/contract/provider.ts'
import { fieldOf, parseJson } from '../shared/read.ts'
import { failureOfAnswer, isSuccess, withoutSecrets } from './answer.ts'
import type { CallResult, Twin24Api } from './api.ts'

/** Logs in and lists one message: what sending and asking need. */
export async function checkConnection(api: Twin24Api, connection: ProviderConnection): Promise<ConnectionCheck[]> {
  const result = await api.call(connection, { method: 'GET', url: `${api.notifyUrl}/messages?limit=1` })
  return [...accessChecks(result, connection), templatesCheck(connection)]
}

function accessChecks(result: CallResult, connection: ProviderConnection): ConnectionCheck[] {
  if (result.kind === 'not_called') return [refusedCheck('login', result.failure.code, result.failure.detail)]
  const login: ConnectionCheck = { name: 'login', ok: true, detail: 'TWIN accepts e-mail and password.' }
  if (result.kind !== 'answer') {
    const detail = `The notification service could not be asked: ${withoutSecrets(result.reason, connection)}.`
    return [login, { name: 'reachable', ok: false, detail, fix: reachableFix }]
  }
  if (isSuccess(result)) {
    if (fieldOf(parseJson(result.body), 'items') !== undefined)
      return [login, { name: 'messages', ok: true, detail: 'Messages can be listed.' }]
    const detail = 'The notification service answered with something else than a list of messages.'
    return [login, { name: 'messages', ok: false, detail, fix: reachableFix }]
  }
  const { code, detail } = failureOfAnswer(result, connection)
  return [...(code === 'credentials_invalid' ? [] : [login]), refusedCheck('messages', code, detail)]
}

const reachableFix = 'Check that this machine may call the host of TWIN24_NOTIFY_URL over HTTPS, then check again.'

const fixes: { readonly [C in FailureCode]?: string } = {
  credentials_invalid:
    'Compare e-mail and password with a login at the TWIN cabinet; name the company if there are several.',
  permission_missing: 'Give the user the right to send notifications and to read their list.',
  billing_problem: "Top up the company's balance in the TWIN cabinet.",
  connection_throttled: 'Wait some minutes, then check again.',
  connection_unreachable: 'Check that this machine may call the host of TWIN24_IAM_URL over HTTPS, then check again.',
}

const refusedCheck = (name: string, code: FailureCode, detail = ''): ConnectionCheck => ({
  name,
  ok: false,
  detail: `${failureKind(code).text} TWIN says: ${detail}`,
  fix: fixes[code] ?? "Check again later; if it stays, ask TWIN's support.",
})

const templatesCheck = ({ templates = {} }: ProviderConnection): ConnectionCheck => {
  const names = Object.keys(templates)
  return names.length > 0
    ? { name: 'templates', ok: true, detail: `Mapped to bots: ${names.join(', ')}.` }
    : {
        name: 'templates',
        ok: false,
        detail: 'No template is mapped to a chat and a bot, so no message can be sent.',
        fix: 'Map each template, e.g. "templates": {"fdr_otp_cancellation.en": {"chatId": "…", "botId": "…"}}.',
      }
}
