import { addressOf } from '../../core/contract/address.ts'
import { type FailureCode, failureKind } from '../../core/contract/failures.ts'
import type { ConnectionCheck, HttpClient, ProviderConnection } from '../../core/contract/provider.ts'
import type { Answer } from '../shared/answer.ts'
import { parseJson, textOf } from '../shared/read.ts'
import { failureOfAnswer, type GraphSettings, phoneNumberCall, withoutSecrets } from './graph.ts'

const fields = ['id', 'display_phone_number', 'verified_name', 'status', 'quality_rating'].join(',')

/**
 * Asks Meta for the phone number with the connection's token.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/phone-numbers
 */
export async function checkConnection(
  http: HttpClient,
  graph: GraphSettings,
  connection: ProviderConnection,
): Promise<ConnectionCheck[]> {
  const call = { method: 'GET', path: `?fields=${fields}` } as const
  const result = await http(phoneNumberCall(graph, connection, call))
  if (result.kind !== 'answer') return [unreachable(withoutSecrets(result.reason, connection))]
  return [...phoneNumberChecks(result, connection), appSecretCheck(connection)]
}

/** The number as E.164; Meta writes it formatted, e.g. `+49 30 555001`. */
export async function businessPhoneOf(
  http: HttpClient,
  graph: GraphSettings,
  connection: ProviderConnection,
): Promise<string | undefined> {
  const call = { method: 'GET', path: '?fields=display_phone_number' } as const
  const result = await http(phoneNumberCall(graph, connection, call))
  const shown = result.kind === 'answer' ? textOf(parseJson(result.body), 'display_phone_number') : undefined
  return shown && addressOf(shown).phone
}

const unreachable = (reason: string): ConnectionCheck => ({
  name: 'reachable',
  ok: false,
  detail: `Meta could not be asked: ${reason}.`,
  fix: 'Check that this machine may call graph.facebook.com over HTTPS, then check again.',
})

function phoneNumberChecks(answer: Answer, connection: ProviderConnection): ConnectionCheck[] {
  const number = answer.status === 200 ? parseJson(answer.body) : undefined
  if (!textOf(number, 'id')) return [refusedCheck(answer, connection)]
  return [
    { name: 'access token', ok: true, detail: 'Meta accepts the access token.' },
    { name: 'phone number', ok: true, detail: describeNumber(number) },
    registrationCheck(textOf(number, 'status')),
  ]
}

const describeNumber = (number: unknown): string =>
  `${textOf(number, 'display_phone_number') ?? 'The number'} (${textOf(number, 'verified_name') ?? 'no name'}) was found.`

/** `status` is absent for some numbers; only a known bad one is a finding. */
const registrationCheck = (status = 'unknown'): ConnectionCheck => {
  const ok = !['DISCONNECTED', 'PENDING', 'BANNED', 'RESTRICTED', 'MIGRATED', 'DELETED', 'UNLINKED'].includes(status)
  const fix = 'Register the number: Meta Business Suite, WhatsApp Manager, Phone numbers.'
  return { name: 'registration', ok, detail: `The number's status is ${status}.`, ...(!ok && { fix }) }
}

const appSecretCheck = ({ credentials }: ProviderConnection): ConnectionCheck =>
  credentials.appSecret
    ? { name: 'app secret', ok: true, detail: 'An app secret is stored.' }
    : {
        name: 'app secret',
        ok: false,
        detail: 'Without the app secret no report and no reply can be verified.',
        fix: 'Copy it from the Meta app: App settings, Basic, App secret.',
      }

interface Advice {
  readonly name: string
  readonly fix: string
}

const advice: { readonly [C in FailureCode]?: Advice } = {
  credentials_invalid: {
    name: 'access token',
    fix: 'Create a system user token that never expires, with whatsapp_business_messaging and whatsapp_business_management.',
  },
  permission_missing: {
    name: 'phone number',
    fix: 'Compare the phone number id, and assign the WhatsApp account to the system user with full control.',
  },
  sender_not_registered: { name: 'phone number', fix: 'Register the number in WhatsApp Manager.' },
  account_restricted: {
    name: 'account',
    fix: 'Open Account Quality in Meta Business Suite and follow what it asks for.',
  },
  connection_throttled: { name: 'pace', fix: 'Wait some minutes, then check again.' },
  request_invalid: { name: 'phone number', fix: 'Compare the phone number id and the API version.' },
}

const otherFix = "Check again later; if it stays, look at Meta's status page."

/** An answer without advice says nothing about the connection, so only Meta's own words are given. */
function refusedCheck(answer: Answer, connection: ProviderConnection): ConnectionCheck {
  const { code, detail, vendorCode } = failureOfAnswer(answer, connection)
  const said = [vendorCode && `code ${vendorCode}`, detail].filter(Boolean).join(': ')
  const known = advice[code]
  if (!known) return { name: 'answer', ok: false, detail: `Meta answered: ${said}`, fix: otherFix }
  return { ...known, ok: false, detail: `${failureKind(code).text} Meta says: ${said}` }
}
