/** Where and when things go wrong: asked at every step, silent once the day is over. */

import type { Random } from './random.ts'
import type { Owner } from './scheduler.ts'
import type { Weather } from './weather.ts'

export interface Chaos {
  networkMs(): number
  databaseFailsBefore(): boolean
  databaseFailsAfter(): boolean
  databaseDeadlocks(): boolean
  /** A process has had an effect on somebody else and has not heard of it: it may die here, or stand still. */
  edge(owner: Owner, where: string): void
  /** Nothing goes wrong from now on. */
  calm(): void
  isCalm(): boolean
}

export interface ChaosDeps {
  readonly random: Random
  readonly weather: Weather
  readonly kill: (owner: Owner, where: string) => void
  readonly freeze: (owner: Owner) => void
}

export function createChaos({ random, weather, kill, freeze }: ChaosDeps): Chaos {
  let isCalm = false
  const happens = (probability: number) => !isCalm && random.chance(probability)
  return {
    networkMs: () => (random.chance(0.02) ? random.between(20, 400) : random.between(0, 4)),
    databaseFailsBefore: () => happens(weather.database.failsBefore),
    databaseFailsAfter: () => happens(weather.database.failsAfter),
    databaseDeadlocks: () => happens(weather.database.deadlocks),
    edge(owner, where) {
      if (happens(weather.diesAtEdge)) kill(owner, where)
      else if (happens(weather.freezesAtEdge)) freeze(owner)
    },
    calm: () => {
      isCalm = true
    },
    isCalm: () => isCalm,
  }
}
