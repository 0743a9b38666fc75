/**
 * One way to write a phone that networks write in two: some WhatsApp numbers lack or carry a digit that the country's
 * own numbers have. Only for comparing; the phone that a message is sent to is never rewritten.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
 */

interface Variant {
  readonly written: RegExp
  readonly canonical: string
}

const variants: readonly Variant[] = [
  // Brazil: mobile numbers without their ninth digit.
  { written: /^\+55(\d{2})([6-9]\d{7})$/, canonical: '+55$19$2' },
  // Mexico: 1 after the country code.
  { written: /^\+521(\d{10})$/, canonical: '+52$1' },
  // Argentina: 9 after the country code.
  { written: /^\+549(\d{10})$/, canonical: '+54$1' },
]

/** @param phone E.164 */
export function canonicalPhone(phone: string): string {
  const variant = variants.find(({ written }) => written.test(phone))
  return variant ? phone.replace(variant.written, variant.canonical) : phone
}

const spellings: readonly Variant[] = [
  { written: /^\+55(\d{2})9([6-9]\d{7})$/, canonical: '+55$1$2' },
  { written: /^\+52(\d{10})$/, canonical: '+521$1' },
  { written: /^\+54(\d{10})$/, canonical: '+549$1' },
]

/** Every way in which the same phone may stand in our rows: as given, canonical, and as networks write it. */
export function phoneSpellings(phone: string): string[] {
  const canonical = canonicalPhone(phone)
  const other = spellings.find(({ written }) => written.test(canonical))
  return [...new Set([phone, canonical, ...(other ? [canonical.replace(other.written, other.canonical)] : [])])]
}
