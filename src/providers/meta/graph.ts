/** Calls of the Graph API and their errors, common to sending and checking. */

import type { Failure } from '../../core/contract/failures.ts'
import type { HttpRequest, HttpResult, ProviderConnection } from '../../core/contract/provider.ts'
import { retryAfterMs } from '../../core/contract/retry-after.ts'
import { defined, fieldOf, parseJson, recordOf, textOf } from '../shared/read.ts'
import { type CodeRule, ruleOfAnswer, type VendorError } from './codes.ts'

export const defaultBaseUrl = 'https://graph.facebook.com'
export const defaultApiVersion = 'v24.0'

/** Where the Graph API is; the connection's own `apiVersion` goes before the one given here. */
export interface GraphSettings {
  readonly baseUrl: string
  readonly apiVersion: string
}

export const graphSettings = (settings: Readonly<Record<string, string>>): GraphSettings => ({
  baseUrl: (settings.baseUrl || defaultBaseUrl).replace(/\/+$/, ''),
  apiVersion: settings.apiVersion || defaultApiVersion,
})

/** A call of an edge of the connection's phone number, with the token in the header (a URL ends up in logs). */
export function phoneNumberCall(
  { baseUrl, apiVersion }: GraphSettings,
  { credentials }: ProviderConnection,
  call: { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: unknown },
): HttpRequest {
  const version = encodeURIComponent(credentials.apiVersion || apiVersion)
  const number = encodeURIComponent(credentials.phoneNumberId ?? '')
  return {
    method: call.method,
    url: `${baseUrl}/${version}/${number}${call.path}`,
    headers: { authorization: `Bearer ${credentials.accessToken ?? ''}`, 'content-type': 'application/json' },
    ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
  }
}

export type Answer = Extract<HttpResult, { kind: 'answer' }>

/** Longest text of the vendor's that is kept with a failure; cut only after the secrets are out of it. */
export const maxDetail = 600

/** The failure that an answer without success stands for. */
export function failureOfAnswer({ status, headers, body }: Answer, connection: ProviderConnection, now: Date): Failure {
  const error = recordOf(parseJson(body), 'error')
  const vendor = vendorErrorOf(error)
  const rule = ruleOfAnswer(status, vendor)
  return failureOf(rule, {
    vendorCode: vendorCodeOf(vendor),
    detail: withoutSecrets(detailOf(error) ?? `HTTP ${status}`, connection).slice(0, maxDetail),
    retryAfterMs: retryAfterMs(headers['retry-after'], now),
  })
}

/** A failure from its rule and what the vendor said; what the vendor asked for goes before what its pages say. */
export const failureOf = (
  { code, transient, retryAfterMs: documentedMs }: CodeRule,
  said: { [K in 'vendorCode' | 'detail']: string | undefined } & { readonly retryAfterMs?: number | undefined },
): Failure =>
  defined({
    code,
    vendorCode: said.vendorCode,
    detail: said.detail,
    retryAfterMs: said.retryAfterMs ?? documentedMs,
    transient,
  })

/** The numbers of a Graph error or of a webhook's error object. */
export const vendorErrorOf = (error: unknown): VendorError =>
  defined({
    code: integerOf(error, 'code'),
    subcode: integerOf(error, 'error_subcode'),
    isTransient: fieldOf(error, 'is_transient') === true,
  })

function integerOf(value: unknown, key: string): number | undefined {
  const text = textOf(value, key)
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

export const vendorCodeOf = ({ code, subcode }: VendorError): string | undefined =>
  code === undefined || subcode === undefined ? code?.toString() : `${code}/${subcode}`

/** Meta's words for an error; the trace id stands with them because Meta's support asks for it. */
export function detailOf(error: unknown): string | undefined {
  const words =
    textOf(recordOf(error, 'error_data'), 'details') ??
    textOf(error, 'error_data') ??
    textOf(error, 'message') ??
    textOf(error, 'title')
  const trace = textOf(error, 'fbtrace_id')
  return [trace && `[fbtrace_id ${trace}]`, words].filter(Boolean).join(' ') || undefined
}

const secretFields = ['accessToken', 'appSecret', 'previousAppSecret'] as const

/** Meta repeats a malformed token in its error text; a failure is stored and shown, so no secret may be in it. */
export function withoutSecrets(text: string, { credentials }: ProviderConnection): string {
  const secrets = secretFields.flatMap((field) => credentials[field] || [])
  return secrets.reduce((masked, secret) => masked.replaceAll(secret, '***'), text)
}
