/** Made-up ids in Meta's forms. Message ids must not repeat across restarts, so they are not drawn from the seed. */

import { randomBytes } from 'node:crypto'

const processPart = randomBytes(12)
let messageCount = 0
let objectCount = 0

/** A message id: `wamid.` and base64, as opaque as Meta's. */
export function newMessageId(): string {
  const bytes = Buffer.allocUnsafe(21)
  bytes.set([0x1c, 0x18, 0x0c])
  bytes.set(processPart, 3)
  bytes.writeUIntBE(++messageCount, 15, 6)
  return `wamid.${bytes.toString('base64')}`
}

/** A 15-digit id for templates. */
export const newObjectId = (): string => String(650_000_000_000_000 + ++objectCount)

const countryPrefixes = [
  ['91', 'IN'],
  ['49', 'DE'],
  ['34', 'ES'],
  ['44', 'GB'],
  ['1', 'US'],
] as const

/** The business-scoped user id of a customer; it holds the phone, so that a message to the id reaches the customer. */
export function userIdOf(waId: string): string {
  const country = countryPrefixes.find(([prefix]) => waId.startsWith(prefix))?.[1] ?? 'ZZ'
  return `${country}.${waId.padStart(17, '0')}`
}

/** The customer behind a user id. */
export const waIdOf = (userId: string): string => userId.slice(3).replace(/^0+/, '')
