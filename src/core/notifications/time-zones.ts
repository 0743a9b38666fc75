/** By which clocks a recipient lives, as their phone number tells. */

import { parsePhoneNumberFromString } from 'libphonenumber-js/min'
import { IANAZone } from 'luxon'
import { z } from 'zod'
import { readYaml } from './reason.ts'

const zones = z.array(z.string().refine((zone) => IANAZone.isValidZone(zone), 'is no time zone')).min(1)
const tableSchema = z.strictObject({
  countries: z.record(z.string().regex(/^[A-Z]{2}$/, 'must be two capital letters'), zones),
  prefixes: z.record(z.string().regex(/^\+\d{2,14}$/, 'must begin like a number: +1808'), zones),
})

/**
 * IANA names, the zone of most people first; undefined for a number that belongs to no known country.
 * @param phone E.164
 */
export type ZonesOf = (phone: string) => readonly string[] | undefined

/**
 * Reads `time-zones.yaml`.
 * @throws {Error} that names every mistake in it
 */
export function loadTimeZones(configDir: string): ZonesOf {
  const { countries, prefixes } = readYaml(`${configDir}/time-zones.yaml`, tableSchema)
  const longestFirst = Object.keys(prefixes).sort((a, b) => b.length - a.length)
  return (phone) => {
    const prefix = longestFirst.find((start) => phone.startsWith(start))
    if (prefix) return prefixes[prefix]
    const country = parsePhoneNumberFromString(phone)?.country
    return country && countries[country]
  }
}
