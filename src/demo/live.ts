/** What happens, as it happens: from the simulator's events and the gateway's activity stream, at a readable pace. */

import { setTimeout as sleep } from 'node:timers/promises'
import { digitsOf } from '../core/contract/address.ts'
import { businessPhone } from './furnish.ts'
import { activityMoment, type Moment, momentOf } from './moments.ts'
import { createPacer } from './pacer.ts'
import type { Stage } from './stage.ts'

export interface Live {
  /** Everything so far about a customer, oldest first. */
  of(customer: string): readonly Moment[]
  /** Resolves when everything that happens from now on is seen. */
  open(): Promise<void>
  add(moment: Moment): void
  /** Resolves with true once the condition holds and all is shown, with false when it does not within `ms`. */
  until(condition: () => boolean, ms: number): Promise<boolean>
  close(): void
}

const lookEveryMs = 50

/** @param show draws one moment; `at` is when it happened, milliseconds since the epoch */
export function createLive({ api, simulator }: Stage, show: (moment: Moment, at: number) => void): Live {
  const moments: Moment[] = []
  const pacer = createPacer(show)
  const end = new AbortController()

  const add = (moment: Moment): void => {
    moments.push(moment)
    pacer.add(moment)
  }
  const leave = simulator.subscribe((event) => {
    const moment = momentOf(event)
    if (moment) add(moment)
  })
  const close = (): void => {
    pacer.stop()
    leave()
    end.abort()
  }
  return {
    of: (customer) => moments.filter((moment) => moment.customer === customer),
    open: () => api.followActivity((event) => add(activityMoment(event, digitsOf(businessPhone))), end.signal),
    add,
    async until(condition, ms) {
      for (const deadline = Date.now() + ms; Date.now() < deadline; await sleep(lookEveryMs)) {
        if (pacer.isDone() && condition()) return true
      }
      return false
    },
    close,
  }
}
