/** What becomes of a send whose fate is not known: pure. Silence is evidence only while reports provably arrive. */

import type { Failure } from '../contract/failures.ts'

export type DoubtPolicy = 'resend_once' | 'never'

export interface Doubt {
  /** When the doubted attempt began. */
  readonly attemptedAt: Date
  readonly failure: Pick<Failure, 'code' | 'vendorCode'>
  /** It was sent again once before. */
  readonly wasResent: boolean
  readonly expiresAt: Date | null
}

export interface DoubtCircumstances {
  readonly now: Date
  readonly policy: DoubtPolicy
  /** Sends of this connection begun up to this time have been echoed. */
  readonly echoedUntil: Date | undefined
}

export type DoubtDecision =
  | { readonly decision: 'wait'; readonly until: Date }
  | { readonly decision: 'resend' }
  | { readonly decision: 'unknown'; readonly why: string }

const minuteMs = 60_000
/** A vendor that names a passing fault of its own most probably took nothing; anything else deserves more patience. */
const silence = { vendorsOwnFault: 2 * minuteMs, other: 10 * minuteMs }
/** Where nothing shows within a day that reports arrive, it will not be known. */
const longestWaitMs = 24 * 60 * minuteMs
const lookAgainMs = 30_000

/** How long the silence must last, in milliseconds, before it means something. */
export const silenceMs = ({ code, vendorCode }: Pick<Failure, 'code' | 'vendorCode'>): number =>
  code === 'provider_error' && vendorCode ? silence.vendorsOwnFault : silence.other

/**
 * Decides about one doubt. The silence counts as kept when a send that began so much later was echoed meanwhile: the
 * reports of this one would have come as well.
 */
export function decideDoubt(doubt: Doubt, { now, policy, echoedUntil }: DoubtCircumstances): DoubtDecision {
  const quietUntil = new Date(doubt.attemptedAt.getTime() + silenceMs(doubt.failure))
  const isSilenceProved = echoedUntil !== undefined && echoedUntil >= quietUntil && now >= quietUntil
  if (isSilenceProved) return afterSilence(doubt, policy, now)
  const givenUpAt = new Date(doubt.attemptedAt.getTime() + longestWaitMs)
  if (now >= givenUpAt) return { decision: 'unknown', why: 'nothing showed within a day that reports arrive' }
  return { decision: 'wait', until: new Date(Math.max(quietUntil.getTime(), now.getTime() + lookAgainMs)) }
}

function afterSilence(doubt: Doubt, policy: DoubtPolicy, now: Date): DoubtDecision {
  if (policy === 'never') return { decision: 'unknown', why: 'no report came; the account does not send again' }
  if (doubt.wasResent) return { decision: 'unknown', why: 'no report came, and it was sent again once already' }
  if (doubt.expiresAt && now >= doubt.expiresAt)
    return { decision: 'unknown', why: 'no report came while it was useful' }
  return { decision: 'resend' }
}
