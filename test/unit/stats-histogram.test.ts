import { expect } from 'chai'
import fc from 'fast-check'
import { addHistograms, type Histogram, histogramOf, quantile } from '../../src/core/stats/histogram.ts'

const of = (durations: readonly number[]): Histogram =>
  durations.reduce<Histogram>((sum, ms) => addHistograms(sum, histogramOf(ms)), [])
/** The exact quantile, by the nearest rank. */
const exact = (durations: readonly number[], share: number) =>
  [...durations].sort((a, b) => a - b)[Math.ceil(durations.length * share) - 1] ?? Number.NaN

const duration = fc.integer({ min: 1, max: 40 * 86_400_000 })
const durations = fc.array(duration, { minLength: 1, maxLength: 200 })

describe('durations in bins', () => {
  it('have a median and a 95th percentile that are at most 4.5 % (and half a millisecond) from the exact ones', () => {
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.95, 1), (all, share) => {
        const want = exact(all, share)
        expect(quantile(of(all), share)).to.be.closeTo(want, want * 0.045 + 0.5)
      }),
    )
  })

  it('of parts, added up in any order, are those of the whole', () => {
    fc.assert(
      fc.property(durations, durations, (some, others) => {
        expect(addHistograms(of(some), of(others))).to.deep.equal(of([...others, ...some]))
      }),
    )
  })

  it('taken away again leave what was there before', () => {
    fc.assert(
      fc.property(fc.array(duration, { maxLength: 50 }), durations, (some, others) => {
        expect(addHistograms(of([...some, ...others]), of(others), -1)).to.deep.equal(of(some))
        expect(addHistograms(addHistograms(of(some), of(others), -1), of(others))).to.deep.equal(of(some))
      }),
    )
  })

  it('count what a clock that is behind makes negative as no time at all', () => {
    expect(quantile(of([-3_000, -1, 0]), 0.95)).to.equal(0)
  })

  it('have no median where there are none', () => {
    expect(quantile([], 0.5)).to.equal(null)
  })
})
