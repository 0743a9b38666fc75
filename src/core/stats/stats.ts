/** The answer of `GET /v1/stats`: from sums that were made before, so that it depends little on how many messages there are. */

import type { Database } from '../storage/database.ts'
import type { Facts } from './cells.ts'
import type { Prices } from './prices.ts'
import { type Filters, type Question, QuestionError, type RawQuestion, readQuestion } from './question.ts'
import { readSums } from './read-sums.ts'
import { type Dimension, type Dimensions, parseCellKey, type Scope, scopeFor, scopes } from './scopes.ts'
import { slotStart } from './slots.ts'
import { readState } from './stats-state.ts'
import { tallyView } from './stats-view.ts'
import { addTally, addToTally, newTally, type Tally } from './tally.ts'
import {
  anyConnection,
  type Categories,
  createTemplateCategories,
  type TemplateCategories,
} from './template-categories.ts'

export interface StatsDeps {
  readonly database: Database
  readonly prices: Prices
  readonly settings: (accountId: number) => Promise<{ readonly timezone: string }>
  readonly now: () => Date
}

export interface Stats {
  /** @throws {QuestionError} where it cannot be answered */
  ask(question: RawQuestion): Promise<object>
}

const maxItems = 10_000

export function createStats(deps: StatsDeps): Stats {
  const { database, settings, now } = deps
  const categories = createTemplateCategories(database)
  return {
    async ask(raw) {
      const usualZone = raw.accountId === undefined ? 'UTC' : (await settings(raw.accountId)).timezone
      const question = readQuestion(raw, usualZone, now())
      const { countedUntil } = await readState(database, now())
      const items = await itemsOf({ ...deps, categories }, question)
      const totals = newTally()
      for (const { tally } of items) addTally(totals, tally)
      return {
        from: slotStart(question.from),
        to: slotStart(question.to),
        timezone: question.timezone,
        items: items.map(({ labels, tally }) => ({ ...labels, ...tallyView(tally) })),
        totals: tallyView(totals),
        countedUntil,
      }
    },
  }
}

interface Item {
  readonly labels: Readonly<Record<string, unknown>>
  readonly tally: Tally
}

interface ItemsDeps extends StatsDeps {
  readonly categories: TemplateCategories
}

async function itemsOf({ database, prices, categories }: ItemsDeps, question: Question): Promise<Item[]> {
  const scope = scopeOf(question)
  const dimensionsOf = cellReader(scope)
  const items = new Map<string, Item>()
  const known = new Map<string, Categories>()
  for await (const { account, period, at, cells } of readSums(database, scope, question)) {
    const fitting = Object.entries(cells)
      .map(
        ([key, facts]): Part => ({ of: { ...dimensionsOf(key), ...(scope === 'account' ? { account } : {}) }, facts }),
      )
      .filter(({ of }) => fits(of, question.filters))
    const missing = new Set(fitting.flatMap((part) => connectionOf(part) ?? []).filter((id) => !known.has(id)))
    for (const [id, found] of await categories.of([...missing])) known.set(id, found)
    for (const part of fitting) {
      const { tally } = itemFor(items, question, period.label, part.of)
      const categoryOf = (template: string) => known.get(connectionOf(part) ?? '')?.get(template)
      addToTally(tally, part.facts, part.of.provider ?? '', at, { prices, categoryOf })
    }
  }
  if (question.by.length === 0 && question.unit === undefined && items.size === 0)
    return [{ labels: {}, tally: newTally() }]
  return [...items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item)
}

interface Part {
  readonly of: Partial<Dimensions>
  readonly facts: Facts
}

/** Null = none; what was charged went through one, which not every scope knows. */
const connectionOf = ({ of }: Part): string | null => (of.connection === undefined ? anyConnection : of.connection)

/** Sums of one account know everything of it, and are few. */
function scopeOf({ accountId, by, filters }: Question): Scope {
  if (accountId !== undefined) return 'account'
  return scopeFor([...by, ...(Object.keys(filters) as Dimension[])])
}

/** The same few keys stand in every sum. */
function cellReader(scope: Scope): (key: string) => Partial<Dimensions> {
  const known = new Map<string, Partial<Dimensions>>()
  return (key) => {
    const found = known.get(key) ?? parseCellKey(key, scopes[scope])
    known.set(key, found)
    return found
  }
}

const fits = (of: Partial<Dimensions>, filters: Filters): boolean =>
  Object.entries(filters).every(([name, wanted]) => of[name as Dimension] === wanted)

function itemFor(
  items: Map<string, Item>,
  { by, unit }: Question,
  label: string | undefined,
  of: Partial<Dimensions>,
): Item {
  const key = JSON.stringify([label, ...by.map((name) => of[name])])
  const found = items.get(key)
  if (found) return found
  if (items.size === maxItems)
    throw new QuestionError('by', `more than ${maxItems} items: ask for fewer dimensions or less time`)
  const labels = {
    ...(unit === undefined ? {} : { [unit]: label }),
    ...Object.fromEntries(by.map((name) => [name, of[name] ?? null])),
  }
  const item = { labels, tally: newTally() }
  items.set(key, item)
  return item
}
