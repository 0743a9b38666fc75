/** Half-hours, of which days in nearly all time zones consist, India's included; and their longer sums: pure. */

import { DateTime } from 'luxon'

/** Half an hour. */
export const slotMs = 1_800_000
const slotsOfDay = 48

/** Half-hours since 1970; a slot is known by the number of its start. */
export type Slot = number

/** Slots one after the other. */
export interface Span {
  readonly first: Slot
  readonly slots: number
}

export const slotOf = (time: Date): Slot => Math.floor(time.getTime() / slotMs)
export const slotStart = (slot: Slot): Date => new Date(slot * slotMs)

/** Midnight in India, as a slot of the UTC day. */
const indianMidnight = 37

/** How many slots the two kinds of segments have. */
export const segmentSizes = [indianMidnight, slotsOfDay - indianMidnight] as const

/** Sums are kept of the parts into which midnight of UTC and that of India cut the time: two make a day of either. */
export function segmentOf(slot: Slot): Span {
  const dayStart = Math.floor(slot / slotsOfDay) * slotsOfDay
  return slot - dayStart < indianMidnight
    ? { first: dayStart, slots: indianMidnight }
    : { first: dayStart + indianMidnight, slots: slotsOfDay - indianMidnight }
}

/** The fewest sums that make up the slots from `from` until before `to`: whole segments, single slots at the edges. */
export function spansBetween(from: Slot, to: Slot): Span[] {
  const spans: Span[] = []
  for (let slot = from; slot < to; ) {
    const segment = segmentOf(slot)
    const isWhole = segment.first === slot && slot + segment.slots <= to
    const span = isWhole ? segment : { first: slot, slots: 1 }
    spans.push(span)
    slot += span.slots
  }
  return spans
}

export type Unit = 'day' | 'hour'

/** A day or hour, or all of the time asked for. */
export interface Period {
  readonly from: Slot
  readonly to: Slot
  /** `2026-11-20` for a day, an instant with its offset for an hour; undefined for the whole. */
  readonly label?: string
}

/**
 * Cuts slots into the days or hours of a time zone; the first and the last may be parts.
 * @returns undefined where these do not begin at whole half-hours there, as in Nepal
 */
export function periodsBetween(from: Slot, to: Slot, unit: Unit | undefined, timezone: string): Period[] | undefined {
  if (unit === undefined) return [{ from, to }]
  const periods: Period[] = []
  let start = DateTime.fromJSDate(slotStart(from), { zone: timezone }).startOf(unit)
  for (let first = from; first < to; ) {
    const end = start.plus({ [unit]: 1 }).startOf(unit)
    if (end.toMillis() % slotMs !== 0) return undefined
    const label = unit === 'day' ? start.toISODate() : start.toISO({ suppressMilliseconds: true })
    const next = Math.min(end.toMillis() / slotMs, to)
    periods.push({ from: first, to: next, label: label ?? '' })
    first = next
    start = end
  }
  return periods
}
