/** Which delivery dates a customer may choose from: pure. */

import { DateTime } from 'luxon'
import type { DeliveryCalendar } from './flows.ts'

/** Far enough to find three days in any calendar that is not all holidays. */
const horizonDays = 60

/**
 * The next dates on which parcels are delivered.
 * @param timezone of the account, e.g. `Asia/Kolkata`: decides which day it is
 * @returns dates as `yyyy-mm-dd`, soonest first
 */
export function nextDeliveryDates(calendar: DeliveryCalendar, now: Date, timezone: string): string[] {
  const today = DateTime.fromJSDate(now, { zone: timezone }).startOf('day')
  const dates: string[] = []
  for (let day = calendar.leadDays; day < horizonDays && dates.length < calendar.count; day++) {
    const date = today.plus({ days: day })
    const text = date.toFormat('yyyy-MM-dd')
    if (!calendar.weekdaysOff.includes(date.weekday) && !calendar.holidays.includes(text)) dates.push(text)
  }
  return dates
}

/** True while a date can still be delivered on: it is after today in the account's zone. */
export const isStillAhead = (date: string, now: Date, timezone: string): boolean =>
  date > DateTime.fromJSDate(now, { zone: timezone }).toFormat('yyyy-MM-dd')

/** `2026-06-23` as the courier side wants it: `23-06-2026`. */
export const courierDate = (date: string): string => date.split('-').reverse().join('-')
