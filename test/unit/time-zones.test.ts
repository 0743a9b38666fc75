import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { getCountries } from 'libphonenumber-js/min'
import { parse } from 'yaml'
import { loadTimeZones } from '../../src/core/notifications/time-zones.ts'
import { configDir } from '../../src/paths.ts'

const zonesOf = loadTimeZones(configDir)

describe("a recipient's time zones", () => {
  const cases: [phone: string, zones: readonly string[] | undefined][] = [
    ['+919810012345', ['Asia/Kolkata']],
    ['+34612345678', ['Europe/Madrid']],
    ['+18085551234', ['Pacific/Honolulu']],
    ['+80012345678', undefined],
  ]
  for (const [phone, zones] of cases) {
    it(`of ${phone} are ${zones ?? 'not known'}`, () => expect(zonesOf(phone)).to.deep.equal(zones))
  }

  it('are several in a large country', () => {
    expect(zonesOf('+12125550123')).to.include.members(['America/New_York', 'America/Los_Angeles'])
  })

  it('are known of every country that a number may have', () => {
    const { countries } = parse(readFileSync(`${configDir}/time-zones.yaml`, 'utf8'))
    expect(getCountries().filter((country) => !Object.hasOwn(countries, country))).to.deep.equal([])
  })
})
