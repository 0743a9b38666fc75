/** What the kinds of customers' messages mean to us; the words are the contract's (`CustomerReply.replyType`). */

/** Something that a person wrote or recorded, and may expect an answer to. */
const worded: ReadonlySet<string> = new Set([
  'text',
  'image',
  'video',
  'audio',
  'document',
  'sticker',
  'location',
  'contacts',
])

/** Changes of, or signs on, other messages, and notes of the provider's own: no message of the customer's. */
const signs: ReadonlySet<string> = new Set(['reaction', 'edit', 'revoke', 'system'])

/** Can be a word by itself: typed, or a button that says it. */
export const isSpoken = (type: string): boolean => type === 'text' || type === 'button'

export const isWorded = (type: string): boolean => worded.has(type)

/** Does it open the provider's window for free text? A sign may not; then answers are held back rather than refused. */
export const opensWindow = (type: string): boolean => !signs.has(type)

/** Is it the customer's doing at all? */
export const isByCustomer = (type: string): boolean => type !== 'system'
