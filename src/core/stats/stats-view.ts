/** A tally as the API shows it: pure. */

import { type Facts, histogramIn, numberIn } from './cells.ts'
import { quantile } from './histogram.ts'
import type { Tally } from './tally.ts'

const plain = ['queued', 'accepted', 'sent', 'delivered', 'read', 'expired', 'unknown', 'replied'] as const

/** Counts, and what they are made of. */
export function tallyView({ facts, cost, unpriced }: Tally): object {
  const [failedBy, skippedBy, decidedBy] = [
    partsOf(facts, 'failed'),
    partsOf(facts, 'skipped'),
    partsOf(facts, 'decided'),
  ]
  return {
    ...Object.fromEntries(plain.map((name) => [name, numberIn(facts, name)])),
    failed: total(failedBy),
    failedBy,
    skipped: total(skippedBy),
    skippedBy,
    decided: total(decidedBy),
    decidedBy,
    savedDeliveries: numberIn(facts, 'saved'),
    timeToDelivery: timesOf(facts, 'delivery'),
    timeToDecision: timesOf(facts, 'decision'),
    cost: Object.fromEntries(
      Object.entries(cost)
        .sort()
        .map(([currency, micros]) => [currency, decimal(micros)]),
    ),
    unpriced,
  }
}

/** Facts named `<of>:<part>`, by part. */
function partsOf(facts: Facts, of: string): Record<string, number> {
  const prefix = `${of}:`
  const found = Object.keys(facts).filter((name) => name.startsWith(prefix))
  return Object.fromEntries(found.sort().map((name) => [name.slice(prefix.length), numberIn(facts, name)]))
}

const total = (parts: Readonly<Record<string, number>>): number =>
  Object.values(parts).reduce((sum, count) => sum + count, 0)

function timesOf(facts: Facts, of: string) {
  const histogram = histogramIn(facts, of)
  return { medianMs: quantile(histogram, 0.5), p95Ms: quantile(histogram, 0.95) }
}

/** Millionths as a decimal number, without a float in between. */
function decimal(micros: number): string {
  const digits = String(micros).padStart(7, '0')
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`
}
