/** What is asked of the statistics, brought into a form that can be answered: pure. */

import { DateTime } from 'luxon'
import type { Dimension } from './scopes.ts'
import { type Period, periodsBetween, type Slot, slotMs, slotOf, type Unit } from './slots.ts'

/** As it comes from outside; every text may be wrong. */
export interface RawQuestion {
  readonly accountId?: number | undefined
  /** An instant with its offset, or a date of the time zone. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly timezone?: string | undefined
  /** Comma list. */
  readonly by?: string | undefined
  readonly filters: Filters
}

export type Filters = Readonly<Partial<Record<Dimension, string | boolean>>>

export interface Question {
  readonly accountId: number | undefined
  readonly timezone: string
  readonly from: Slot
  /** The first slot that does not belong to it. */
  readonly to: Slot
  readonly periods: readonly Period[]
  readonly unit: Unit | undefined
  readonly by: readonly Dimension[]
  readonly filters: Filters
}

/** What is wrong with a question; shown to whoever asked. */
export class QuestionError extends Error {
  readonly problems: readonly { readonly path: string; readonly message: string }[]
  constructor(path: string, message: string) {
    super(message)
    this.problems = [{ path, message }]
  }
}

const words = [
  'account',
  'connection',
  'provider',
  'template',
  'reason',
  'kind',
  'createdBy',
  'isFollowUp',
  'day',
  'hour',
] as const
const units: readonly string[] = ['day', 'hour'] satisfies Unit[]

const usualDays = 30
const dayMs = 86_400_000
/** By hour there are 24 times as many rows. */
const longestMs = { whole: 400 * dayMs, hour: 31 * dayMs }

/**
 * @param timezone where the question names none
 * @throws {QuestionError}
 */
export function readQuestion(raw: RawQuestion, timezone: string, now: Date): Question {
  const zone = raw.timezone ?? timezone
  if (!DateTime.fromJSDate(now, { zone }).isValid)
    throw new QuestionError('timezone', 'is not a time zone such as Asia/Kolkata')
  const { by, unit } = readBy(raw.by)
  const { from, to } = readSpan(raw, zone, now)
  if ((to - from) * slotMs > (unit === 'hour' ? longestMs.hour : longestMs.whole))
    throw new QuestionError('from', unit === 'hour' ? 'by hour at most 31 days' : 'at most 400 days')
  const periods = periodsBetween(from, to, unit, zone)
  if (!periods) throw new QuestionError('timezone', `${unit}s of ${zone} do not begin at whole half-hours`)
  return { accountId: raw.accountId, timezone: zone, from, to, periods, unit, by, filters: raw.filters }
}

function readBy(text: string | undefined): { by: Dimension[]; unit: Unit | undefined } {
  const given = (text ?? '').split(',').filter((word) => word !== '')
  const unknown = given.filter((word) => !(words as readonly string[]).includes(word))
  if (unknown.length > 0) throw new QuestionError('by', `${unknown.join(', ')} is none of ${words.join(', ')}`)
  const chosen = given.filter((word) => units.includes(word)) as Unit[]
  if (chosen.length > 1) throw new QuestionError('by', 'day and hour exclude each other')
  return {
    by: words.filter((word): word is Dimension => given.includes(word) && !units.includes(word)),
    unit: chosen[0],
  }
}

function readSpan(raw: RawQuestion, zone: string, now: Date): { from: Slot; to: Slot } {
  const toTime = raw.to === undefined ? now : readTime('to', raw.to, zone, 1)
  const from = slotOf(
    raw.from === undefined
      ? DateTime.fromJSDate(toTime, { zone }).minus({ days: usualDays }).startOf('day').toJSDate()
      : readTime('from', raw.from, zone, 0),
  )
  // A half-hour that has begun belongs to it.
  const to = Math.ceil(toTime.getTime() / slotMs)
  if (to <= from) throw new QuestionError('to', 'is not after from')
  return { from, to }
}

const date = /^\d{4}-\d{2}-\d{2}$/
const instant = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:?\d{2})$/

/** @param days a date at the end includes its day */
function readTime(path: string, text: string, zone: string, days: number): Date {
  const isDate = date.test(text)
  const time = DateTime.fromISO(text, { zone })
  if (!time.isValid || !(isDate || instant.test(text)))
    throw new QuestionError(path, 'is neither a date such as 2026-11-20 nor an instant such as 2026-11-20T10:00:00Z')
  return (isDate ? time.plus({ days }).startOf('day') : time).toJSDate()
}
