/**
 * Calls of 360dialog's Messaging API and their errors, common to sending and checking.
 * https://docs.360dialog.com/docs/messaging-api/api-reference/messages
 */

import type { Failure } from '../../core/contract/failures.ts'
import type { HttpRequest, ProviderConnection } from '../../core/contract/provider.ts'
import { retryAfterMs } from '../../core/contract/retry-after.ts'
import type { Answer } from '../shared/answer.ts'
import { defined, listOf, parseJson, recordOf, textOf } from '../shared/read.ts'
import { secretsMask } from '../shared/secrets.ts'
import { failureOfError } from '../whatsapp/errors.ts'
import { ruleOfWords } from './codes.ts'
import { credentialFields } from './credentials.ts'

export const defaultBaseUrl = 'https://waba-v2.360dialog.io'

export interface ApiSettings {
  readonly baseUrl: string
}

export const apiSettings = (settings: Readonly<Record<string, string>>): ApiSettings => ({
  baseUrl: (settings.baseUrl || defaultBaseUrl).replace(/\/+$/, ''),
})

/** A call as the connection's number: its key, and nothing else, says which one that is. */
export const apiCall = (
  { baseUrl }: ApiSettings,
  { credentials }: ProviderConnection,
  { method, path, body }: Pick<HttpRequest, 'method'> & { readonly path: string; readonly body?: object },
): HttpRequest => ({
  method,
  url: `${baseUrl}${path}`,
  headers: { 'd360-api-key': credentials.apiKey ?? '', 'content-type': 'application/json' },
  ...defined({ body: body && JSON.stringify(body) }),
})

/** The failure that an answer without success stands for: by Meta's code if there is one, else by 360dialog's words. */
export function failureOfAnswer({ status, headers, body }: Answer, connection: ProviderConnection): Failure {
  const answer = parseJson(body)
  const error = recordOf(answer, 'error') ?? recordOf(recordOf(answer, 'detail'), 'error')
  const words = textOf(error, 'message') ?? wordsOf(answer)
  return failureOfError(error ?? { message: words && `HTTP ${status}: ${words}` }, {
    status,
    retryAfterMs: retryAfterMs(headers['retry-after'], new Date()),
    rule: ruleOfWords(status, words ?? ''),
    withoutSecrets: (text) => withoutSecrets(text, connection),
  })
}

/** `{"meta": {"developer_message", "details"}}`, `{"error": "…"}`, `{"message": "…"}`. */
function wordsOf(answer: unknown): string | undefined {
  const meta = recordOf(answer, 'meta')
  const details = listOf(meta, 'details').filter((detail) => typeof detail === 'string')
  const words = [textOf(meta, 'developer_message'), textOf(meta, 'details'), ...details]
  return [...words, textOf(answer, 'error'), textOf(answer, 'message')].filter(Boolean).join(' ') || undefined
}

export const withoutSecrets = secretsMask(credentialFields)
