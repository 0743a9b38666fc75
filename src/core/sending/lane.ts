/**
 * The lane of one connection: how many messages leave through it at once, and which come next. It holds nothing but
 * what is in flight; all that waits, waits in the rows.
 */

import type { Breaker } from './breaker.ts'
import type { ClaimedMessage } from './outgoing-message.ts'
import { recipientOf } from './outgoing-rows.ts'

export interface LaneDeps {
  readonly concurrency: number
  readonly breaker: Breaker
  /** Takes up to `limit` waiting messages, none of them to a busy recipient. */
  readonly claim: (limit: number, busyRecipients: ReadonlySet<string>) => Promise<ClaimedMessage[]>
  /** Sends one and records its outcome; must not reject. */
  readonly send: (message: ClaimedMessage) => Promise<void>
  readonly onError: (error: unknown) => void
}

/** A slot that was taken for a message before its row is written. */
export interface Reservation {
  /** The row is committed: send it. */
  start(message: ClaimedMessage): void
  /** There will be no such message. */
  release(): void
}

export interface Lane {
  /** Takes a slot, if a call to this recipient could start at once. */
  reserve(recipient: string): Reservation | undefined
  /** Something may be waiting in the rows: look. */
  wake(): void
  /** No new messages from now on; resolves when none is in flight. */
  drain(): Promise<void>
  inFlight(): number
}

export function createLane({ concurrency, breaker, claim, send, onError }: LaneDeps): Lane {
  const busy = new Set<string>()
  /** Claimed while their slot or recipient was given to a fresh message: they are next. */
  const held: ClaimedMessage[] = []
  let taken = 0
  let mayHaveMore = false
  let isRefilling = false
  let isDraining = false
  const onDrained: (() => void)[] = []

  const free = () => {
    const slots = isDraining || !breaker.allows() ? 0 : breaker.state() === 'closed' ? concurrency : 1
    return slots - taken - held.length
  }
  const isIdle = () => taken === 0 && held.length === 0 && !isRefilling

  const take = (recipient: string) => {
    taken++
    busy.add(recipient)
  }
  const give = (recipient: string) => {
    taken--
    busy.delete(recipient)
    startHeld()
    settleDrain()
    void refill()
  }
  const settleDrain = () => {
    if (isIdle()) for (const resolve of onDrained.splice(0)) resolve()
  }
  const run = (message: ClaimedMessage, recipient: string, onEnd = () => {}) =>
    void send(message)
      .catch(onError)
      .finally(() => {
        onEnd()
        give(recipient)
      })
  /** Others to the same recipient may have been left out of the claim until now. */
  const lookAgain = () => {
    mayHaveMore = true
  }

  const startHeld = () => {
    for (const message of held.splice(0)) {
      const recipient = recipientOf(message)
      if (taken >= concurrency || busy.has(recipient)) held.push(message)
      else {
        take(recipient)
        run(message, recipient, lookAgain)
      }
    }
  }

  /** Fills free slots from the rows, one look at a time. */
  const refill = async () => {
    if (!mayHaveMore || isRefilling || free() <= 0) return
    isRefilling = true
    mayHaveMore = false
    try {
      const wanted = free()
      const messages = await claim(wanted, busy)
      // A full helping means that there is probably more.
      if (messages.length >= wanted) mayHaveMore = true
      held.push(...messages)
      startHeld()
    } catch (error) {
      onError(error)
    } finally {
      isRefilling = false
      settleDrain()
    }
    if (mayHaveMore && free() > 0) setImmediate(() => void refill())
  }

  return {
    reserve(recipient) {
      if (free() <= 0 || busy.has(recipient)) return undefined
      take(recipient)
      return { start: (message) => run(message, recipient), release: () => give(recipient) }
    },
    wake() {
      mayHaveMore = true
      void refill()
    },
    drain() {
      isDraining = true
      return isIdle() ? Promise.resolve() : new Promise((resolve) => void onDrained.push(resolve))
    },
    inFlight: () => taken,
  }
}
