/**
 * The lane of one connection: how many messages leave through it at once, how fast, and which come next. It holds
 * nothing but what is in flight; all that waits, waits in the rows.
 */

import type { Breaker } from './breaker.ts'
import type { ClaimedMessage } from './outgoing-message.ts'
import { recipientOf } from './outgoing-rows.ts'
import type { Pacer, RecipientPacer } from './pacer.ts'
import { createRecipientOrder } from './recipient-order.ts'
import { createStartLine, type Starter } from './start-line.ts'

export interface LaneDeps {
  /** Messages in flight at most; asked at every use. */
  readonly concurrency: () => number
  readonly breaker: Breaker
  readonly pacer: Pacer
  readonly recipients: RecipientPacer
  /** Takes up to `limit` waiting messages, none of them to one of these recipients. */
  readonly claim: (limit: number, excluded: ReadonlySet<string>) => Promise<ClaimedMessage[]>
  /** Puts claimed messages that were not called back among those that wait; must not reject. */
  readonly giveBack: (messages: readonly ClaimedMessage[]) => Promise<void>
  /** Calls the provider, says so when the answer is there, and records the outcome; must not reject. */
  readonly send: (message: ClaimedMessage, onAnswered: () => void) => Promise<void>
  readonly onError: (error: unknown) => void
  /** The process's monotonic clock. */
  readonly nowMs?: () => number
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
  /** Nothing could be sent for a while, so much may be waiting: it goes before what comes fresh. */
  resume(): void
  /** Nothing is taken while paused. */
  setPaused(isPaused: boolean): void
  /** What was claimed and whose call has not begun goes back to the rows. */
  clear(): void
  /** A message to this recipient waits in the rows for so long: fresh ones wait behind it. */
  holdBack(recipient: string, forMs: number): void
  /** No call begins from now on; resolves when none is in flight and what was claimed is back in the rows. */
  drain(): Promise<void>
  inFlight(): number
}

/** Outcomes that may wait to be stored, per slot: what a slow database holds up stays bounded. */
const unstoredPerSlot = 4

export function createLane(deps: LaneDeps): Lane {
  const { concurrency, breaker, pacer, recipients, claim, send, onError, nowMs = () => performance.now() } = deps
  const busy = new Set<string>()
  const order = createRecipientOrder()
  /** Claimed while their slot or recipient was given to a fresh message: they are next. */
  let held: ClaimedMessage[] = []
  /** Messages from their slot to their stored outcome, and those of them whose call is not answered yet. */
  let taken = 0
  let calls = 0
  /** Groups on their way back to the rows. */
  let returning = 0
  let mayHaveMore = false
  /** More waits than was claimed last: until that is over, nothing fresh takes the short way. */
  let hasBacklog = false
  let isRefilling = false
  let isPaused = false
  let isDraining = false
  let timer: NodeJS.Timeout | undefined
  const onDrained: (() => void)[] = []

  const mayCall = () => !isPaused && !isDraining && breaker.allows()
  /** Whether a call that has its slot begins soon; what is held up for longer goes back to the rows. */
  const beginsSoon = () => mayCall() && !pacer.isBlocked(nowMs())
  const free = () => {
    if (!mayCall()) return 0
    const slots = breaker.state() === 'closed' ? concurrency() : 1
    return Math.min(slots - calls, slots * unstoredPerSlot - taken) - held.length
  }
  const isIdle = () => taken === 0 && held.length === 0 && returning === 0 && !isRefilling

  const take = (recipient: string) => {
    taken++
    calls++
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

  const begin = ({ message, recipient, onEnd }: Starter) => {
    let isCalling = true
    const onAnswered = () => {
      if (isCalling) calls--
      isCalling = false
      startHeld()
      void refill()
    }
    void send(message, onAnswered)
      .catch(onError)
      .finally(() => {
        onAnswered()
        onEnd()
        give(recipient)
      })
  }
  const startLine = createStartLine({ pacer, mayCall, begin, nowMs })

  const start = (message: ClaimedMessage, recipient: string, onEnd = () => {}) => {
    startLine.push({ message, recipient, onEnd })
    if (!beginsSoon()) clear()
  }
  /** Others to the same recipient may have been left out of the claim until now. */
  const lookAgain = () => {
    mayHaveMore = true
  }

  const startHeld = () => {
    if (!beginsSoon()) return clear()
    const waiting = held
    held = []
    for (const message of waiting) {
      const recipient = recipientOf(message)
      if (calls >= concurrency() || busy.has(recipient)) held.push(message)
      else {
        take(recipient)
        start(message, recipient, lookAgain)
      }
    }
  }

  const clear = () => {
    const left = startLine.clear()
    const messages = [...held, ...left.map(({ message }) => message)]
    if (messages.length === 0) return
    held = []
    returning++
    void deps.giveBack(messages).finally(() => {
      returning--
      lookAgain()
      calls -= left.length
      for (const { recipient } of left) give(recipient)
      settleDrain()
    })
  }

  /** Looks again when the pace, or a recipient's own, allows it. */
  const lookAt = (timeMs: number) => {
    clearTimeout(timer)
    timer = setTimeout(
      () => {
        lookAgain()
        void refill()
      },
      Math.max(1, timeMs - nowMs()),
    )
    timer.unref()
  }

  /** Fills free slots from the rows, one look at a time. */
  const refill = async () => {
    if (!mayHaveMore || isRefilling || free() <= 0) return
    const tokens = pacer.take(free(), nowMs())
    if (tokens === 0) return lookAt(pacer.nextAtMs(nowMs()))
    isRefilling = true
    mayHaveMore = false
    let used = 0
    try {
      const paced = recipients.waiting(nowMs())
      const messages = await claim(tokens, new Set([...busy, ...paced.keys()]))
      used = messages.length
      hasBacklog = used >= tokens
      for (const message of messages) recipients.take(recipientOf(message), nowMs())
      // A full helping means that there is probably more.
      if (hasBacklog) mayHaveMore = true
      else if (paced.size > 0) lookAt(Math.min(...paced.values()))
      held.push(...messages)
      startHeld()
    } catch (error) {
      onError(error)
    } finally {
      pacer.giveBack(tokens - used)
      isRefilling = false
      settleDrain()
    }
    if (mayHaveMore && free() > 0) setImmediate(() => void refill())
  }

  /** Could a call to this recipient start at once, before nothing that waits? If so, its tokens are taken. */
  const isNext = (recipient: string): boolean => {
    const waitsForRows = mayHaveMore || hasBacklog || order.isBehind(recipient, nowMs())
    if (free() <= 0 || busy.has(recipient) || waitsForRows || pacer.take(1, nowMs()) === 0) return false
    const isAllowed = recipients.take(recipient, nowMs())
    if (!isAllowed) pacer.giveBack(1)
    return isAllowed
  }
  const wake = () => {
    lookAgain()
    void refill()
  }
  const resume = () => {
    hasBacklog = true
    wake()
  }

  return {
    reserve(recipient) {
      if (!isNext(recipient)) {
        // It will be written as waiting, and others to the same recipient must not overtake it.
        order.holdBack(recipient, nowMs(), 0)
        return undefined
      }
      take(recipient)
      const release = () => {
        calls--
        give(recipient)
      }
      return { start: (message) => start(message, recipient), release }
    },
    wake,
    resume,
    setPaused(paused) {
      const wasPaused = isPaused
      isPaused = paused
      if (paused) clear()
      else if (wasPaused) resume()
      else wake()
    },
    clear,
    holdBack: (recipient, forMs) => order.holdBack(recipient, nowMs(), forMs),
    drain() {
      isDraining = true
      clearTimeout(timer)
      clear()
      return isIdle() ? Promise.resolve() : new Promise((resolve) => void onDrained.push(resolve))
    },
    inFlight: () => taken,
  }
}
