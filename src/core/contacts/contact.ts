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
}

/** What happened to a contact; `at` is when it did. */
export type ContactChange =
  | { readonly type: 'wrote'; readonly at: Date; readonly name?: string | undefined }
  | { readonly type: 'human_wrote'; readonly at: Date }
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
    case 'address':
      return withAddress(contact, change.address)
  }
}

/** Two rows turned out to be one customer. */
export const merged = (kept: Contact, other: Contact): Contact => ({
  connectionId: kept.connectionId,
  phone: kept.phone ?? other.phone,
  userId: kept.userId ?? other.userId,
  formerPhone: kept.formerPhone ?? other.formerPhone,
  formerUserId: kept.formerUserId ?? other.formerUserId,
  name: kept.name ?? other.name,
  lastInboundAt: later(kept.lastInboundAt, other.lastInboundAt),
  humanWroteAt: later(kept.humanWroteAt, other.humanWroteAt),
})

const later = (known: Date | null, found: Date | null): Date | null =>
  !known || (found && found > known) ? found : known

/** A known phone or user id is never forgotten for one that is absent; the window goes with the person. */
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
  const closesAt = windowClosesAt(contact, windowMs)
  return closesAt !== undefined && now < closesAt
}

/** Until when free-form content may be sent; undefined for whoever never wrote. */
export const windowClosesAt = (contact: Contact | undefined, windowMs: number): Date | undefined =>
  contact?.lastInboundAt ? new Date(contact.lastInboundAt.getTime() + windowMs - windowMarginMs) : undefined

/** For queues and for clocks that differ: a call that begins now arrives while the window is still open. */
const windowMarginMs = 10 * 60_000
