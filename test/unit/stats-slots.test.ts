import { expect } from 'chai'
import fc from 'fast-check'
import { periodsBetween, segmentOf, slotMs, slotOf, spansBetween } from '../../src/core/stats/slots.ts'

const slot = (text: string) => slotOf(new Date(text))
const time = (number: number | undefined) => new Date((number ?? Number.NaN) * slotMs).toISOString()

describe('half-hours and the sums that are kept of them', () => {
  it('are cut at midnight of UTC and of India', () => {
    const { first, slots } = segmentOf(slot('2026-11-20T18:29:59.999Z'))
    expect([time(first), time(first + slots)]).to.deep.equal(['2026-11-20T00:00:00.000Z', '2026-11-20T18:30:00.000Z'])
    const evening = segmentOf(slot('2026-11-20T18:30:00Z'))
    expect([time(evening.first), evening.slots]).to.deep.equal(['2026-11-20T18:30:00.000Z', 11])
  })

  it('make up any time without gap and overlap', () => {
    const from = fc.integer({ min: 990_000, max: 995_000 })
    fc.assert(
      fc.property(from, fc.integer({ min: 1, max: 500 }), (first, length) => {
        let at = first
        for (const span of spansBetween(first, first + length)) {
          expect(span.first).to.equal(at)
          at += span.slots
        }
        expect(at).to.equal(first + length)
      }),
    )
  })

  it('make two sums of a day, in UTC and in India', () => {
    for (const [zone, start] of [
      ['UTC', '2026-11-20T00:00:00Z'],
      ['Asia/Kolkata', '2026-11-19T18:30:00Z'],
    ] as const) {
      const [day] = periodsBetween(slot(start), slot(start) + 48, 'day', zone) ?? []
      expect(day?.label).to.equal('2026-11-20')
      expect(spansBetween(day?.from ?? 0, day?.to ?? 0)).to.have.length(2)
    }
  })
})

describe('days and hours of a time zone', () => {
  const days = (from: string, to: string, zone: string) =>
    periodsBetween(slot(from), slot(to), 'day', zone)?.map((day) => [day.label, time(day.from), time(day.to)])

  it('are those of India, at half past six in the evening of UTC', () => {
    expect(days('2026-11-19T18:00:00Z', '2026-11-20T19:00:00Z', 'Asia/Kolkata')).to.deep.equal([
      ['2026-11-19', '2026-11-19T18:00:00.000Z', '2026-11-19T18:30:00.000Z'],
      ['2026-11-20', '2026-11-19T18:30:00.000Z', '2026-11-20T18:30:00.000Z'],
      ['2026-11-21', '2026-11-20T18:30:00.000Z', '2026-11-20T19:00:00.000Z'],
    ])
  })

  it('have 25 hours when clocks are put back', () => {
    const [day] = days('2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z', 'Europe/Madrid') ?? []
    expect(day).to.deep.equal(['2026-10-25', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'])
  })

  it('are hours of the clock on the wall', () => {
    const hours = periodsBetween(slot('2026-11-20T06:00:00Z'), slot('2026-11-20T07:30:00Z'), 'hour', 'Asia/Kolkata')
    expect(hours?.map(({ label }) => label)).to.deep.equal(['2026-11-20T11:00:00+05:30', '2026-11-20T12:00:00+05:30'])
  })

  it('are none where they begin at a quarter of an hour', () => {
    expect(days('2026-11-20T00:00:00Z', '2026-11-21T00:00:00Z', 'Asia/Kathmandu')).to.equal(undefined)
  })
})
