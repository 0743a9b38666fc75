/** An answer to a call, and what its failure makes of a send. */

import { type Failure, failureKind } from '../../core/contract/failures.ts'
import type { HttpResult, SendOutcome } from '../../core/contract/provider.ts'

export type Answer = Extract<HttpResult, { kind: 'answer' }>

export const isSuccess = ({ status }: Answer): boolean => status >= 200 && status < 300

/** A send that was not accepted: refused, or in doubt as the class of its failure says. */
export const failed = (failure: Failure): SendOutcome => ({
  outcome: failureKind(failure.code).class === 'in_doubt' ? 'in_doubt' : 'refused',
  failure,
})
