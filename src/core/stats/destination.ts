import { getCountries, getCountryCallingCode, isSupportedCountry } from 'libphonenumber-js/min'

const callingCodes = new Set<string>(getCountries().map((country) => getCountryCallingCode(country)))
const longestCode = 3

/**
 * The country calling code of a phone number, by which price lists tell destinations apart: `91` of `+919810012345`.
 * @returns '' for what has none
 */
export function destinationOf(phone: string | null): string {
  if (!phone?.startsWith('+')) return ''
  for (let length = 1; length <= longestCode; length++) {
    const code = phone.slice(1, 1 + length)
    if (callingCodes.has(code)) return code
  }
  return ''
}

/** The calling code of a country (ISO 3166, two letters); undefined for what is none. */
export const destinationOfCountry = (country: string): string | undefined =>
  isSupportedCountry(country) ? getCountryCallingCode(country) : undefined
