/** Which delivery dates a customer may choose from: pure. */

import { DateTime } from 'luxon'
import type { DeliveryCalendar } from './flows.ts'

/**
 * The next dates on which parcels are delivered; fewer than asked for, or none, when the courier's limit comes first.
 * @param timezone of the account, e.g. `Asia/Kolkata`: decides which day it is
 * @param courierName as the event gives it
 * @returns dates as `yyyy-mm-dd`, soonest first
 */
export function nextDeliveryDates(
  calendar: DeliveryCalendar,
  now: Date,
  timezone: string,
  courierName?: string,
): string[] {
  const today = DateTime.fromJSDate(now, { zone: timezone }).startOf('day')
  const last = lastDay(calendar, courierName)
  const dates: string[] = []
  for (let day = calendar.leadDays; day <= last && dates.length < calendar.count; day++) {
    const date = today.plus({ days: day })
    if (!isDayOff(calendar, date)) dates.push(date.toFormat('yyyy-MM-dd'))
  }
  return dates
}

/**
 * Why nothing is delivered on a date that the customer named freely; undefined when it can be.
 * @param date `yyyy-mm-dd`
 */
export function whyNotOn(
  calendar: DeliveryCalendar,
  date: string,
  now: Date,
  timezone: string,
  courierName?: string,
): string | undefined {
  const today = DateTime.fromJSDate(now, { zone: timezone }).startOf('day')
  const wanted = DateTime.fromISO(date, { zone: timezone })
  const day = wanted.diff(today, 'days').days
  if (day < calendar.leadDays) return `sooner than ${calendar.leadDays} days ahead`
  const last = lastDay(calendar, courierName)
  if (day > last) return `later than ${last} days ahead`
  return isDayOff(calendar, wanted) ? 'a day without deliveries' : undefined
}

const lastDay = (calendar: DeliveryCalendar, courierName: string | undefined): number =>
  Math.min(calendar.maxDays, courierLimit(calendar, courierName))

const isDayOff = ({ weekdaysOff, holidays }: DeliveryCalendar, date: DateTime): boolean =>
  weekdaysOff.includes(date.weekday) || holidays.includes(date.toFormat('yyyy-MM-dd'))

/** Days ahead within which this courier delivers. */
function courierLimit({ couriers }: DeliveryCalendar, courierName = ''): number {
  const name = courierName.trim().toLowerCase()
  const [, limit] = Object.entries(couriers).find(([known]) => known.trim().toLowerCase() === name) ?? []
  return limit?.maxDays ?? Number.POSITIVE_INFINITY
}

/** True while a date can still be delivered on: it is after today in the account's zone. */
export const isStillAhead = (date: string, now: Date, timezone: string): boolean =>
  date > DateTime.fromJSDate(now, { zone: timezone }).toFormat('yyyy-MM-dd')

/** `2026-06-23` as the courier side wants it: `23-06-2026`. */
export const courierDate = (date: string): string => date.split('-').reverse().join('-')
