/** Counts, and their sums: pure. */

import { addHistograms, type Histogram } from './histogram.ts'

/** A whole number, or durations. */
export type Count = number | Histogram

/** What is counted of some messages: name -> count; nothing is 0. */
export type Facts = Record<string, Count>

/** Facts of messages that are alike: their dimensions, as a key -> facts. */
export type Cells = Record<string, Facts>

/** Adds facts, or takes them away; what comes to 0 is left out, so that equal counts are equal objects. */
export function addFacts(into: Facts, facts: Readonly<Facts>, times = 1): void {
  // Millions of times when all is counted anew: no list of entries is made.
  for (const name in facts) addCount(into, name, facts[name] ?? 0, times)
}

export function addCount(into: Facts, name: string, count: Count, times = 1): void {
  const sum = typeof count === 'number' ? numberIn(into, name) + count * times : sumOf(into[name], count, times)
  if (sum === 0 || (typeof sum !== 'number' && sum.length === 0)) delete into[name]
  else into[name] = sum
}

export const numberIn = (facts: Readonly<Facts>, name: string): number => {
  const count = facts[name]
  return typeof count === 'number' ? count : 0
}

export const histogramIn = (facts: Readonly<Facts>, name: string): Histogram => {
  const count = facts[name]
  return typeof count === 'object' ? count : []
}

const sumOf = (known: Count | undefined, count: Histogram, times: number): Histogram =>
  addHistograms(typeof known === 'object' ? known : [], count, times)

/** The same for cells. */
export function addCells(into: Cells, cells: Readonly<Cells>, times = 1): void {
  for (const key in cells) addToCell(into, key, cells[key] ?? {}, times)
}

export function addToCell(into: Cells, key: string, facts: Readonly<Facts>, times = 1): void {
  const cell = into[key]
  if (cell === undefined && times === 1) {
    if (!isEmpty(facts)) into[key] = { ...facts }
    return
  }
  const sum = cell ?? {}
  addFacts(sum, facts, times)
  if (isEmpty(sum)) delete into[key]
  else if (cell === undefined) into[key] = sum
}

export function isEmpty(of: Readonly<Facts> | Readonly<Cells>): boolean {
  for (const _ in of) return false
  return true
}
