import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { destinationOf } from '../../src/core/stats/destination.ts'
import { loadPrices, type Prices } from '../../src/core/stats/prices.ts'
import { tallyView } from '../../src/core/stats/stats-view.ts'
import { addToTally, newTally } from '../../src/core/stats/tally.ts'
import { configDir } from '../../src/paths.ts'

describe('the price table', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fdr-prices-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const table = (text: string): Prices => {
    const path = join(folder, 'prices.yaml')
    writeFileSync(path, text)
    return loadPrices(path)
  }
  const row = (destination: string, amount: number, validFrom = '2026-01-01') =>
    `  - { provider: meta, category: utility, destination: ${destination}, amount: ${amount}, currency: INR, validFrom: ${validFrom} }`
  const at = new Date('2026-11-20T10:00:00Z')
  const utility = { provider: 'meta', category: 'UTILITY', destination: '91', at }

  it('knows a country before all others', () => {
    const prices = table(['prices:', row('other', 0.7), row('IN', 0.115)].join('\n'))
    expect(prices.of(utility)).to.deep.equal({ micros: 115_000, currency: 'INR' })
    expect(prices.of({ ...utility, destination: '34' })).to.deep.equal({ micros: 700_000, currency: 'INR' })
    expect(prices.of({ ...utility, destination: '' })?.micros).to.equal(700_000)
  })

  it('says nothing of another provider, another category and the time before', () => {
    const prices = table(['prices:', row('other', 0.7)].join('\n'))
    expect(prices.of({ ...utility, provider: 'twin24' })).to.equal(undefined)
    expect(prices.of({ ...utility, category: 'marketing' })).to.equal(undefined)
    expect(prices.of({ ...utility, at: new Date('2025-12-31T23:30:00Z') })).to.equal(undefined)
  })

  it('changes at midnight of the day from which a price is valid', () => {
    const prices = table(['prices:', row('IN', 2, '2026-11-21'), row('IN', 1), row('IN', 3, '2026-12-01')].join('\n'))
    const microsAt = (time: string) => prices.of({ ...utility, at: new Date(time) })?.micros
    expect(microsAt('2026-11-20T23:30:00Z')).to.equal(1_000_000)
    expect(microsAt('2026-11-21T00:00:00Z')).to.equal(2_000_000)
  })

  it('names every mistake', () => {
    expect(() =>
      table(['prices:', row('IN', 1), row('IN', 2), row('XY', 1), row('US', 1), row('CA', 1)].join('\n')),
    ).to.throw(/destination XY is no country[\s\S]*two rows for IN[\s\S]*two rows for CA \(calling code 1\)/)
    expect(() => table(['prices:', row('IN', 0.0000001)].join('\n'))).to.throw(/more than six decimals/)
  })

  it('of this repository can be used', () => {
    const { micros } = loadPrices(join(configDir, 'prices.yaml')).of(utility) ?? { micros: 0 }
    expect(micros).to.be.greaterThan(0)
  })

  it('is asked for what no report priced, and the word of a report wins over the category of the template', () => {
    const prices = table(['reportedCurrency: { twin24: RUB }', 'prices:', row('IN', 0.115)].join('\n'))
    const rules = { prices, categoryOf: (template: string) => (template === 'sale' ? 'marketing' : undefined) }
    const tally = newTally()
    const charged = (...key: (string | null)[]) => ({ [`charged:${JSON.stringify(key)}`]: 1 })
    addToTally(tally, charged('utility', '91', null), 'meta', at, rules)
    addToTally(tally, charged(null, '91', 'fdr_payment_issue'), 'meta', at, rules)
    addToTally(tally, charged(null, '91', 'sale'), 'meta', at, rules)
    addToTally(tally, charged('utility', '91', 'sale'), 'meta', at, rules)
    addToTally(tally, { amount: 2_500_001 }, 'twin24', at, rules)
    addToTally(tally, { amount: 7 }, 'other', at, rules)
    expect(tallyView(tally)).to.deep.include({
      cost: { INR: '0.345000', RUB: '2.500001', XXX: '0.000007' },
      unpriced: 1,
    })
  })
})

describe('the destination of a phone number', () => {
  it('is its calling code', () => {
    const codes = ['+919810012345', '+34612345678', '+12025550123', '+97714123456', '919810012345', '', null].map(
      destinationOf,
    )
    expect(codes).to.deep.equal(['91', '34', '1', '977', '', '', ''])
  })
})
