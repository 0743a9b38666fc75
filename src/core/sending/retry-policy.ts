/** What follows from the outcome of an attempt: pure, with time and chance passed in. */

import { type Failure, failureKind } from '../contract/failures.ts'
import type { SendOutcome } from '../contract/provider.ts'
import { type MessageState, rank } from './outgoing-message.ts'
import { firstLookMs, silenceMs } from './resolve-doubt.ts'

/** Waits after the 1st, 2nd, ... refusal of what was provably not sent. */
const retryScheduleMs = [5_000, 30_000, 120_000, 600_000, 3_600_000, 10_800_000]
/** Spread of a wait, so that what failed together does not come back together. */
const jitter = 0.2
const windowRetries = 2
/** A pair limit wants 4, 16, 64, ... seconds (developers.facebook.com, error code 131056). */
const pairLimitBaseMs = 4_000
const pairLimitMaxMs = 3_600_000

export interface AttemptFacts {
  /** How often the provider was called for it by now, or nearly so; claims that were given back do not count. */
  readonly calls: number
  readonly expiresAt: Date | undefined
  /** Can the provider be asked whether it took the message? */
  readonly canBeAsked?: boolean
  /** May an attempt before this one have been taken? */
  readonly wasInDoubt?: boolean
}

/** The message's state after an attempt. `dueAt` null = nothing is left to do. */
export interface NextState {
  readonly state: MessageState
  readonly statusRank: number
  readonly dueAt: Date | null
}

/**
 * Decides how a message goes on.
 * @param chance a number from 0 (inclusive) to 1 (exclusive)
 */
export function afterAttempt(facts: AttemptFacts, outcome: SendOutcome, now: Date, chance: number): NextState {
  if (outcome.outcome === 'accepted') return { state: 'accepted', statusRank: rank.accepted, dueAt: null }
  if (outcome.outcome === 'in_doubt') {
    const lookMs = facts.canBeAsked ? firstLookMs : silenceMs(outcome.failure)
    return { state: 'in_doubt', statusRank: rank.unclear, dueAt: new Date(now.getTime() + lookMs) }
  }
  if (isUnwanted(outcome.failure)) return facts.wasInDoubt ? notKnown : notSent
  if (!isWorthRetrying(outcome.failure, facts.calls)) return { state: 'failed', statusRank: rank.failed, dueAt: null }
  const { expiresAt } = facts
  if (expiresAt && expiresAt <= now) return { state: 'expired', statusRank: rank.unclear, dueAt: null }
  const dueAt = new Date(now.getTime() + waitMs(facts.calls, outcome.failure, chance))
  // Kept to the end of its usefulness even if no attempt is planned before it: what was refused may be mended.
  return { state: 'waiting', statusRank: rank.pending, dueAt: expiresAt && expiresAt < dueAt ? expiresAt : dueAt }
}

const notSent: NextState = { state: 'skipped', statusRank: rank.pending, dueAt: null }
const notKnown: NextState = { state: 'unknown', statusRank: rank.unclear, dueAt: null }

/** The recipient wants no such messages, and the provider was not even asked: without a code of its own. */
const isUnwanted = ({ code, vendorCode }: Failure): boolean =>
  code === 'recipient_opted_out' && vendorCode === undefined

/** Nothing was sent and nothing about the message is wrong, so the same message may be taken later. */
function isWorthRetrying(failure: Failure, calls: number): boolean {
  const kind = failureKind(failure.code)
  // It was called because the customer wrote: the vendor may come to know of that later than we do.
  if (kind.class === 'window') return failure.vendorCode !== undefined && calls <= windowRetries
  return kind.class === 'not_sent_retry' || kind.class === 'throttled' || kind.class === 'refused_account'
}

function waitMs(calls: number, failure: Failure, chance: number): number {
  const last = retryScheduleMs.length - 1
  const planned =
    failureKind(failure.code).scope === 'recipient'
      ? Math.min(pairLimitBaseMs * 4 ** (calls - 1), pairLimitMaxMs)
      : (retryScheduleMs[Math.min(calls - 1, last)] ?? 0)
  const spread = planned * (1 + jitter * (2 * chance - 1))
  return Math.max(spread, failure.retryAfterMs ?? 0)
}
