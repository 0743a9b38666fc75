import { expect } from 'chai'
import { decimalText, moneyText } from '../../src/core/notifications/amounts.ts'
import { safeParameter } from '../../src/core/notifications/parameters.ts'

const india = '+919810012345'
const spain = '+34612345678'
const germany = '+4915123456789'

describe('amounts in the form of who reads them', () => {
  const decimals: readonly [label: string, phone: string, language: string, expected: string][] = [
    ['English in India: by lakhs', india, 'en', '12,34,567.50'],
    ['Hindi in India: by lakhs, in Latin digits', india, 'hi', '12,34,567.50'],
    ['Marathi in India: no other digits either', india, 'mr', '12,34,567.50'],
    ['Spanish in Spain', spain, 'es', '1.234.567,50'],
    ['German in Germany, however the tag is written', germany, 'de_AT', '1.234.567,50'],
    ['English in the United States', '+12025550123', 'en_IN', '1,234,567.50'],
    ['a number of no country: as the language has it', '+8835100012345', 'en', '1,234,567.50'],
  ]
  for (const [label, phone, language, expected] of decimals) {
    it(label, () => expect(decimalText(1_234_567.5, { phone, language })).to.equal(expected))
  }

  const money: readonly [label: string, amount: number, currency: string, expected: string][] = [
    ['euros in Spain', 1889.1, 'EUR', '1889,10 €'],
    ['small letters', 12345.6, 'eur', '12.345,60 €'],
    ['yen have no decimals', 12345, 'JPY', '12.345 JPY'],
    ['a currency that nobody knows', 12.5, 'QQQ', '12,50 QQQ'],
    ['a sign in place of a code', 12.5, '€', '12,50 €'],
    ['words in place of a code', 12.5, 'euros', '12,50 euros'],
  ]
  for (const [label, amount, currency, expected] of money) {
    it(label, () =>
      expect(safeParameter(moneyText(amount, currency, { phone: spain, language: 'es' }))).to.equal(expected),
    )
  }

  it('rupees in India', () =>
    expect(moneyText(1_234_567.5, 'INR', { phone: india, language: 'en' })).to.equal('₹12,34,567.50'))

  it('one reader does not change what another reads', () => {
    const texts = () => [spain, india].map((phone) => moneyText(12345.6, 'EUR', { phone, language: 'en' }))
    const before = texts()
    for (let n = 0; n < 600; n++)
      moneyText(n, `X${String.fromCharCode(65 + (n % 26))}${String.fromCharCode(65 + n / 26)}`, {
        phone: spain,
        language: 'es',
      })
    expect(texts()).to.deep.equal(before)
  })
})
