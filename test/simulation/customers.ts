/** Recipients who write STOP, and what is promised to them from when it was applied. */

import { phoneOf } from './fakes/events.ts'
import type { Processes } from './processes.ts'
import type { Random } from './random.ts'
import { type Scheduler, world } from './scheduler.ts'
import type { Weather } from './weather.ts'

export interface Stop {
  readonly phone: string
  /** When a process knew that it was committed. */
  readonly appliedAt: Date
}

export interface CustomersDeps {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly weather: Weather
  readonly processes: Pick<Processes, 'any'>
}

const tellAgainMs = 5_000

export function createCustomers({ random, scheduler, weather, processes }: CustomersDeps) {
  const stops: Stop[] = []
  /** Told again until somebody has written it down, as a webhook is. */
  const tell = (phone: string, at: Date) => {
    const isApplied = () => stops.some((stop) => stop.phone === phone)
    processes.any()?.stop(phone, at, () => {
      if (!isApplied()) stops.push({ phone, appliedAt: scheduler.now() })
    })
    scheduler.after(tellAgainMs, 'STOP again', () => void (isApplied() || tell(phone, at)), world)
  }
  return {
    /** Plans who writes STOP, and when. */
    plan() {
      for (let number = 0; number < weather.stops; number++) {
        const phone = phoneOf(random.between(1, weather.recipients))
        const write = () => tell(phone, scheduler.now())
        scheduler.after(random.between(0, weather.spanMs), 'STOP', write, world)
      }
    },
    stops: (): readonly Stop[] => stops,
  }
}
