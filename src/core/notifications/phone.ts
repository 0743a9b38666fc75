import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min'

/** Code points of the digit zero in scripts that customers write numbers in; one to nine follow each. */
const zeros = [
  0x0660, // Arabic
  0x06f0, // Persian, Urdu
  0x0966, // Devanagari
  0x09e6, // Bengali
  0x0a66, // Gurmukhi
  0x0ae6, // Gujarati
  0x0b66, // Odia
  0x0be6, // Tamil
  0x0c66, // Telugu
  0x0ce6, // Kannada
  0x0d66, // Malayalam
  0xff10, // full width
]

const latinDigit = (digit: string): string => {
  const code = digit.codePointAt(0) ?? 0
  const zero = zeros.find((start) => code >= start && code < start + 10)
  return zero === undefined ? digit : String(code - zero)
}

/** Latin digits, `+` in front of an international number, without the marks that a copied number brings along. */
const plain = (raw: string): string =>
  raw
    .replace(/\p{Cf}/gu, '')
    .replace(/\p{Nd}/gu, latinDigit)
    .replace('＋', '+')
    .trim()
    .replace(/^00/, '+')

/**
 * Brings a phone number to E.164 (`+919810012345`).
 *
 * @param defaultCountry two letters (ISO 3166), for numbers without a country code
 * @returns undefined for anything that is not exactly one valid number
 */
export const toE164 = (raw: string, defaultCountry: string): string | undefined => {
  const number = plain(raw)
  if (!/^\+?[\d\s().\-‐-―]+$/.test(number)) return undefined
  const country = defaultCountry.toUpperCase()
  const parsed = parsePhoneNumberFromString(number, isSupportedCountry(country) ? country : undefined)
  return parsed?.isValid() ? parsed.number : undefined
}

/**
 * The country of a number in E.164, two letters (ISO 3166); undefined for numbers of no country. Of countries that share
 * a code it is the one whose numbers look like it.
 */
export const countryOf = (phone: string): string | undefined => parsePhoneNumberFromString(phone)?.country
