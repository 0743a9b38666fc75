import { expect } from 'chai'
import fc from 'fast-check'
import { opensAt } from '../../src/core/notifications/quiet-hours.ts'

const night = { from: '21:00', to: '08:00' }

interface Case {
  readonly label: string
  readonly now: string
  readonly hours?: { readonly from: string; readonly to: string }
  readonly zones: readonly string[]
  readonly opens: string
}

const cases: Case[] = [
  {
    label: 'at eight of the next morning, late in the evening',
    now: '2026-06-20T22:30:00+05:30',
    zones: ['Asia/Kolkata'],
    opens: '2026-06-21T08:00:00+05:30',
  },
  {
    label: 'at eight of the same morning, after midnight',
    now: '2026-06-21T00:10:00+02:00',
    zones: ['Europe/Madrid'],
    opens: '2026-06-21T08:00:00+02:00',
  },
  {
    label: 'at once, by day, to the millisecond',
    now: '2026-06-20T20:59:59.999+05:30',
    zones: ['Asia/Kolkata'],
    opens: '2026-06-20T20:59:59.999+05:30',
  },
  {
    label: 'later, from the first quiet millisecond on',
    now: '2026-06-20T21:00:00+05:30',
    zones: ['Asia/Kolkata'],
    opens: '2026-06-21T08:00:00+05:30',
  },
  {
    label: 'at the time itself',
    now: '2026-06-21T08:00:00+05:30',
    zones: ['Asia/Kolkata'],
    opens: '2026-06-21T08:00:00+05:30',
  },
  {
    label: 'within a day, where the hours do not go over midnight',
    now: '2026-06-21T13:30:30+05:30',
    hours: { from: '13:00', to: '15:00' },
    zones: ['Asia/Kolkata'],
    opens: '2026-06-21T15:00:00+05:30',
  },
  {
    label: 'at once, where the hours end as they begin',
    now: '2026-06-21T03:00:00+05:30',
    hours: { from: '08:00', to: '08:00' },
    zones: ['Asia/Kolkata'],
    opens: '2026-06-21T03:00:00+05:30',
  },
  {
    label: 'when the last of several zones wakes',
    now: '2026-06-21T06:00:00-04:00',
    zones: ['America/New_York', 'America/Los_Angeles'],
    opens: '2026-06-21T08:00:00-07:00',
  },
  {
    label: 'when the first zone wakes, where it is always quiet in one',
    now: '2026-06-21T00:00:00Z',
    hours: { from: '20:00', to: '08:00' },
    zones: ['Etc/UTC', 'Etc/GMT+12'],
    opens: '2026-06-21T08:00:00Z',
  },
  {
    label: 'an hour sooner, in the night in which clocks are put on',
    now: '2026-03-28T23:00:00+01:00',
    zones: ['Europe/Madrid'],
    opens: '2026-03-29T08:00:00+02:00',
  },
  {
    label: 'an hour later, in the night in which they are put back',
    now: '2026-10-24T23:00:00+02:00',
    zones: ['Europe/Madrid'],
    opens: '2026-10-25T08:00:00+01:00',
  },
  {
    label: 'when the clock leaps over the time',
    now: '2026-03-29T01:00:00+01:00',
    hours: { from: '22:00', to: '02:30' },
    zones: ['Europe/Madrid'],
    opens: '2026-03-29T03:00:00+02:00',
  },
  {
    label: 'at the first of two such times',
    now: '2026-10-25T01:00:00+02:00',
    hours: { from: '22:00', to: '02:30' },
    zones: ['Europe/Madrid'],
    opens: '2026-10-25T02:30:00+02:00',
  },
  {
    label: 'at the second of them, where the clock was put back before it',
    now: '2026-10-25T02:10:00+01:00',
    hours: { from: '22:00', to: '02:30' },
    zones: ['Europe/Madrid'],
    opens: '2026-10-25T02:30:00+01:00',
  },
]

const clockIn = (zone: string) => {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return (ms: number) => format.format(ms)
}

/** By what clocks show, as a person would say it. */
const isQuiet = (clock: string, { from, to }: { from: string; to: string }) =>
  from <= to ? from <= clock && clock < to : clock >= from || clock < to

const zones = [
  'Asia/Kolkata',
  'Europe/Madrid',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Africa/Cairo',
]
const times = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`)
const someHours = fc.record({ from: times, to: times })
const moments = fc.date({ min: new Date('2026-01-01'), max: new Date('2027-01-01'), noInvalidDate: true })
/** Both changes of the clock of most zones lie in these weeks. */
const changes = fc
  .constantFrom(
    '2026-03-07',
    '2026-03-28',
    '2026-04-04',
    '2026-04-23',
    '2026-10-03',
    '2026-10-24',
    '2026-10-29',
    '2026-10-31',
  )
  .chain((day) => fc.integer({ min: 0, max: 48 * 60 }).map((minute) => new Date(Date.parse(day) + minute * 60_000)))

describe('the end of quiet hours', () => {
  for (const { label, now, hours = night, zones, opens } of cases) {
    it(`is ${label}`, () => {
      expect(opensAt(new Date(now), hours, zones).toISOString()).to.equal(new Date(opens).toISOString())
    })
  }

  it('is the first minute that no clock calls quiet', () => {
    fc.assert(
      fc.property(fc.oneof(moments, changes), someHours, fc.constantFrom(...zones), (now, hours, zone) => {
        const clock = clockIn(zone)
        let expected = now.getTime()
        while (isQuiet(clock(expected), hours)) expected = Math.floor(expected / 60_000 + 1) * 60_000
        expect(opensAt(now, hours, [zone]).getTime()).to.equal(expected)
      }),
      { numRuns: 150 },
    )
  })

  it('is quiet in none of several zones, and no sooner than in each', () => {
    const ofNight = fc.record({ from: fc.constantFrom('20:00', '22:30'), to: fc.constantFrom('06:00', '08:15') })
    fc.assert(
      fc.property(
        fc.oneof(moments, changes),
        ofNight,
        fc.subarray(zones.slice(0, 2), { minLength: 1 }),
        (now, hours, some) => {
          const opening = opensAt(now, hours, some)
          for (const zone of some) {
            expect(isQuiet(clockIn(zone)(opening.getTime()), hours)).to.equal(false)
            expect(opening.getTime()).to.be.at.least(opensAt(now, hours, [zone]).getTime())
          }
        },
      ),
      { numRuns: 100 },
    )
  })
})
