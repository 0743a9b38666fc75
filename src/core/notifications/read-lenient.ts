/**
 * Reads values out of JSON as warehouse systems write it: numbers as strings, `"0"` and `"1"` for booleans, empty
 * strings for absent, `[]` for an empty object, times without a zone. Nothing here throws; what cannot be read is
 * undefined. Only own properties are looked at, so that a body cannot reach into a prototype.
 */

import { DateTime } from 'luxon'

const indianZone = 'Asia/Kolkata'
const largestBigint = 2n ** 63n - 1n

type Plain = Readonly<Record<string, unknown>>

/** A JSON object; PHP's `[]` counts as an empty one. */
export const object = (value: unknown): Plain | undefined => {
  if (Array.isArray(value)) return value.length === 0 ? {} : undefined
  return typeof value === 'object' && value !== null ? (value as Plain) : undefined
}

/** The own property at the end of a path, e.g. `at(event, 'response_data', 'status')`. */
export const at = (value: unknown, ...path: readonly string[]): unknown => {
  let found = value
  for (const key of path) {
    const fields = object(found)
    found = fields && key !== '__proto__' && Object.hasOwn(fields, key) ? fields[key] : undefined
  }
  return found
}

/** Is anything there? Null, empty and blank strings and `[]` are not. */
export const isPresent = (value: unknown): boolean => {
  if (typeof value === 'string') return value.trim() !== ''
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)
}

/** The first of the values that is there. */
export const firstPresent = (...values: readonly unknown[]): unknown => values.find(isPresent)

const numberAsText = (value: number): string | undefined =>
  Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value)) ? String(value) : undefined

/** Trimmed text; a number becomes its digits, unless it is an integer too large to have kept them. */
export const text = (value: unknown): string | undefined => {
  if (typeof value === 'number') return numberAsText(value)
  if (typeof value !== 'string') return undefined
  return value.trim() || undefined
}

/** The first of the values that can be read as text. */
export const firstText = (...values: readonly unknown[]): string | undefined => {
  for (const value of values) {
    const found = text(value)
    if (found !== undefined) return found
  }
  return undefined
}

/** A decimal id as a string of digits, exact, 0 to 2^63-1. A JSON number that is no safe integer lost its digits. */
export const id = (value: unknown): string | undefined => {
  const digits = text(value)
  if (digits === undefined || !/^\d{1,19}$/.test(digits)) return undefined
  return BigInt(digits) <= largestBigint ? digits : undefined
}

/** A signed 32-bit column, as in the platform's own tables. */
const largestAccountId = 2_147_483_647

/** The number of an account, from 1. */
export const accountId = (value: unknown): number | undefined => {
  const account = integer(id(value))
  return account !== undefined && account > 0 && account <= largestAccountId ? account : undefined
}

/** A finite number, also written as a decimal string. */
export const number = (value: unknown): number | undefined => {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  const digits = text(value)
  if (digits === undefined || !/^[+-]?\d{1,300}(\.\d{1,300})?$/.test(digits)) return undefined
  return Number(digits)
}

/** A whole number within the safe range, also written as a string. */
export const integer = (value: unknown): number | undefined => {
  const found = number(value)
  return Number.isSafeInteger(found) ? found : undefined
}

const booleans = new Map([
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
])

/** `true`, 1, `"1"`, `"true"` and their opposites. */
export const boolean = (value: unknown): boolean | undefined =>
  typeof value === 'boolean' ? value : booleans.get(text(value)?.toLowerCase() ?? '')

/** A list; PHP writes one with gaps as an object with numeric keys. */
export const list = (value: unknown): readonly unknown[] => {
  if (Array.isArray(value)) return value
  const entries = Object.entries(object(value) ?? {})
  return entries.every(([key]) => /^\d+$/.test(key)) ? entries.map(([, item]) => item) : []
}

/** A day of the calendar as `yyyy-mm-dd`, from `yyyy-mm-dd` or `dd-mm-yyyy`, with or without a time after it. */
export const day = (value: unknown): string | undefined => {
  const written = text(value)?.replace(/^(\d\d)-(\d\d)-(\d{4})/, '$3-$2-$1')
  const date = /^\d{4}-\d\d-\d\d(?=$|[T ])/.exec(written ?? '')?.[0]
  return date !== undefined && DateTime.fromISO(date).isValid ? date : undefined
}

/**
 * `yyyy-mm-dd hh:mm:ss`, `dd-mm-yyyy` (with or without a time) and ISO 8601. Without a zone it is Indian time.
 * Years outside 2000 to 2100, such as `0000-00-00`, count as absent.
 */
export const time = (value: unknown): Date | undefined => {
  const given = text(value)
  if (given === undefined) return undefined
  const usual = usualTime.exec(given)
  if (usual) return indianTime(usual.slice(1).map(Number))
  const written = given.replace(/^(\d\d)-(\d\d)-(\d{4})/, '$3-$2-$1')
  return /^\d{4}-\d\d-\d\d/.test(written) ? otherTime(written) : undefined
}

const usualTime = /^(\d{4})-(\d\d)-(\d\d) ([01]\d|2[0-3]):([0-5]\d):([0-5]\d)$/
const indianOffsetMs = 5.5 * 3_600_000
const isYear = (year: number): boolean => year >= 2000 && year <= 2100

/** Events have a dozen of these, and a calendar library takes its time; the offset has been the same since 1945. */
function indianTime([year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0]: readonly number[]) {
  const local = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  const isReal = local.getUTCMonth() === month - 1 && local.getUTCDate() === day
  return isReal && isYear(year) ? new Date(local.getTime() - indianOffsetMs) : undefined
}

function otherTime(written: string): Date | undefined {
  const parsed = DateTime.fromISO(written.replace(' ', 'T'), { zone: indianZone })
  return parsed.isValid && isYear(parsed.year) ? parsed.toJSDate() : undefined
}
