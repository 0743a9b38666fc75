/** What we know about a customer on one connection, and what news makes of it: pure. */

import type { Address } from '../contract/address.ts'

export interface Contact {
  readonly connectionId: number
  /** Canonical, see {@link canonicalPhone}. */
  readonly phone: string | null
  readonly userId: string | null
  /** What they were before the customer changed them. */
  readonly formerPhone: string | null
  readonly formerUserId: string | null
  readonly name: string | null
  /** When the customer last wrote to this connection. */
  readonly lastInboundAt: Date | null
  /** When a person last wrote to the customer by hand. */
  readonly humanWroteAt: Date | null
  readonly hasOptedOutOfMarketing: boolean
  /** When that was last said, either way; the latest word counts, in whatever order the words come. */
  readonly marketingChangedAt: Date | null
  readonly marketingChangedBy: OptOutSource | null
}

/** What said that a customer wants no marketing messages: their setting at the provider, or a refused message. */
export type OptOutSource = 'preference' | 'refusal'

/** What happened to a contact; `at` is when it did. */
export type ContactChange =
  | { readonly type: 'wrote'; readonly at: Date; readonly name?: string | undefined }
  | { readonly type: 'human_wrote'; readonly at: Date }
  | { readonly type: 'marketing'; readonly isWanted: boolean; readonly by: OptOutSource; readonly at: Date }
  /** Another address, or a further one; what it does not name stays as it was. */
  | { readonly type: 'address'; readonly address: Address }

export const unknownContact = (connectionId: number): Contact => ({
  connectionId,
  phone: null,
  userId: null,
  formerPhone: null,
  formerUserId: null,
  name: null,
  lastInboundAt: null,
  humanWroteAt: null,
  hasOptedOutOfMarketing: false,
  marketingChangedAt: null,
  marketingChangedBy: null,
})

/** The contact after one change. Order and repeats of changes do not matter, except of addresses. */
export function withChange(contact: Contact, change: ContactChange): Contact {
  switch (change.type) {
    case 'wrote':
      return {
        ...contact,
        lastInboundAt: later(contact.lastInboundAt, change.at),
        name: change.name ?? contact.name,
      }
    case 'human_wrote':
      return { ...contact, humanWroteAt: later(contact.humanWroteAt, change.at) }
    case 'marketing':
      return withWish(contact, change)
    case 'address':
      return withAddress(contact, change.address)
  }
}

/** Two rows turned out to be one customer. */
export function merged(kept: Contact, other: Contact): Contact {
  const [newer, older] = laterWish(kept, other) ? [other, kept] : [kept, other]
  return {
    connectionId: kept.connectionId,
    phone: kept.phone ?? other.phone,
    userId: kept.userId ?? other.userId,
    formerPhone: kept.formerPhone ?? other.formerPhone,
    formerUserId: kept.formerUserId ?? other.formerUserId,
    name: kept.name ?? other.name,
    lastInboundAt: later(kept.lastInboundAt, other.lastInboundAt),
    humanWroteAt: later(kept.humanWroteAt, other.humanWroteAt),
    hasOptedOutOfMarketing: newer.marketingChangedAt
      ? newer.hasOptedOutOfMarketing
      : kept.hasOptedOutOfMarketing || other.hasOptedOutOfMarketing,
    marketingChangedAt: newer.marketingChangedAt ?? older.marketingChangedAt,
    marketingChangedBy: newer.marketingChangedBy ?? older.marketingChangedBy,
  }
}

const laterWish = (kept: Contact, other: Contact): boolean =>
  (other.marketingChangedAt?.getTime() ?? 0) > (kept.marketingChangedAt?.getTime() ?? 0)

const later = (known: Date | null, found: Date | null): Date | null =>
  !known || (found && found > known) ? found : known

function withWish(contact: Contact, wish: Extract<ContactChange, { type: 'marketing' }>): Contact {
  if (contact.marketingChangedAt && contact.marketingChangedAt > wish.at) return contact
  return {
    ...contact,
    hasOptedOutOfMarketing: !wish.isWanted,
    marketingChangedAt: wish.at,
    marketingChangedBy: wish.by,
  }
}

/** A known phone or user id is never forgotten for one that is absent; window and wishes go with the person. */
function withAddress(contact: Contact, { phone, userId }: Address): Contact {
  const isNewPhone = phone !== undefined && phone !== contact.phone
  const isNewUserId = userId !== undefined && userId !== contact.userId
  return {
    ...contact,
    phone: phone ?? contact.phone,
    userId: userId ?? contact.userId,
    formerPhone: isNewPhone ? (contact.phone ?? contact.formerPhone) : contact.formerPhone,
    formerUserId: isNewUserId ? (contact.userId ?? contact.formerUserId) : contact.formerUserId,
  }
}

/** May free-form content be sent to the customer now? Closed for whoever never wrote. */
export function isWindowOpen(contact: Contact | undefined, windowMs: number, now: Date): boolean {
  if (!contact?.lastInboundAt) return false
  return now.getTime() < contact.lastInboundAt.getTime() + windowMs - windowMarginMs
}

/** For queues and for clocks that differ: a call that begins now arrives while the window is still open. */
const windowMarginMs = 10 * 60_000
