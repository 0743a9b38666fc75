/**
 * WhatsApp's error codes in our vocabulary: Meta's, whichever host of the API passes them on. The code decides, not the
 * HTTP status: permanent refusals come with 500 and passing ones with 400; asynchronous `failed` reports carry the same
 * codes and no status at all.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
 * https://developers.facebook.com/docs/graph-api/guides/error-handling
 */

import type { FailureCode } from '../../core/contract/failures.ts'

export interface CodeRule {
  readonly code: FailureCode
  /** Meta itself calls the fault passing. */
  readonly transient?: true
  /** How long to wait when Meta's documentation says so and the answer does not. */
  readonly retryAfterMs?: number
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs

const passing: CodeRule = { code: 'provider_error', transient: true }

/** Keys are codes, or `code/subcode` where the subcode changes the meaning. */
const rules: Readonly<Record<string, CodeRule>> = {
  // Account and permissions
  '0': { code: 'credentials_invalid' },
  '3': { code: 'permission_missing' }, // comes with HTTP 500
  '10': { code: 'permission_missing' },
  '33': { code: 'sender_not_registered' },
  '100/33': { code: 'permission_missing' }, // no such phone number id, or the token may not use it
  '104': { code: 'credentials_invalid' },
  '190': { code: 'credentials_invalid' },
  '368': { code: 'account_restricted' },
  '131005': { code: 'permission_missing' },
  '131031': { code: 'account_restricted' },
  '131037': { code: 'permission_missing' }, // display name not approved
  '131042': { code: 'billing_problem' },
  '131045': { code: 'sender_not_registered' }, // comes with HTTP 500
  '133010': { code: 'sender_not_registered' },
  '134011': { code: 'account_restricted' },

  // Pace
  '4': { code: 'connection_throttled' },
  '17': { code: 'connection_throttled' },
  '341': { code: 'connection_throttled' },
  '613': { code: 'connection_throttled' },
  '80007': { code: 'connection_throttled' },
  '130429': { code: 'connection_throttled' },
  '131048': { code: 'connection_throttled', retryAfterMs: hourMs }, // quality of the number; lifts by itself
  '131056': { code: 'recipient_throttled' },
  '131064': { code: 'connection_throttled', retryAfterMs: hourMs }, // mis-categorised templates; lifts by itself

  // Faults of Meta's own
  '1': passing,
  '2': passing,
  '131000': passing,
  '131016': passing,
  '131057': { ...passing, retryAfterMs: minuteMs }, // number is being upgraded
  '133004': passing,
  '134101': { code: 'provider_busy', retryAfterMs: 10 * minuteMs }, // template still being synchronised

  // Recipient
  '130403': { code: 'recipient_not_allowed' }, // blocked by the business
  '130472': { code: 'recipient_limit' }, // in Meta's marketing experiment
  '130497': { code: 'recipient_not_allowed' }, // country
  '131021': { code: 'recipient_not_allowed' }, // sender is recipient
  '131026': { code: 'recipient_unreachable' },
  '131030': { code: 'recipient_not_allowed' }, // not on the test number's list
  '131049': { code: 'recipient_limit' },
  '131050': { code: 'recipient_opted_out' },
  '131062': { code: 'recipient_not_allowed' }, // this kind needs a phone, not a user id
  '137000': { code: 'recipient_not_allowed' }, // identity changed

  // Template
  '131063': { code: 'template_paused' }, // marketing templates switched off
  '132000': { code: 'template_parameters' },
  '132001': { code: 'template_missing' },
  '132005': { code: 'template_parameters' },
  '132007': { code: 'content_refused' },
  '132008': { code: 'template_parameters' },
  '132012': { code: 'template_parameters' },
  '132015': { code: 'template_paused' },
  '132016': { code: 'template_paused' },
  '132018': { code: 'template_parameters' },
  '132068': { code: 'template_paused' },
  '132069': { code: 'template_paused' },
  '134102': { code: 'template_missing' },

  // This message
  '100': { code: 'request_invalid' },
  '131008': { code: 'request_invalid' },
  '131009': { code: 'request_invalid' },
  '131014': { code: 'media_unavailable' },
  '131047': { code: 'window_closed' },
  '131051': { code: 'request_invalid' },
  '131052': { code: 'media_unavailable' },
  '131053': { code: 'media_unavailable' },
  '131055': { code: 'request_invalid' },
  '134100': { code: 'request_invalid' },
  '135000': { code: 'request_invalid' },
  '1752041': { code: 'request_invalid' },
}

/** Whole ranges, for codes that the table does not name. */
const ranges: readonly { readonly from: number; readonly to: number; readonly rule: CodeRule }[] = [
  { from: 200, to: 299, rule: { code: 'permission_missing' } },
]

/** For answers whose code is absent or unknown; the first that fits. Anything else cannot be read as an answer. */
const statusRules: readonly { readonly from: number; readonly to: number; readonly rule: CodeRule }[] = [
  { from: 408, to: 408, rule: { code: 'provider_error' } }, // a proxy's word: what was behind it is not known
  { from: 429, to: 429, rule: { code: 'connection_throttled' } },
  { from: 400, to: 499, rule: { code: 'unknown_refusal' } },
  { from: 500, to: 599, rule: { code: 'provider_error' } },
]

/** In a report, 0 means that Meta gives no reason: the API call, and so the token, had been accepted. */
const reportRules: Readonly<Record<string, CodeRule>> = { '0': { code: 'unknown_refusal' } }

export interface VendorError {
  readonly code?: number
  readonly subcode?: number
  readonly isTransient?: boolean
}

/** What a code means. Undefined when it is not known here. */
export function ruleOfCode({ code, subcode }: VendorError): CodeRule | undefined {
  if (code === undefined) return undefined
  return (
    ownRule(rules, `${code}/${subcode}`) ??
    ownRule(rules, String(code)) ??
    ranges.find(({ from, to }) => code >= from && code <= to)?.rule
  )
}

/** What an answer to a call means: by its code, else by Meta's `is_transient`, else by its HTTP status. */
export function ruleOfAnswer(status: number, error: VendorError): CodeRule {
  const known = ruleOfCode(error)
  if (known) return known
  if (error.isTransient) return passing
  return statusRules.find(({ from, to }) => status >= from && status <= to)?.rule ?? { code: 'answer_unreadable' }
}

/** What the error of a `failed` report means. */
export const ruleOfReport = (error: VendorError): CodeRule =>
  ownRule(reportRules, String(error.code)) ?? ruleOfCode(error) ?? { code: 'unknown_refusal' }

/** Every code of the table, as `code` or `code/subcode`. */
export const knownCodes: readonly string[] = Object.keys(rules)

const ownRule = (table: Readonly<Record<string, CodeRule>>, key: string): CodeRule | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined
