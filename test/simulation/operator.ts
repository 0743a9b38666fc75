/** Somebody who looks at messages whose fate is not known, and decides about each at most once. */

import { resolutions } from '../../src/core/sending/resolve-by-hand.ts'
import type { DatabaseServer } from './fakes/database.ts'
import type { Processes } from './processes.ts'
import type { Random } from './random.ts'
import type { Weather } from './weather.ts'

export interface Operator {
  /** Decides about one message, if there is one to decide about. */
  decides(): boolean
}

export interface OperatorDeps {
  readonly random: Random
  readonly weather: Weather
  readonly server: DatabaseServer
  readonly processes: Pick<Processes, 'any'>
}

const overlooks = 0.3

export function createOperator({ random, weather, server, processes }: OperatorDeps): Operator {
  const seen = new Set<number>()
  const next = () =>
    server
      .peek<{ id: number }>("SELECT id FROM wa_outgoing_messages WHERE state = 'unknown' ORDER BY id")
      .find(({ id }) => !seen.has(id))
  return {
    decides() {
      const found = weather.hasOperator ? next() : undefined
      if (!found) return false
      seen.add(found.id)
      if (!random.chance(overlooks)) processes.any()?.resolve(found.id, random.pick(resolutions))
      return true
    },
  }
}
