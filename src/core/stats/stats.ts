/** The answer of `GET /v1/stats`: from sums that were made before, so that it depends little on how many messages there are. */

import type { Database } from '../storage/database.ts'
import type { Cells } from './cells.ts'
import type { Prices } from './prices.ts'
import { type Filters, type Question, QuestionError, type RawQuestion, readQuestion } from './question.ts'
import { readSums } from './read-sums.ts'
import { type Dimension, type Dimensions, parseCellKey, type Scope, scopeFor, scopes } from './scopes.ts'
import { slotStart } from './slots.ts'
import { readState } from './stats-state.ts'
import { tallyView } from './stats-view.ts'
import { addTally, addToTally, type CostRules, newTally, type Tally } from './tally.ts'

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
  return {
    async ask(raw) {
      const usualZone = raw.accountId === undefined ? 'UTC' : (await settings(raw.accountId)).timezone
      const question = readQuestion(raw, usualZone, now())
      const { countedUntil } = await readState(database, now())
      const items = await itemsOf(deps, question)
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

async function itemsOf({ database, prices }: StatsDeps, question: Question): Promise<Item[]> {
  const scope = scopeOf(question)
  const rules: CostRules = { prices, categoryOf: await templateCategories(database) }
  const dimensionsOf = cellReader(scope)
  const items = new Map<string, Item>()
  for await (const { account, period, at, cells } of readSums(database, scope, question)) {
    for (const [key, facts] of Object.entries(cells as Cells)) {
      const of = { ...dimensionsOf(key), ...(scope === 'account' ? { account } : {}) }
      if (!fits(of, question.filters)) continue
      const item = itemFor(items, question, period.label, of)
      addToTally(item.tally, facts, of.provider ?? '', at, rules)
    }
  }
  if (question.by.length === 0 && question.unit === undefined && items.size === 0)
    return [{ labels: {}, tally: newTally() }]
  return [...items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item)
}

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

/** As far as any connection's registry knows; reports of the provider win over it. */
async function templateCategories(database: Database): Promise<CostRules['categoryOf']> {
  const rows = await database.select<{ name: string; category: string }>(
    `SELECT template_name AS name, MAX(category) AS category FROM wa_templates
     WHERE category IS NOT NULL GROUP BY template_name`,
  )
  const categories = new Map(rows.map(({ name, category }) => [name, category.toLowerCase()]))
  return (template) => categories.get(template)
}
