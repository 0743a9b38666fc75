/**
 * Recipients to whom something waits in the rows: what comes fresh must not overtake it. The rows themselves are the
 * truth (a claim passes over what stands behind another message); this only spares a fresh message the short way.
 */

export interface RecipientOrder {
  holdBack(recipient: string, nowMs: number, forMs: number): void
  isBehind(recipient: string, nowMs: number): boolean
}

/** A message that is due is looked for about every second; until it is claimed, others still stand behind it. */
const claimWithinMs = 5_000
/** Recipients who need not wait any more are forgotten when there are more than so many. */
const tidyAbove = 10_000

export function createRecipientOrder(): RecipientOrder {
  const untilMs = new Map<string, number>()
  let tidyAt = tidyAbove
  return {
    holdBack(recipient, nowMs, forMs) {
      untilMs.set(recipient, Math.max(untilMs.get(recipient) ?? 0, nowMs + forMs + claimWithinMs))
      if (untilMs.size <= tidyAt) return
      for (const [name, timeMs] of untilMs) if (timeMs <= nowMs) untilMs.delete(name)
      tidyAt = Math.max(tidyAbove, untilMs.size * 2)
    },
    isBehind: (recipient, nowMs) => (untilMs.get(recipient) ?? Number.NEGATIVE_INFINITY) > nowMs,
  }
}
