/** The price table of `config/prices.yaml`. */

import { z } from 'zod'
import { failWith, readYaml } from '../notifications/reason.ts'
import { destinationOfCountry } from './destination.ts'

/** Millionths of a unit of a currency. */
export interface Price {
  readonly micros: number
  readonly currency: string
}

export interface Prices {
  /**
   * What a message costs that its provider told no amount of.
   * @param destination country calling code; '' = none is known
   * @returns undefined where the table says nothing
   */
  of(charge: Charge): Price | undefined
  /** In which currency a provider's own amounts are. */
  reportedCurrency(provider: string): string | undefined
}

interface Charge {
  readonly provider: string
  readonly category: string
  readonly destination: string
  readonly at: Date
}

const other = 'other'
const micros = 1_000_000

const currency = z.string().regex(/^[A-Z]{3}$/, 'must be three capital letters, such as INR')
const tableSchema = z.strictObject({
  reportedCurrency: z.record(z.string(), currency).default({}),
  prices: z.array(
    z.strictObject({
      provider: z.string().min(1),
      category: z.string().min(1).toLowerCase(),
      destination: z.string().min(2),
      amount: z.number().min(0).refine(hasSixDecimals, 'has more than six decimals'),
      currency,
      validFrom: z.iso.date(),
    }),
  ),
})

type Row = z.infer<typeof tableSchema>['prices'][number]

function hasSixDecimals(amount: number): boolean {
  return Math.abs(amount * micros - Math.round(amount * micros)) < 1e-3
}

/** @throws {Error} that names every mistake in the file */
export function loadPrices(path: string): Prices {
  const table = readYaml(path, tableSchema)
  const problems = problemsOf(table.prices)
  if (problems.length > 0) failWith(path, problems)
  // The newest first: the first one that is valid counts.
  const sorted = table.prices.toSorted((a, b) => (a.validFrom < b.validFrom ? 1 : -1))
  const byKey = new Map<string, Row[]>()
  for (const row of sorted) {
    const key = keyOf(row.provider, row.category, codeOf(row.destination))
    byKey.set(key, [...(byKey.get(key) ?? []), row])
  }
  const valid = (key: string, at: Date) => byKey.get(key)?.find(({ validFrom }) => new Date(validFrom) <= at)
  return {
    of({ provider, category, destination, at }) {
      const name = category.toLowerCase()
      const row = valid(keyOf(provider, name, destination), at) ?? valid(keyOf(provider, name, other), at)
      return row && { micros: Math.round(row.amount * micros), currency: row.currency }
    },
    reportedCurrency: (provider) => table.reportedCurrency[provider],
  }
}

const keyOf = (provider: string, category: string, destination: string): string =>
  [provider, category, destination].join('\n')

const codeOf = (destination: string): string =>
  destination === other ? other : (destinationOfCountry(destination) ?? destination)

/** Countries that share a calling code cannot have prices of their own. */
function problemsOf(rows: readonly Row[]): string[] {
  const unknown = rows
    .filter(({ destination }) => destination !== other && destinationOfCountry(destination) === undefined)
    .map(({ destination }) => `destination ${destination} is no country and not \`other\``)
  const seen = new Set<string>()
  const repeated = rows.flatMap(({ provider, category, destination, validFrom }) => {
    const key = keyOf(provider, category, `${codeOf(destination)} ${validFrom}`)
    const isRepeated = seen.has(key)
    seen.add(key)
    return isRepeated
      ? [
          `${provider}, ${category}: two rows for ${destination} (calling code ${codeOf(destination)}) from ${validFrom}`,
        ]
      : []
  })
  return [...new Set([...unknown, ...repeated])]
}
