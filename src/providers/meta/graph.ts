/** Calls of the Graph API and their errors, common to sending and checking. */

import type { Failure } from '../../core/contract/failures.ts'
import type { HttpRequest, ProviderConnection } from '../../core/contract/provider.ts'
import { retryAfterMs } from '../../core/contract/retry-after.ts'
import type { Answer } from '../shared/answer.ts'
import { parseJson, recordOf } from '../shared/read.ts'
import { secretsMask } from '../shared/secrets.ts'
import { failureOfError } from '../whatsapp/errors.ts'
import { credentialFields } from './credentials.ts'
import { defaultApiVersion, defaultBaseUrl } from './defaults.ts'

/** Where the Graph API is; the connection's own `apiVersion` goes before the one given here. */
export interface GraphSettings {
  readonly baseUrl: string
  readonly apiVersion: string
}

export const graphSettings = (settings: Readonly<Record<string, string>>): GraphSettings => ({
  baseUrl: (settings.baseUrl || defaultBaseUrl).replace(/\/+$/, ''),
  apiVersion: settings.apiVersion || defaultApiVersion,
})

export interface GraphCall {
  readonly method: 'GET' | 'POST'
  /** What follows the object's id, with its slash or question mark. */
  readonly path: string
  readonly body?: unknown
}

/** A call of an object, or of an edge of it, with the token in the header (a URL ends up in logs). */
export function graphCall(
  { baseUrl, apiVersion }: GraphSettings,
  { credentials }: ProviderConnection,
  objectId: string,
  call: GraphCall,
): HttpRequest {
  const version = encodeURIComponent(credentials.apiVersion || apiVersion)
  return {
    method: call.method,
    url: `${baseUrl}/${version}/${encodeURIComponent(objectId)}${call.path}`,
    headers: { authorization: `Bearer ${credentials.accessToken ?? ''}`, 'content-type': 'application/json' },
    ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
  }
}

/** A call of an edge of the connection's phone number. */
export const phoneNumberCall = (graph: GraphSettings, connection: ProviderConnection, call: GraphCall): HttpRequest =>
  graphCall(graph, connection, connection.credentials.phoneNumberId ?? '', call)

/** A call of an edge of the connection's WhatsApp Business Account. */
export const accountCall = (graph: GraphSettings, connection: ProviderConnection, call: GraphCall): HttpRequest =>
  graphCall(graph, connection, connection.credentials.wabaId ?? '', call)

/** The failure that an answer without success stands for. */
export const failureOfAnswer = ({ status, headers, body }: Answer, connection: ProviderConnection): Failure =>
  failureOfError(recordOf(parseJson(body), 'error'), {
    status,
    retryAfterMs: retryAfterMs(headers['retry-after'], new Date()),
    withoutSecrets: (text) => withoutSecrets(text, connection),
  })

/** Meta repeats a malformed token in its error text. */
export const withoutSecrets = secretsMask(credentialFields)
