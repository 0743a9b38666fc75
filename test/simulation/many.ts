/** Many seeds, one after the other. */

import type { Session } from '../../src/core/storage/sqlite/session.ts'
import type { MutantName } from './mutants.ts'
import { type Facts, type Played, play } from './world.ts'

export interface Many {
  readonly broken: readonly Played[]
  /** Sums over all seeds. */
  readonly facts: Facts
}

const nothing: Facts = {
  events: 0,
  accepted: 0,
  deaths: 0,
  doubts: 0,
  unknown: 0,
  possibleDuplicates: 0,
  acceptedTwice: 0,
  reports: 0,
  decidedByHand: 0,
  refusedForToken: 0,
  skipped: 0,
}

const sum = (a: Facts, b: Facts): Facts =>
  Object.fromEntries(
    Object.entries(a).map(([name, count]) => [name, count + b[name as keyof Facts]]),
  ) as unknown as Facts

export async function playMany(tables: Session, from: number, seeds: number): Promise<Many> {
  const broken: Played[] = []
  let facts = nothing
  for (let seed = from; seed < from + seeds; seed++) {
    const played = await play(tables, seed)
    facts = sum(facts, played.facts)
    if (played.violations.length > 0) broken.push(played)
  }
  return { broken, facts }
}

export const merged = (one: Many, other: Many): Many => ({
  broken: [...one.broken, ...other.broken],
  facts: sum(one.facts, other.facts),
})

/** Plays a mutant until it is caught; undefined when no seed did. */
export async function hunt(
  tables: Session,
  mutant: MutantName,
  from: number,
  seeds: number,
): Promise<Played | undefined> {
  for (let seed = from; seed < from + seeds; seed++) {
    const played = await play(tables, seed, { mutant })
    if (played.violations.length > 0) return played
  }
  return undefined
}
