/** Do several things take the same class of time? Told by figures that a busy machine makes larger, but not unequal. */

import { expect } from 'chai'

/** What is measured, by its name; each is done once in every round. */
export type Measured = Readonly<Record<string, (round: number) => unknown>>

interface Spread {
  /** Milliseconds that a quarter, half and three quarters of the times stay below. */
  readonly quarter: number
  readonly median: number
  readonly threeQuarters: number
}

const maxFactor = 3
const maxTries = 5

/**
 * Measures in turns, in another order each round, so that whatever slows the machine slows all of them. Of each two the
 * medians must be within a factor of three, or the middle halves of their times must overlap. What is really unequal
 * stays so when it is measured again; what a neighbour made unequal does not.
 */
export async function expectSameTime(what: string, measured: Measured, rounds: number): Promise<void> {
  for (let tries = 1; ; tries++) {
    const spreads = await measure(measured, rounds)
    const unequal = unequalIn(spreads)
    if (unequal.length > 0 && tries < maxTries) continue
    const shown = Object.entries(spreads).map(([name, { median }]) => `${name} ${median.toFixed(3)}`)
    console.log(`      ${what}, median ms: ${shown.join(', ')}`)
    return void expect(unequal, what).to.deep.equal([])
  }
}

async function measure(measured: Measured, rounds: number): Promise<Record<string, Spread>> {
  const names = Object.keys(measured)
  const times = new Map<string, number[]>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let step = 0; step < names.length; step++) {
      const name = names[(round + step) % names.length] ?? ''
      const startedAt = performance.now()
      await measured[name]?.(round)
      times.get(name)?.push(performance.now() - startedAt)
    }
  }
  return Object.fromEntries([...times].map(([name, all]) => [name, spreadOf(all)]))
}

function spreadOf(times: readonly number[]): Spread {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
  return { quarter: at(0.25), median: at(0.5), threeQuarters: at(0.75) }
}

function unequalIn(spreads: Readonly<Record<string, Spread>>): string[] {
  const [[first, of] = ['', undefined], ...others] = Object.entries(spreads)
  return others.filter(([, other]) => of && !isSame(of, other)).map(([name]) => `${first} / ${name}`)
}

function isSame(one: Spread, other: Spread): boolean {
  const [less = 0, more = 0] = [one.median, other.median].sort((a, b) => a - b)
  return more <= less * maxFactor || (one.quarter <= other.threeQuarters && other.quarter <= one.threeQuarters)
}
