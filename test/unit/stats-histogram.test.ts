import { expect } from 'chai'
import fc from 'fast-check'
import { binOf, quantile } from '../../src/core/stats/histogram.ts'

const binsOf = (durations: readonly number[]) => {
  const bins = new Map<number, number>()
  for (const ms of durations) bins.set(binOf(ms), (bins.get(binOf(ms)) ?? 0) + 1)
  return bins
}
/** The exact quantile, by the nearest rank. */
const exact = (durations: readonly number[], share: number) =>
  [...durations].sort((a, b) => a - b)[Math.ceil(durations.length * share) - 1] ?? Number.NaN

const durations = fc.array(fc.integer({ min: 1, max: 40 * 86_400_000 }), { minLength: 1, maxLength: 200 })

describe('durations in bins', () => {
  it('have a median and a 95th percentile that are at most 4.5 % (and half a millisecond) from the exact ones', () => {
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.95, 1), (all, share) => {
        const want = exact(all, share)
        expect(quantile(binsOf(all), share)).to.be.closeTo(want, want * 0.045 + 0.5)
      }),
    )
  })

  it('of parts, added up, are those of the whole', () => {
    fc.assert(
      fc.property(durations, durations, (some, others) => {
        const merged = binsOf(some)
        for (const [bin, count] of binsOf(others)) merged.set(bin, (merged.get(bin) ?? 0) + count)
        expect(quantile(merged, 0.5)).to.equal(quantile(binsOf([...some, ...others]), 0.5))
      }),
    )
  })

  it('count what a clock that is behind makes negative as no time at all', () => {
    expect(quantile(binsOf([-3_000, -1, 0]), 0.95)).to.equal(0)
  })

  it('have no median where there are none', () => {
    expect(quantile(new Map(), 0.5)).to.equal(null)
  })
})
