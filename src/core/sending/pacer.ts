/**
 * How fast messages may leave: a token bucket per connection, a queue of times per recipient, and what the provider says
 * when it was still too fast. Pure machines on a clock that is passed in (milliseconds, monotonic).
 */

export interface Pacer {
  /** Takes up to `wanted` tokens; resolves with how many there were. */
  take(wanted: number, nowMs: number): number
  /** Gives back tokens that were not used. */
  giveBack(count: number): void
  /** When the next token is there; `nowMs` if it is there already. */
  nextAtMs(nowMs: number): number
  /** May a call begin now? If so, it counts. Tokens are taken before a claim, whose length varies; this is the call. */
  begin(nowMs: number): boolean
  /** When the next call may begin; `nowMs` if it may already. */
  beginsAtMs(nowMs: number): number
  /** Has the provider asked for silence that is not over yet? */
  isBlocked(nowMs: number): boolean
  /** The provider said that it was too fast: nothing for a while, and slower from then on. */
  slowDown(nowMs: number, retryAfterMs?: number): void
  /** Messages per second that this process may send now. */
  ratePerSecond(nowMs: number): number
}

/** The share of a second for which tokens are saved up: about the length of a claim on a busy machine. */
const burstSeconds = 0.1
/** The share of a second whose calls may begin together; less than the 5 % that a second may be overdrawn by. */
const togetherSeconds = 0.035
const defaultPauseMs = 1_000
/** After a throttling answer the pace is halved, but never below this share of what is configured. */
const leastShare = 0.05
/** How fast the pace comes back: by this share of the configured one each second without another such answer. */
const recoveryPerSecond = 0.05

/** @param ratePerSecond asked at every use, since limits and the number of replicas change */
export function createPacer(ratePerSecond: () => number, startMs: number): Pacer {
  let tokens = 1
  let filledAtMs = startMs
  let blockedUntilMs = startMs
  let share = 1
  let shareAtMs = startMs
  /** Calls that have begun and are not yet worked off by the passing of time. */
  let begun = 0
  let begunAtMs = startMs

  const currentShare = (nowMs: number) => {
    const recovered = (Math.max(0, nowMs - Math.max(shareAtMs, blockedUntilMs)) / 1_000) * recoveryPerSecond
    return Math.min(1, share + recovered)
  }
  const rate = (nowMs: number) => ratePerSecond() * currentShare(nowMs)
  const fill = (nowMs: number) => {
    const perSecond = rate(nowMs)
    const sinceMs = Math.max(0, nowMs - Math.max(filledAtMs, blockedUntilMs))
    tokens = Math.min(Math.max(1, perSecond * burstSeconds), tokens + (sinceMs / 1_000) * perSecond)
    filledAtMs = Math.max(filledAtMs, nowMs)
  }
  const workOff = (nowMs: number) => {
    begun = Math.max(0, begun - (Math.max(0, nowMs - begunAtMs) / 1_000) * rate(nowMs))
    begunAtMs = Math.max(begunAtMs, nowMs)
  }
  const togetherAt = (nowMs: number) => rate(nowMs) * togetherSeconds

  return {
    take(wanted, nowMs) {
      if (nowMs < blockedUntilMs) return 0
      fill(nowMs)
      const taken = Math.min(wanted, Math.floor(tokens + 1e-9))
      tokens -= taken
      return taken
    },
    giveBack(count) {
      tokens += count
    },
    nextAtMs(nowMs) {
      fill(nowMs)
      if (tokens >= 1) return Math.max(nowMs, blockedUntilMs)
      return Math.max(nowMs, blockedUntilMs) + Math.ceil(((1 - tokens) / rate(nowMs)) * 1_000)
    },
    begin(nowMs) {
      workOff(nowMs)
      if (nowMs < blockedUntilMs || begun > togetherAt(nowMs) + 1e-9) return false
      begun++
      return true
    },
    beginsAtMs(nowMs) {
      workOff(nowMs)
      const surplus = Math.max(0, begun - togetherAt(nowMs))
      return Math.max(blockedUntilMs, nowMs + Math.ceil((surplus / rate(nowMs)) * 1_000))
    },
    isBlocked: (nowMs) => nowMs < blockedUntilMs,
    slowDown(nowMs, retryAfterMs = defaultPauseMs) {
      // Answers to calls that were under way together are one piece of news.
      if (nowMs >= blockedUntilMs) {
        share = Math.max(leastShare, currentShare(nowMs) / 2)
        shareAtMs = nowMs
      }
      tokens = 0
      blockedUntilMs = Math.max(blockedUntilMs, nowMs + retryAfterMs)
    },
    ratePerSecond: rate,
  }
}

export interface RecipientPacer {
  /** May a message go to this recipient now? If so, it counts; if not, the recipient waits. */
  take(recipient: string, nowMs: number): boolean
  /** Recipients to whom no message may go now, with the time from which one may. */
  waiting(nowMs: number): ReadonlyMap<string, number>
}

export interface PairLimit {
  /** One message per so many milliseconds in the long run. */
  readonly everyMs: number
  /** So many may come at once, borrowed from the future. */
  readonly burst: number
}

/** Recipients whose time has passed are forgotten when there are more than so many. */
const tidyAbove = 10_000

/** Generic cell rate algorithm: per recipient only the theoretical time of the next message is kept. */
export function createRecipientPacer({ everyMs, burst }: PairLimit): RecipientPacer {
  const nextMs = new Map<string, number>()
  /** Recipients whose next message would be refused, with the time from which it will not be. */
  const exhausted = new Map<string, number>()
  const toleranceMs = everyMs * (burst - 1)
  let tidyAt = tidyAbove

  const tidy = (times: Map<string, number>, nowMs: number) => {
    for (const [recipient, timeMs] of times) if (timeMs <= nowMs) times.delete(recipient)
  }
  return {
    take(recipient, nowMs) {
      const next = Math.max(nextMs.get(recipient) ?? nowMs, nowMs)
      if (next - nowMs > toleranceMs) return false
      if (nextMs.size > tidyAt) {
        tidy(nextMs, nowMs)
        // Looked through again only when it has doubled: many recipients at once cost no more each.
        tidyAt = Math.max(tidyAbove, nextMs.size * 2)
      }
      nextMs.set(recipient, next + everyMs)
      // Known beforehand, since what was claimed from the rows is sent.
      if (next + everyMs - nowMs > toleranceMs) exhausted.set(recipient, next + everyMs - toleranceMs)
      return true
    },
    waiting(nowMs) {
      tidy(exhausted, nowMs)
      return exhausted
    },
  }
}
