/** When a provider is asked about a message that it took: pure. What it reports by itself is only a hint there. */

import { rank } from '../sending/outgoing-message.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'

/** What is waited for: the message's end, or what the customer's dialogue at the provider comes to. */
export type Awaited = 'status' | 'result'

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs

/** Times after the acceptance, and after the delivery. */
const schedules: Readonly<Record<Awaited, readonly number[]>> = {
  status: [30 * secondMs, 2 * minuteMs, 10 * minuteMs, 30 * minuteMs, 2 * hourMs, 6 * hourMs, 24 * hourMs, 48 * hourMs],
  result: [minuteMs, 3 * minuteMs, 10 * minuteMs, 30 * minuteMs, 2 * hourMs, 6 * hourMs, 12 * hourMs, 24 * hourMs],
}

/** Of a time, so that what was sent together is not asked for together for ever. */
const jitter = 0.1

/**
 * The next time to ask; undefined when the schedule is over.
 * @param chance from 0 (inclusive) to 1 (exclusive)
 */
export function nextPollAt(awaits: Awaited, since: Date, now: Date, chance: number): Date | undefined {
  const passedMs = now.getTime() - since.getTime()
  const next = schedules[awaits].find((afterMs) => afterMs > passedMs)
  return next === undefined ? undefined : new Date(since.getTime() + Math.max(next * (1 + jitter * chance), passedMs))
}

export interface PollCircumstances {
  /** Does the connection say what results of dialogues mean? */
  readonly hasResults: boolean
  /** The conversation has come to a decision, by whatever way. */
  readonly isDecided: boolean
}

/** What of a message is still to be asked for; undefined = nothing any more. */
export function awaitedOf(
  { statusRank, state, content }: Pick<OutgoingRecord, 'statusRank' | 'state' | 'content'>,
  { hasResults, isDecided }: PollCircumstances,
): Awaited | undefined {
  if (state !== 'accepted' || statusRank === rank.failed) return undefined
  if (statusRank < rank.failed) return 'status'
  const offersChoices = content?.type === 'template' && content.buttons.length > 0
  return hasResults && offersChoices && !isDecided ? 'result' : undefined
}
