/** How fast each number may send: a token bucket, as a provider that forgives a moment and no more. */

import type { Account } from './inputs.ts'

/** Who sends steadily at the limit is never refused; a second's worth may come at once. */
const burstSeconds = 1

/** Tells for each message whether it comes too fast; those that do not, count. Numbers without a limit never do. */
export function createPaceLimits(): (account: Account, nowMs: number) => boolean {
  const buckets = new Map<string, { tokens: number; filledAtMs: number }>()
  return ({ phoneNumberId, messagesPerSecond }, nowMs) => {
    if (messagesPerSecond === undefined) return false
    const most = Math.max(1, messagesPerSecond * burstSeconds)
    const bucket = buckets.get(phoneNumberId) ?? { tokens: most, filledAtMs: nowMs }
    const tokens = Math.min(most, bucket.tokens + ((nowMs - bucket.filledAtMs) / 1_000) * messagesPerSecond)
    const isTooFast = tokens < 1
    buckets.set(phoneNumberId, { tokens: isTooFast ? tokens : tokens - 1, filledAtMs: nowMs })
    return isTooFast
  }
}
