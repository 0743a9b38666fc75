/** What an answer of TWIN's says, common to all calls. */

import type { Failure } from '../../core/contract/failures.ts'
import type { HttpResult, ProviderConnection } from '../../core/contract/provider.ts'
import { retryAfterMs } from '../../core/contract/retry-after.ts'
import { defined, fieldOf, parseJson, textOf } from '../shared/read.ts'
import { secretsMask } from '../shared/secrets.ts'
import { ruleOfAnswer } from './codes.ts'
import { credentialFields } from './credentials.ts'

export type Answer = Extract<HttpResult, { kind: 'answer' }>

export const isSuccess = ({ status }: Answer): boolean => status >= 200 && status < 300

/** Longest text of the vendor's that is kept with a failure; cut only after the secrets are out of it. */
const maxDetail = 600

/** The failure that an answer without success stands for. */
export function failureOfAnswer({ status, headers, body }: Answer, connection: ProviderConnection): Failure {
  const rule = ruleOfAnswer(status)
  const words = wordsOf(parseJson(body))
  return defined({
    code: rule.code,
    detail: withoutSecrets(words ? `HTTP ${status}: ${words}` : `HTTP ${status}`, connection).slice(0, maxDetail),
    retryAfterMs: retryAfterMs(headers['retry-after'], new Date()) ?? rule.retryAfterMs,
  })
}

/**
 * `{"error": text | object, "details": anything}`. File, line and trace of an error are not for others, so of an
 * object only its message is taken.
 */
export function wordsOf(answer: unknown): string | undefined {
  const error = fieldOf(answer, 'error')
  const message = typeof error === 'object' ? textOf(error, 'message') : textOf(answer, 'error')
  const details = fieldOf(answer, 'details')
  const more = typeof details === 'string' ? details : details ? JSON.stringify(details) : undefined
  return [message, more].filter(Boolean).join(' ') || undefined
}

/** A failure is stored and shown, so no secret may be in it. */
export const withoutSecrets = secretsMask(credentialFields)
