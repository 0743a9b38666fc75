/** Chance that can be repeated: one stream per purpose, so that what one part draws cannot shift another's. */

import { createHash } from 'node:crypto'
import { createRandom } from '../../src/providers/simulator/random.ts'

export interface Chance {
  /** True with this probability. */
  isHit(probability: number): boolean
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number
  pick<T extends readonly unknown[]>(choices: T): T[number]
}

/** @param purpose names the stream */
export function createChance(seed: number, purpose: string): Chance {
  const random = createRandom(createHash('sha256').update(`${seed}/${purpose}`).digest().readUInt32LE())
  const between = (least: number, most: number) => least + Math.floor(random() * (most - least + 1))
  return {
    isHit: (probability) => random() < probability,
    between,
    pick: <T extends readonly unknown[]>(choices: T) => choices[between(0, choices.length - 1)] as T[number],
  }
}
