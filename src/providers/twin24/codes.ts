/**
 * TWIN's answers and statuses in our vocabulary. TWIN has no documented error codes: the HTTP status decides, and its
 * words are kept. Statuses are compared by name; of the numbers only 2 and 6 are known, so none is ever relied on.
 */

import type { ReportStatus } from '../../core/contract/events.ts'
import type { FailureCode } from '../../core/contract/failures.ts'

export interface AnswerRule {
  readonly code: FailureCode
  /** How long to wait when the answer does not say. */
  readonly retryAfterMs?: number
}

/** The first that fits; anything else cannot be read as an answer. */
const answerRules: readonly { readonly from: number; readonly to: number; readonly rule: AnswerRule }[] = [
  { from: 401, to: 401, rule: { code: 'credentials_invalid' } },
  { from: 402, to: 402, rule: { code: 'billing_problem' } }, // inferred from the number's meaning
  { from: 403, to: 403, rule: { code: 'permission_missing' } },
  { from: 408, to: 408, rule: { code: 'provider_error' } }, // a proxy's word: what was behind it is not known
  { from: 429, to: 429, rule: { code: 'connection_throttled', retryAfterMs: 30_000 } },
  { from: 400, to: 400, rule: { code: 'request_invalid' } },
  { from: 404, to: 405, rule: { code: 'request_invalid' } },
  { from: 422, to: 422, rule: { code: 'request_invalid' } },
  { from: 400, to: 499, rule: { code: 'unknown_refusal' } },
  { from: 500, to: 599, rule: { code: 'provider_error' } },
]

/** What an HTTP status other than 2xx says of a call. */
export const ruleOfAnswer = (status: number): AnswerRule =>
  answerRules.find(({ from, to }) => status >= from && status <= to)?.rule ?? { code: 'answer_unreadable' }

/** What the same says of a login, after which nothing has been sent for sure. */
export const loginRules: Readonly<Partial<Record<FailureCode, FailureCode>>> = {
  request_invalid: 'credentials_invalid',
  permission_missing: 'credentials_invalid',
  unknown_refusal: 'credentials_invalid',
  provider_error: 'provider_busy',
  answer_unreadable: 'provider_busy',
}

const statuses: ReadonlyMap<string, ReportStatus> = new Map<string, ReportStatus>([
  ['CREATED', 'accepted'],
  ['PENDING', 'accepted'],
  ['DELAYED', 'accepted'],
  ['PAUSED', 'accepted'],
  ['SENT', 'sent'], // inferred: only `sentAt` was seen
  ['DELIVERED', 'delivered'],
  ['READ', 'delivered'], // never seen for notifications: no promise of read receipts, but it arrived
  ['UNDELIVERED', 'failed'],
  ['ERROR', 'failed'],
  ['EXPIRED', 'failed'], // spelling inferred from "status becomes Expired"
])

/** What a status means; undefined for a word that is not known. */
export const meaningOf = (vendorStatus: string): ReportStatus | undefined => statuses.get(vendorStatus.toUpperCase())

const failures: ReadonlyMap<string, FailureCode> = new Map<string, FailureCode>([
  ['UNDELIVERED', 'recipient_unreachable'],
  ['EXPIRED', 'recipient_unreachable'],
])

/** Why a message failed, as far as its status tells. */
export const failureOfStatus = (vendorStatus: string): FailureCode =>
  failures.get(vendorStatus.toUpperCase()) ?? 'unknown_refusal'
