/** What becomes of a send whose fate is not known: pure. Silence is evidence only while reports provably arrive. */

import type { Failure } from '../contract/failures.ts'
import type { LookUp } from '../contract/provider.ts'

export type DoubtPolicy = 'resend_once' | 'never'

export interface Doubt {
  /** When the doubted attempt began. */
  readonly attemptedAt: Date
  readonly failure: Pick<Failure, 'code' | 'vendorCode'>
  /** It was sent again once before. */
  readonly wasResent: boolean
  readonly expiresAt: Date | null
  /** How often the provider was asked before, and did not have it. */
  readonly absences?: number
}

export interface DoubtCircumstances {
  readonly now: Date
  readonly policy: DoubtPolicy
  /** Sends of this connection begun up to this time have been echoed. */
  readonly echoedUntil: Date | undefined
  /** What the provider says, where it can be asked; `absent` is its word that it would have found the message. */
  readonly lookUp?: LookUp
  /** What the shipment was reported as, where its end forbids that anything more is sent; e.g. `delivered`. */
  readonly endedAs?: string
}

export type DoubtDecision =
  | { readonly decision: 'wait'; readonly until: Date; readonly absences?: number }
  /** The provider has it. */
  | { readonly decision: 'taken'; readonly messageId: string }
  /** The provider provably never took it: it may be sent as if it had been refused. */
  | { readonly decision: 'not_sent' }
  /** The same, and there is no use in sending it any more. */
  | { readonly decision: 'not_needed'; readonly endedAs: string }
  | { readonly decision: 'resend' }
  | { readonly decision: 'unknown'; readonly why: string }

const minuteMs = 60_000
/** A vendor that names a passing fault of its own most probably took nothing; anything else deserves more patience. */
const silence = { vendorsOwnFault: 2 * minuteMs, other: 10 * minuteMs }
/** Where nothing shows within a day that reports arrive, it will not be known. */
const longestWaitMs = 24 * 60 * minuteMs
const lookAgainMs = 30_000

/** When the provider is asked, where it can be: after the attempt. Missing at all of them means not taken. */
const looksMs = [2 * minuteMs, 5 * minuteMs, 10 * minuteMs]
export const firstLookMs = 2 * minuteMs
const longestPauseMs = 60 * minuteMs

/** How long the silence must last, in milliseconds, before it means something. */
export const silenceMs = ({ code, vendorCode }: Pick<Failure, 'code' | 'vendorCode'>): number =>
  code === 'provider_error' && vendorCode ? silence.vendorsOwnFault : silence.other

/**
 * Decides about one doubt. The silence counts as kept when a send that began so much later was echoed meanwhile: the
 * reports of this one would have come as well.
 */
export function decideDoubt(doubt: Doubt, around: DoubtCircumstances): DoubtDecision {
  const { now, echoedUntil, lookUp } = around
  if (lookUp?.result === 'found') return { decision: 'taken', messageId: lookUp.messageId }
  if (lookUp?.result === 'absent') return afterAbsence(doubt, around)
  const quietUntil = new Date(doubt.attemptedAt.getTime() + silenceMs(doubt.failure))
  const isSilenceProved = echoedUntil !== undefined && echoedUntil >= quietUntil && now >= quietUntil
  if (isSilenceProved) return afterSilence(doubt, around)
  const givenUpAt = new Date(doubt.attemptedAt.getTime() + longestWaitMs)
  if (now >= givenUpAt) return { decision: 'unknown', why: 'nothing showed within a day that reports arrive' }
  if (lookUp) return { decision: 'wait', until: nextAsking(doubt, now) }
  return { decision: 'wait', until: new Date(Math.max(quietUntil.getTime(), now.getTime() + lookAgainMs)) }
}

function afterAbsence(doubt: Doubt, { now, endedAs }: DoubtCircumstances): DoubtDecision {
  const { attemptedAt, absences = 0 } = doubt
  const seen = absences + 1
  const nextMs = looksMs[seen]
  if (nextMs === undefined) return endedAs ? afterEnd(doubt, endedAs) : { decision: 'not_sent' }
  const until = Math.max(attemptedAt.getTime() + nextMs, now.getTime() + lookAgainMs)
  return { decision: 'wait', until: new Date(until), absences: seen }
}

/** Ever more rarely: what the provider did not know for long it will hardly know in a moment. */
function nextAsking({ attemptedAt }: Doubt, now: Date): Date {
  const passedMs = now.getTime() - attemptedAt.getTime()
  return new Date(now.getTime() + Math.min(Math.max(lookAgainMs, passedMs / 2), longestPauseMs))
}

/** Of one that was sent again only the last attempt is known not to have been taken. */
const afterEnd = ({ wasResent }: Doubt, endedAs: string): DoubtDecision =>
  wasResent
    ? { decision: 'unknown', why: `the shipment was reported as ${endedAs} before it could be sent again` }
    : { decision: 'not_needed', endedAs }

function afterSilence(doubt: Doubt, { policy, now, endedAs }: DoubtCircumstances): DoubtDecision {
  if (policy === 'never') return { decision: 'unknown', why: 'no report came; the account does not send again' }
  if (doubt.wasResent) return { decision: 'unknown', why: 'no report came, and it was sent again once already' }
  if (endedAs)
    return { decision: 'unknown', why: `no report came, and the shipment was reported as ${endedAs} meanwhile` }
  if (doubt.expiresAt && now >= doubt.expiresAt)
    return { decision: 'unknown', why: 'no report came while it was useful' }
  return { decision: 'resend' }
}
