/** Error objects of WhatsApp: in answers to calls, in reports and in webhooks they have one shape. */

import type { Failure } from '../../core/contract/failures.ts'
import { defined, fieldOf, recordOf, textOf } from '../shared/read.ts'
import { type CodeRule, ruleOfAnswer, ruleOfCode, type VendorError } from './codes.ts'

/** Longest text of a vendor's that is kept with a failure; cut only after the secrets are out of it. */
export const maxDetail = 600

/** What goes with every refused call, whoever words it. */
export interface Refusal {
  readonly status: number
  /** The wait that the answer asks for. */
  readonly retryAfterMs: number | undefined
  /** What the host itself means, where the error has no code that is known. */
  readonly rule?: CodeRule | undefined
  withoutSecrets(text: string): string
}

/** The failure that an error object, or none at all, stands for. */
export function failureOfError(error: unknown, { status, retryAfterMs, rule, withoutSecrets }: Refusal): Failure {
  const vendor = vendorErrorOf(error)
  return failureOf(ruleOfCode(vendor) ?? rule ?? ruleOfAnswer(status, vendor), {
    vendorCode: vendorCodeOf(vendor),
    detail: withoutSecrets(detailOf(error) ?? `HTTP ${status}`).slice(0, maxDetail),
    retryAfterMs,
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

/** The numbers of an error object. */
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

/** The words of an error; the trace id stands with them because Meta's support asks for it. */
export function detailOf(error: unknown): string | undefined {
  const words =
    textOf(recordOf(error, 'error_data'), 'details') ??
    textOf(error, 'error_data') ??
    textOf(error, 'message') ??
    textOf(error, 'title')
  const trace = textOf(error, 'fbtrace_id')
  return [trace && `[fbtrace_id ${trace}]`, words].filter(Boolean).join(' ') || undefined
}
