/**
 * 360dialog's own refusals in our vocabulary. It gives them no codes: the words decide where one status has several
 * meanings, else the status. Meta's errors come through with Meta's codes (`../whatsapp/codes.ts`).
 * https://docs.360dialog.com/docs/support/api-error-message-list
 */

import type { CodeRule } from '../whatsapp/codes.ts'

interface WordRule {
  /** Only 4xx: with 5xx nobody knows what was done before. */
  readonly status: number
  /** In the answer's words, whatever their case; absent = any. */
  readonly says?: RegExp
  readonly rule: CodeRule
}

/** The first that fits. */
const wordRules: readonly WordRule[] = [
  { status: 400, says: /exceeded the endpoint rate limit/i, rule: { code: 'connection_throttled' } },
  { status: 400, says: /lack of payment/i, rule: { code: 'billing_problem' } },
  { status: 400, says: /api has been disabled/i, rule: { code: 'account_restricted' } },
  { status: 401, rule: { code: 'credentials_invalid' } },
  { status: 403, rule: { code: 'permission_missing' } }, // "The endpoint is blocked"
]

/** What 360dialog's own words mean with this status; undefined where the status alone says as much. */
export const ruleOfWords = (status: number, words: string): CodeRule | undefined =>
  wordRules.find((candidate) => candidate.status === status && (candidate.says?.test(words) ?? true))?.rule
