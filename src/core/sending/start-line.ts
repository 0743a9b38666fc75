/** Where messages that have their slot wait until the pace lets their call begin: milliseconds, in a busy lane. */

import type { ClaimedMessage } from './outgoing-message.ts'
import type { Pacer } from './pacer.ts'

export interface Starter {
  readonly message: ClaimedMessage
  readonly recipient: string
  /** The message is done with, whatever came of it. */
  readonly onEnd: () => void
}

export interface StartLine {
  push(starter: Starter): void
  /** Everybody who has not begun yet leaves. */
  clear(): Starter[]
}

export interface StartLineDeps {
  readonly pacer: Pick<Pacer, 'begin' | 'beginsAtMs'>
  /** Does anything else than the pace hold up the call? */
  readonly mayCall: () => boolean
  /** Starts the call; must not throw. */
  readonly begin: (starter: Starter) => void
  readonly nowMs: () => number
}

export function createStartLine({ pacer, mayCall, begin, nowMs }: StartLineDeps): StartLine {
  let waiting: Starter[] = []
  let timer: NodeJS.Timeout | undefined

  const beginAll = () => {
    clearTimeout(timer)
    for (let next = waiting[0]; next && mayCall() && pacer.begin(nowMs()); next = waiting[0]) {
      waiting.shift()
      begin(next)
    }
    if (waiting.length === 0) return
    timer = setTimeout(beginAll, Math.max(1, pacer.beginsAtMs(nowMs()) - nowMs()))
    timer.unref()
  }
  return {
    push(starter) {
      waiting.push(starter)
      if (waiting.length === 1) beginAll()
    },
    clear() {
      clearTimeout(timer)
      const left = waiting
      waiting = []
      return left
    },
  }
}
