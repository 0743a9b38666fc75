import { addressOf } from '../../src/core/contract/address.ts'
import { type FailureCode, failureKind } from '../../src/core/contract/failures.ts'
import type { ConnectionCheck, HttpClient, ProviderConnection } from '../../src/core/contract/provider.ts'
import { type Answer, isSuccess } from '../../src/providers/shared/answer.ts'
import { parseJson, textOf } from '../../src/providers/shared/read.ts'
import { apiCall, type CopyMeSettings, failureOfAnswer, withoutSecrets } from './api.ts'

/** Fill in: a call that changes nothing and needs the same rights as sending. */
const askForSender = (settings: CopyMeSettings, connection: ProviderConnection) =>
  apiCall(settings, connection, {
    method: 'GET',
    path: `/v1/senders/${encodeURIComponent(connection.credentials.senderId ?? '')}`,
  })

/** Asks for our sender with the connection's key. Each finding says what to do, in words of the vendor's own site. */
export async function checkConnection(
  http: HttpClient,
  settings: CopyMeSettings,
  connection: ProviderConnection,
): Promise<ConnectionCheck[]> {
  const result = await http(askForSender(settings, connection))
  if (result.kind !== 'answer') return [unreachable(withoutSecrets(result.reason, connection))]
  return [senderCheck(result, connection)]
}

/** The number behind the credentials; undefined when the vendor does not tell, or not now. */
export async function businessPhoneOf(
  http: HttpClient,
  settings: CopyMeSettings,
  connection: ProviderConnection,
): Promise<string | undefined> {
  const result = await http(askForSender(settings, connection))
  return result.kind === 'answer' ? addressOf(textOf(parseJson(result.body), 'phone')).phone : undefined
}

const unreachable = (reason: string): ConnectionCheck => ({
  name: 'reachable',
  ok: false,
  detail: `Copy Me could not be asked: ${reason}.`,
  fix: 'Check that this machine may call the host of COPY_ME_BASE_URL over HTTPS, then check again.',
})

function senderCheck(answer: Answer, connection: ProviderConnection): ConnectionCheck {
  if (!isSuccess(answer)) return refused(answer, connection)
  const phone = textOf(parseJson(answer.body), 'phone')
  return phone
    ? { name: 'sender', ok: true, detail: `The key is accepted, and the sender is ${phone}.` }
    : { name: 'sender', ok: false, detail: 'Copy Me answered with something else than a sender.', fix: otherFix }
}

// Fill in: what a client does about each failure that is theirs to mend.
const fixes: { readonly [C in FailureCode]?: string } = {
  credentials_invalid: 'Copy the API key again: Settings, API keys.',
  permission_missing: 'Give the API key the right to send.',
  unknown_refusal: 'Compare the sender ID with the one beside the phone number.',
  connection_throttled: 'Wait some minutes, then check again.',
}

const otherFix = 'Check again later; if it stays, ask the support of Copy Me.'

function refused(answer: Answer, connection: ProviderConnection): ConnectionCheck {
  const { code, detail } = failureOfAnswer(answer, connection)
  return {
    name: 'sender',
    ok: false,
    detail: `${failureKind(code).text} Copy Me says: ${detail}`,
    fix: fixes[code] ?? otherFix,
  }
}
