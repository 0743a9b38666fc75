/** Calls of the vendor's API and what their answers say, common to sending and checking. */

import type { Failure } from '../../src/core/contract/failures.ts'
import type { HttpRequest, ProviderConnection } from '../../src/core/contract/provider.ts'
import { retryAfterMs } from '../../src/core/contract/retry-after.ts'
import type { Answer } from '../../src/providers/shared/answer.ts'
import { defined, parseJson, recordOf, textOf } from '../../src/providers/shared/read.ts'
import { secretsMask } from '../../src/providers/shared/secrets.ts'
import { codeOfAnswer } from './codes.ts'
import { credentialFields } from './credentials.ts'

// Fill in: where the API is when the environment names no other place.
export const defaultBaseUrl = 'https://api.example.com'

export interface CopyMeSettings {
  readonly baseUrl: string
}

export const copyMeSettings = ({ baseUrl }: Readonly<Record<string, string>>): CopyMeSettings => ({
  baseUrl: (baseUrl || defaultBaseUrl).replace(/\/+$/, ''),
})

/** A call with the key in a header: a URL ends up in logs. */
export const apiCall = (
  { baseUrl }: CopyMeSettings,
  { credentials }: ProviderConnection,
  call: { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: unknown },
): HttpRequest => ({
  method: call.method,
  url: `${baseUrl}${call.path}`,
  headers: { authorization: `Bearer ${credentials.apiKey ?? ''}`, 'content-type': 'application/json' },
  ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
})

/** Whatever the vendor says is stored and shown, so it goes through this first. */
export const withoutSecrets = secretsMask(credentialFields)

/** Longest text of the vendor's that is kept with a failure; cut only after the secrets are out of it. */
export const maxDetail = 600

/** The failure that an answer without success stands for. */
export function failureOfAnswer({ status, headers, body }: Answer, connection: ProviderConnection): Failure {
  // Fill in: where the vendor's own code and words stand in an error, e.g. {"error":{"code":"…","message":"…"}}.
  const error = recordOf(parseJson(body), 'error')
  const vendorCode = textOf(error, 'code')
  const words = textOf(error, 'message') ?? `HTTP ${status}`
  return defined({
    code: codeOfAnswer(status, vendorCode),
    vendorCode,
    detail: withoutSecrets(words, connection).slice(0, maxDetail),
    retryAfterMs: retryAfterMs(headers['retry-after'], new Date()),
  })
}
