import { expect } from 'chai'
import fc from 'fast-check'
import { toE164 } from '../../src/core/notifications/phone.ts'

const cases: readonly [raw: string, country: string, expected: string | undefined][] = [
  ['9810012345', 'IN', '+919810012345'],
  ['+91 98100-12345', 'IN', '+919810012345'],
  ['0091 98100 12345', 'IN', '+919810012345'],
  ['0091 98100 12345', 'US', '+919810012345'],
  ['09810012345', 'IN', '+919810012345'],
  ['919810012345', 'IN', '+919810012345'],
  ['+91 0 98100 12345', 'IN', '+919810012345'],
  ['(981) 001-2345', 'in', '+919810012345'],
  ['٩٨١٠٠١٢٣٤٥', 'IN', '+919810012345'],
  ['९८१००१२३४५', 'IN', '+919810012345'],
  ['＋９１９８１００１２３４５', 'IN', '+919810012345'],
  ['\u202a+91 98100 12345\u202c', 'IN', '+919810012345'],
  ['+34 612 34 56 78', 'IN', '+34612345678'],
  ['612345678', 'ES', '+34612345678'],
  ['+919810012345', 'no country', '+919810012345'],
  ['9810012345', 'no country', undefined],
  ['98100ABCDE', 'IN', undefined],
  ['9810012345 ext 5', 'IN', undefined],
  ['981001', 'IN', undefined],
  ['98100123456789', 'IN', undefined],
  ['981001234', 'IN', undefined],
  ['98100123456', 'IN', undefined],
  ['+12005550123', 'IN', undefined],
  ['0000000000', 'IN', undefined],
  ['9810012345/9810012346', 'IN', undefined],
  ['98+10012345', 'IN', undefined],
  ['XXXXXX2345', 'IN', undefined],
  ['', 'IN', undefined],
  ['+', 'IN', undefined],
]

describe('phone', () => {
  for (const [raw, country, expected] of cases) {
    it(`${JSON.stringify(raw)} in ${country} is ${expected ?? 'refused'}`, () =>
      expect(toE164(raw, country)).to.equal(expected))
  }

  it('gives E.164 or nothing, whatever is written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (raw, country) => {
        const phone = toE164(raw, country)
        return phone === undefined || /^\+[1-9]\d{6,14}$/.test(phone)
      }),
    )
  })

  it('leaves a number alone that is E.164 already', () => {
    fc.assert(
      fc.property(fc.integer({ min: 7000000000, max: 9999999999 }), (digits) => {
        const phone = toE164(String(digits), 'IN')
        return phone === undefined || toE164(phone, 'US') === phone
      }),
    )
  })
})
