/**
 * The vendor's words in our vocabulary: data, so that nothing else compares a code.
 * Fill in: a link to the vendor's page of error codes, and one to that of message statuses.
 */

import type { ReportStatus } from '../../src/core/contract/events.ts'
import type { FailureCode } from '../../src/core/contract/failures.ts'

// Fill in: each code of the vendor's page. What our words lead to stands in src/core/contract/failures.ts. The question
// is always: did the vendor provably not take the message? If that is not sure, it is `provider_error`.
const failures: ReadonlyMap<string, FailureCode> = new Map<string, FailureCode>([
  ['INVALID_KEY', 'credentials_invalid'],
  ['NO_BALANCE', 'billing_problem'],
  ['RATE_LIMITED', 'connection_throttled'],
  ['TOO_MANY_TO_RECIPIENT', 'recipient_throttled'],
  ['NO_WHATSAPP', 'recipient_unreachable'],
  ['TEMPLATE_NOT_FOUND', 'template_missing'],
  ['TEMPLATE_VARIABLES', 'template_parameters'],
  ['WINDOW_CLOSED', 'window_closed'],
  ['BAD_REQUEST', 'request_invalid'],
])

/** For answers whose code is absent or not known; the first that fits. */
const statusRules: readonly { readonly from: number; readonly to: number; readonly code: FailureCode }[] = [
  { from: 401, to: 401, code: 'credentials_invalid' },
  { from: 403, to: 403, code: 'permission_missing' },
  { from: 408, to: 408, code: 'provider_error' }, // a proxy's word: what was behind it is not known
  { from: 429, to: 429, code: 'connection_throttled' },
  { from: 400, to: 499, code: 'unknown_refusal' },
  { from: 500, to: 599, code: 'provider_error' },
]

/** What an answer without success means: by the vendor's code, else by its HTTP status. */
export const codeOfAnswer = (status: number, vendorCode: string | undefined): FailureCode =>
  failures.get(vendorCode ?? '') ??
  statusRules.find(({ from, to }) => status >= from && status <= to)?.code ??
  'answer_unreadable'

/** Why a message failed that had been taken. */
export const codeOfReport = (vendorCode: string | undefined): FailureCode =>
  failures.get(vendorCode ?? '') ?? 'unknown_refusal'

// Fill in: every status of the vendor's page. One that is not here is kept and changes nothing.
const statuses: ReadonlyMap<string, ReportStatus> = new Map<string, ReportStatus>([
  ['queued', 'accepted'],
  ['sent', 'sent'],
  ['delivered', 'delivered'],
  ['read', 'read'],
  ['failed', 'failed'],
])

/** What a status means; undefined for a word that is not known. */
export const meaningOf = (vendorStatus: string): ReportStatus | undefined => statuses.get(vendorStatus)
