/** When a customer may be written to: pure, by the clocks of where they live. */

import { IANAZone } from 'luxon'

/** Clock times `hh:mm`, from the first until just before the second; over midnight when that comes earlier. */
export interface QuietHours {
  readonly from: string
  readonly to: string
}

const minuteMs = 60_000
const dayMinutes = 24 * 60
/** Nothing that is quiet for so long ever opens. */
const horizonMs = 2 * dayMinutes * minuteMs

/**
 * The first moment from `now` on that is quiet in none of these zones; `now` itself when that is one. Hours from a time
 * to the same time are no hours. Where zones are so far apart that it is always quiet in one, the first zone decides.
 * @param zones IANA names, those of most people first
 */
export function opensAt(now: Date, hours: QuietHours, zones: readonly string[]): Date {
  const clocks = zones.map((name) => IANAZone.create(name))
  const all = openIn(now.getTime(), hours, clocks)
  return new Date(all ?? openIn(now.getTime(), hours, clocks.slice(0, 1)) ?? now.getTime())
}

function openIn(startMs: number, hours: QuietHours, zones: readonly IANAZone[]): number | undefined {
  for (let ms = startMs; ms < startMs + horizonMs; ) {
    const next = Math.max(ms, ...zones.map((zone) => opensInZone(ms, hours, zone)))
    if (next === ms) return ms
    ms = next
  }
  return undefined
}

/** A clock that is put on or back between now and the opening is looked at again from that moment on. */
function opensInZone(ms: number, hours: QuietHours, zone: IANAZone): number {
  const clock = clockMinutes(ms, zone)
  if (!isWithin(clock, hours)) return ms
  const wait = (minutesOf(hours.to) - clock + dayMinutes) % dayMinutes
  const opening = Math.floor(ms / minuteMs) * minuteMs + wait * minuteMs
  if (zone.offset(opening) === zone.offset(ms)) return opening
  return opensInZone(changeOf(zone, ms, opening), hours, zone)
}

function isWithin(clock: number, { from, to }: QuietHours): boolean {
  const [start, end] = [minutesOf(from), minutesOf(to)]
  return start <= end ? start <= clock && clock < end : clock >= start || clock < end
}

/** The minute from which on the clock differs from that of `fromMs`. */
function changeOf(zone: IANAZone, fromMs: number, toMs: number): number {
  let same = Math.floor(fromMs / minuteMs)
  let other = toMs / minuteMs
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2)
    if (zone.offset(middle * minuteMs) === zone.offset(fromMs)) same = middle
    else other = middle
  }
  return other * minuteMs
}

const clockMinutes = (ms: number, zone: IANAZone): number =>
  (((Math.floor(ms / minuteMs) + zone.offset(ms)) % dayMinutes) + dayMinutes) % dayMinutes

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))
