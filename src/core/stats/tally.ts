/** Facts of one item of an answer, with their costs. */

import { addCount, addFacts, type Facts } from './cells.ts'
import { type ChargeKey, chargePrefix } from './count-message.ts'
import type { Prices } from './prices.ts'

export interface Tally {
  readonly facts: Facts
  /** Currency -> millionths. */
  readonly cost: Record<string, number>
  /** Messages that are charged, and of which no price is known. */
  unpriced: number
}

export const newTally = (): Tally => ({ facts: {}, cost: {}, unpriced: 0 })

export interface CostRules {
  readonly prices: Prices
  /** Price category of a template by its name, where it is known. */
  readonly categoryOf: (template: string) => string | undefined
}

/** What is neither told nor registered is most probably a notification. */
const usualCategory = 'utility'
const freeText = 'service'

/**
 * Adds facts of messages of one provider.
 * @param at when the messages were asked for, as exactly as prices can change
 */
export function addToTally(tally: Tally, facts: Readonly<Facts>, provider: string, at: Date, rules: CostRules): void {
  for (const [name, count] of Object.entries(facts)) {
    if (typeof count !== 'number') addCount(tally.facts, name, count)
    else if (name.startsWith(chargePrefix)) addCharge(tally, name, count, { provider, at }, rules)
    else if (name === 'amount') addCost(tally, rules.prices.reportedCurrency(provider), count)
    else addCount(tally.facts, name, count)
  }
}

function addCharge(
  tally: Tally,
  name: string,
  count: number,
  { provider, at }: { readonly provider: string; readonly at: Date },
  { prices, categoryOf }: CostRules,
): void {
  const [told, destination, template] = JSON.parse(name.slice(chargePrefix.length)) as ChargeKey
  const category = told ?? (template === null ? freeText : (categoryOf(template) ?? usualCategory))
  const price = prices.of({ provider, category, destination, at })
  if (!price) tally.unpriced += count
  else if (price.micros > 0) addCost(tally, price.currency, price.micros * count)
}

/** ISO 4217's word for no currency: that of a provider of which the price table says none. */
const noCurrency = 'XXX'

function addCost(tally: Tally, currency: string = noCurrency, micros = 0): void {
  tally.cost[currency] = (tally.cost[currency] ?? 0) + micros
}

export function addTally(into: Tally, tally: Tally): void {
  addFacts(into.facts, tally.facts)
  for (const [currency, micros] of Object.entries(tally.cost)) addCost(into, currency, micros)
  into.unpriced += tally.unpriced
}
