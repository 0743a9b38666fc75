/** Shows things one by one, at the pace of a reader. */

import type { Moment } from './moments.ts'

/** Something that waits to be shown; `at` is when it happened, milliseconds since the epoch. */
export interface Waiting {
  readonly moment: Moment
  readonly at: number
}

export interface Pacer {
  add(moment: Moment): void
  isDone(): boolean
  stop(): void
}

/** Between two things. */
const gapMs = 250
/** Things this close together have one cause: they are told in the order in which they follow from each other. */
const burstMs = 120
const lookEveryMs = 40

export function createPacer(show: (moment: Moment, at: number) => void): Pacer {
  let waiting: readonly Waiting[] = []
  let shownAt = 0
  const timer = setInterval(() => {
    const now = Date.now()
    const [first] = waiting
    if (!first || now - first.at < burstMs || now - shownAt < gapMs) return
    const next = nextOf(waiting) ?? first
    waiting = waiting.filter((other) => other !== next)
    shownAt = now
    show(next.moment, next.at)
  }, lookEveryMs)
  return {
    add(moment) {
      waiting = [...waiting, { moment, at: Date.now() }]
    },
    isDone: () => waiting.length === 0,
    stop: () => clearInterval(timer),
  }
}

/** The one of the oldest burst that the others follow from; the oldest of equals. Pure. */
export function nextOf(waiting: readonly Waiting[]): Waiting | undefined {
  const [first] = waiting
  const burst = waiting.filter(({ at }) => first && at - first.at < burstMs)
  return burst.reduce<Waiting | undefined>(
    (best, one) => (best && rankOf(best.moment) <= rankOf(one.moment) ? best : one),
    undefined,
  )
}

/** The customer acts, that is noted, the courier side is told, an answer is sent, its status is told. */
function rankOf(moment: Moment): number {
  switch (moment.kind) {
    case 'tap':
    case 'words':
      return 0
    case 'activity':
      return moment.event.response_data.from === moment.customer ? 1 : 4
    case 'ndr':
      return 2
    case 'message':
      return 3
    default:
      return 4
  }
}
