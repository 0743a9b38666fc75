/** Amounts as the recipient writes them: pure. */

import { countryOf } from './phone.ts'

/** Who reads it. */
export interface Reader {
  /** E.164: the country decides how digits are grouped, in India by lakhs. */
  readonly phone: string
  /** Of the template around it. */
  readonly language: string
}

/** `12,34,567.50` in India, `1.234.567,50` in Spain: two decimals, Latin digits. */
export const decimalText = (amount: number, reader: Reader): string =>
  formatOf(localeOf(reader), { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(amount)

/**
 * `₹1,889.10`, `1.889,10 €`, with as many decimals as the currency has.
 * @param currency ISO 4217; whatever else it says stands behind the number
 */
export const moneyText = (amount: number, currency: string, reader: Reader): string =>
  /^[a-z]{3}$/i.test(currency)
    ? formatOf(localeOf(reader), { style: 'currency', currency: currency.toUpperCase() }).format(amount)
    : `${decimalText(amount, reader)} ${currency}`

function localeOf({ phone, language }: Reader): string {
  const base = language.split(/[-_]/)[0] ?? ''
  const country = countryOf(phone)
  return country ? `${base}-${country}` : base
}

/** Making one costs a hundred times what using it does. */
const formats = new Map<string, Intl.NumberFormat>()
const mostFormats = 500

function formatOf(locale: string, style: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${locale}/${style.currency ?? ''}`
  const known = formats.get(key)
  if (known) return known
  const format = new Intl.NumberFormat(locale, { ...style, numberingSystem: 'latn' })
  if (formats.size >= mostFormats) formats.clear()
  formats.set(key, format)
  return format
}
