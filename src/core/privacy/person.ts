/** By what a person is known, and whether a text names them: pure. */

import { parsePhoneNumberFromString } from 'libphonenumber-js/min'
import { phoneSpellings } from '../contacts/canonical-phone.ts'

export interface Person {
  /** E.164, in every way in which networks write it. */
  readonly phones: readonly string[]
  /** Ids that providers give them in place of the phone. */
  readonly userIds: readonly string[]
  readonly emails: readonly string[]
  /** Of their orders; only unique within an account. */
  readonly orders: readonly { readonly accountId: number; readonly number: string }[]
}

/** @param phone E.164 */
export const personOf = (phone: string): Person => ({
  phones: phoneSpellings(phone),
  userIds: [],
  emails: [],
  orders: [],
})

/** What is known of them by one source and by another. */
export function together(one: Person, other: Person): Person {
  const orders = new Map([...one.orders, ...other.orders].map((order) => [`${order.accountId}/${order.number}`, order]))
  return {
    phones: [...new Set([...one.phones, ...other.phones])],
    userIds: [...new Set([...one.userIds, ...other.userIds])],
    emails: [...new Set([...one.emails, ...other.emails])],
    orders: [...orders.values()],
  }
}

/** Shorter ones stand in texts by chance. */
const leastOrderLength = 5

/**
 * Does a text (JSON or what was to be JSON) name the person? Phones are found however they are written.
 * @param accountId whose text it is; without, order numbers mean nothing
 */
export function isNamedIn(text: string, person: Person, accountId: number | null): boolean {
  const lower = text.toLowerCase()
  return (
    person.emails.some((email) => lower.includes(email.toLowerCase())) ||
    person.userIds.some((userId) => text.includes(userId)) ||
    person.orders.some((order) => order.accountId === accountId && hasWord(text, order.number)) ||
    hasPhone(text, person.phones)
  )
}

const hasWord = (text: string, word: string): boolean =>
  word.length >= leastOrderLength && (text.includes(`"${word}"`) || text.includes(`:${word},`))

/** Digits with what people put between them. */
const digitRuns = /\d(?:[\s().\-–]{0,3}\d){6,24}/g
/** Country code, trunk prefix and the like. */
const longestPrefix = 6

function hasPhone(text: string, phones: readonly string[]): boolean {
  const nationals = [...new Set(phones.map(nationalDigits))]
  for (const [run] of text.matchAll(digitRuns)) {
    const digits = run.replace(/\D/g, '')
    const isWritten = run.length > digits.length
    for (const national of nationals) {
      // Between spaces two numbers may look like one; a number without any is one.
      if (isWritten ? digits.includes(national) : isNumber(digits, national)) return true
    }
  }
  return false
}

const isNumber = (digits: string, national: string): boolean =>
  digits.endsWith(national) && digits.length - national.length <= longestPrefix

const nationalDigits = (phone: string): string =>
  parsePhoneNumberFromString(phone)?.nationalNumber ?? phone.replace(/\D/g, '')
