/** Keeps sums small, however many texts clients make up: few of each kind keep their names, the rest is one: pure. */

import { createHash } from 'node:crypto'
import { addCount, addToCell, type Cells, type Facts } from './cells.ts'
import { type ChargeKey, chargePrefix } from './count-message.ts'
import { type Dimension, type Scope, scopes } from './scopes.ts'

/** What texts without a name of their own are counted under. */
const otherTexts = 'other'

/** Dimensions that others write as they like; the one first that is given up first where they make too many cells. */
const freeTexts = ['createdBy', 'template', 'reason'] as const
type FreeText = (typeof freeTexts)[number]

/** Different texts of a dimension in a sum. */
const mostTexts = 1_000
/** Cells of a sum, so that its row is far below what a statement may have. */
const mostCells = 3_000

/**
 * By dimension: only texts whose number is below it have a name. It only falls, so that what was added under a name or
 * without can be taken away the same way.
 */
export type Limits = Readonly<Partial<Record<FreeText, number>>>

export interface Crowd {
  readonly cells: Cells
  readonly limits: Limits
}

/** The same for a text always and everywhere: which texts keep their names does not depend on which came first. */
const numberOf = (text: string): number => createHash('sha256').update(text).digest().readUIntBE(0, 6)

/** Cells as they stand in a sum that has these limits. */
export function withLimits(cells: Cells, scope: Scope, limits: Limits): Cells {
  if (Object.keys(limits).length === 0) return cells
  const nameOf = namer(limits)
  const limited: Cells = {}
  for (const [key, facts] of Object.entries(cells))
    addToCell(limited, limitedKey(key, scope, nameOf), limitedFacts(facts, nameOf))
  return limited
}

/** Lowers the limits as far as these cells need. */
export function withoutCrowd({ cells, limits }: Crowd, scope: Scope): Crowd {
  let crowd: Crowd = { cells, limits }
  for (const text of freeTexts) {
    const numbers = namedNumbers(crowd.cells, scope, text)
    if (numbers.length > mostTexts) crowd = lowered(crowd, scope, text, numbers[mostTexts])
  }
  for (const text of freeTexts) if (isTooLarge(crowd.cells)) crowd = withFewerCells(crowd, scope, text)
  return crowd
}

const isTooLarge = (cells: Cells): boolean => Object.keys(cells).length > mostCells

function lowered({ cells, limits }: Crowd, scope: Scope, text: FreeText, limit: number | undefined): Crowd {
  if (limit === undefined) return { cells, limits }
  return { cells: withLimits(cells, scope, { [text]: limit }), limits: { ...limits, [text]: limit } }
}

/** As many names as fit. */
function withFewerCells(crowd: Crowd, scope: Scope, text: FreeText): Crowd {
  const numbers = namedNumbers(crowd.cells, scope, text)
  let [fits, tooMany] = [0, numbers.length]
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2)
    if (isTooLarge(lowered(crowd, scope, text, numbers[middle]).cells)) tooMany = middle
    else fits = middle
  }
  return lowered(crowd, scope, text, numbers[fits])
}

/** Numbers of the texts that have a name, in their order; none where they are too few to matter. */
function namedNumbers(cells: Cells, scope: Scope, text: FreeText): number[] {
  const charges =
    text === 'template' ? Object.values(cells).flatMap((facts) => Object.keys(facts).filter(isCharge)) : []
  const keys = Object.keys(cells)
  if (keys.length + charges.length <= mostTexts) return []
  const place = placeOf(scope, text)
  const texts = new Set<unknown>(charges.map((name) => chargeOf(name)[2]))
  if (place >= 0) for (const key of keys) texts.add((JSON.parse(key) as unknown[])[place])
  texts.delete(otherTexts)
  return [...texts].flatMap((name) => (typeof name === 'string' ? numberOf(name) : [])).sort((a, b) => a - b)
}

const placeOf = (scope: Scope, text: FreeText): number => (scopes[scope] as readonly Dimension[]).indexOf(text)

type NameOf = (text: FreeText, value: unknown) => unknown

function namer(limits: Limits): NameOf {
  const known = new Map<string, boolean>()
  return (text, value) => {
    const limit = limits[text]
    if (limit === undefined || typeof value !== 'string' || value === otherTexts) return value
    const key = `${text}/${value}`
    const isNamed = known.get(key) ?? numberOf(value) < limit
    known.set(key, isNamed)
    return isNamed ? value : otherTexts
  }
}

function limitedKey(key: string, scope: Scope, nameOf: NameOf): string {
  const values = JSON.parse(key) as unknown[]
  for (const text of freeTexts) {
    const place = placeOf(scope, text)
    if (place >= 0) values[place] = nameOf(text, values[place])
  }
  return JSON.stringify(values)
}

/** Templates stand in what is charged as well. */
function limitedFacts(facts: Facts, nameOf: NameOf): Facts {
  const limited: Facts = {}
  for (const [name, count] of Object.entries(facts))
    addCount(limited, isCharge(name) ? limitedCharge(name, nameOf) : name, count)
  return limited
}

function limitedCharge(name: string, nameOf: NameOf): string {
  const [category, destination, template] = chargeOf(name)
  return chargePrefix + JSON.stringify([category, destination, nameOf('template', template)])
}

const isCharge = (name: string): boolean => name.startsWith(chargePrefix)
const chargeOf = (name: string): ChargeKey => JSON.parse(name.slice(chargePrefix.length)) as ChargeKey
