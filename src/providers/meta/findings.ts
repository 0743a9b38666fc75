/** How findings about a connection are put into words. */

import { type FailureCode, failureKind } from '../../core/contract/failures.ts'
import type { ConnectionCheck } from '../../core/contract/provider.ts'
import type { Asked } from './ask.ts'

export const good = (name: string, detail: string): ConnectionCheck => ({ name, ok: true, detail })

export const bad = (name: string, detail: string, fix: string): ConnectionCheck => ({ name, ok: false, detail, fix })

export const unreachable = (reason: string): ConnectionCheck =>
  bad(
    'reachable',
    `Meta could not be asked: ${reason}.`,
    'Check that this machine may call graph.facebook.com over HTTPS, then check again.',
  )

const advice: { readonly [C in FailureCode]?: string } = {
  credentials_invalid: 'Create a system user token that never expires and enter it here.',
  permission_missing: 'Assign the WhatsApp account to the system user with full control.',
  account_restricted: 'Open Account Quality in Meta Business Suite and follow what it asks for.',
  connection_throttled: 'Wait some minutes, then check again.',
}

const otherFix = "Check again later; if it stays, look at Meta's status page."

/** That a question was not answered says nothing more about the connection than Meta's own words do. */
export function unanswered(name: string, asked: Exclude<Asked, { readonly body: unknown }>): ConnectionCheck {
  if ('unreachable' in asked) return unreachable(asked.unreachable)
  const { code, vendorCode, detail } = asked.refused
  const said = [vendorCode && `code ${vendorCode}`, detail].filter(Boolean).join(': ')
  return bad(name, `${failureKind(code).text} Meta says: ${said}`, advice[code] ?? otherFix)
}
