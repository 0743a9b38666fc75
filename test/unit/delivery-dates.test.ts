import { expect } from 'chai'
import fc from 'fast-check'
import { DateTime } from 'luxon'
import { courierDate, isStillAhead, nextDeliveryDates } from '../../src/core/conversations/delivery-dates.ts'
import type { DeliveryCalendar } from '../../src/core/conversations/flows.ts'

const india = 'Asia/Kolkata'
const calendar: DeliveryCalendar = {
  count: 3,
  leadDays: 1,
  maxDays: 30,
  couriers: { Delhivery: { maxDays: 3 }, ' blue dart ': { maxDays: 60 } },
  weekdaysOff: [7],
  holidays: [],
}

interface Case {
  readonly label: string
  readonly now: string
  readonly zone?: string
  readonly calendar?: Partial<DeliveryCalendar>
  readonly courier?: string
  readonly expected: string[]
}

const cases: Case[] = [
  { label: 'the next three days', now: '2026-06-22T06:00:00Z', expected: ['2026-06-23', '2026-06-24', '2026-06-25'] },
  { label: 'without Sunday', now: '2026-06-20T06:00:00Z', expected: ['2026-06-22', '2026-06-23', '2026-06-24'] },
  { label: 'on a Sunday', now: '2026-06-21T06:00:00Z', expected: ['2026-06-22', '2026-06-23', '2026-06-24'] },
  { label: 'into the next month', now: '2026-06-29T06:00:00Z', expected: ['2026-06-30', '2026-07-01', '2026-07-02'] },
  { label: 'into the next year', now: '2026-12-30T06:00:00Z', expected: ['2026-12-31', '2027-01-01', '2027-01-02'] },
  { label: 'over the leap day', now: '2028-02-27T12:00:00Z', expected: ['2028-02-28', '2028-02-29', '2028-03-01'] },
  {
    label: 'it is tomorrow in India at 23:30 UTC',
    now: '2026-06-22T23:30:00Z',
    expected: ['2026-06-24', '2026-06-25', '2026-06-26'],
  },
  {
    label: 'it is still today in India at 18:29:59 UTC',
    now: '2026-06-22T18:29:59Z',
    expected: ['2026-06-23', '2026-06-24', '2026-06-25'],
  },
  {
    label: 'it is yesterday in New York at 03:00 UTC',
    now: '2026-06-23T03:00:00Z',
    zone: 'America/New_York',
    expected: ['2026-06-23', '2026-06-24', '2026-06-25'],
  },
  {
    label: 'over the change to summer time',
    now: '2026-03-27T23:30:00Z',
    zone: 'Europe/Berlin',
    calendar: { weekdaysOff: [] },
    expected: ['2026-03-29', '2026-03-30', '2026-03-31'],
  },
  {
    label: 'over the end of summer time',
    now: '2026-10-23T22:30:00Z',
    zone: 'Europe/Berlin',
    calendar: { weekdaysOff: [] },
    expected: ['2026-10-25', '2026-10-26', '2026-10-27'],
  },
  {
    label: 'without holidays',
    now: '2026-08-13T06:00:00Z',
    calendar: { holidays: ['2026-08-15', '2026-08-17'] },
    expected: ['2026-08-14', '2026-08-18', '2026-08-19'],
  },
  {
    label: 'with a longer lead',
    now: '2026-06-22T06:00:00Z',
    calendar: { leadDays: 3, count: 1 },
    expected: ['2026-06-25'],
  },
  {
    label: 'within the limit of the courier, whatever the case of its name',
    now: '2026-06-20T06:00:00Z',
    courier: 'DELHIVERY ',
    expected: ['2026-06-22', '2026-06-23'],
  },
  {
    label: "within the general limit, where the courier's is longer",
    now: '2026-06-20T06:00:00Z',
    calendar: { maxDays: 2 },
    courier: 'Blue Dart',
    expected: ['2026-06-22'],
  },
  {
    label: 'none, when all days within the limit are off',
    now: '2026-06-20T06:00:00Z',
    calendar: { maxDays: 3, holidays: ['2026-06-22', '2026-06-23'] },
    courier: 'Unknown',
    expected: [],
  },
  {
    label: 'one day of the week only',
    now: '2026-06-22T06:00:00Z',
    calendar: { weekdaysOff: [1, 2, 3, 4, 5, 6] },
    expected: ['2026-06-28', '2026-07-05', '2026-07-12'],
  },
]

describe('delivery dates', () => {
  for (const { label, now, zone = india, calendar: changes, courier, expected } of cases) {
    it(label, () => {
      expect(nextDeliveryDates({ ...calendar, ...changes }, new Date(now), zone, courier)).to.deep.equal(expected)
    })
  }

  it('are never a day off, always ahead, each later than the one before, and as many as asked for', () => {
    const calendars = fc.record({
      count: fc.integer({ min: 1, max: 3 }),
      leadDays: fc.integer({ min: 1, max: 30 }),
      weekdaysOff: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { maxLength: 5 }),
      holidays: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 4 }),
    })
    const zones = fc.constantFrom(
      india,
      'UTC',
      'America/Los_Angeles',
      'Pacific/Kiritimati',
      'Europe/Berlin',
      'Asia/Kathmandu',
    )
    const times = fc.date({ min: new Date('2025-01-01'), max: new Date('2032-12-31'), noInvalidDate: true })
    fc.assert(
      fc.property(calendars, zones, times, ({ holidays, ...given }, zone, now) => {
        const days = holidays.map((day) =>
          DateTime.fromJSDate(now, { zone }).plus({ days: day }).toFormat('yyyy-MM-dd'),
        )
        const dates = nextDeliveryDates({ ...given, maxDays: 60, couriers: {}, holidays: days }, now, zone)
        expect(dates).to.have.length(given.count)
        expect([...new Set(dates)].sort()).to.deep.equal(dates)
        for (const date of dates) {
          expect(isStillAhead(date, now, zone)).to.equal(true)
          expect(days).to.not.include(date)
          expect(given.weekdaysOff).to.not.include(DateTime.fromISO(date, { zone: 'utc' }).weekday)
        }
      }),
    )
  })

  it('a date is ahead until its own day begins where the account is', () => {
    expect(isStillAhead('2026-06-23', new Date('2026-06-22T18:29:59.999Z'), india)).to.equal(true)
    expect(isStillAhead('2026-06-23', new Date('2026-06-22T18:30:00.000Z'), india)).to.equal(false)
    expect(isStillAhead('2026-06-22', new Date('2026-06-22T06:00:00Z'), india)).to.equal(false)
    expect(isStillAhead('2027-01-01', new Date('2026-12-31T06:00:00Z'), india)).to.equal(true)
  })

  it('the courier side reads dd-mm-yyyy', () => expect(courierDate('2026-06-03')).to.equal('03-06-2026'))
})
