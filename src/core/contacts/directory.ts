/** Contacts in memory by their addresses, while a group of changes is worked out. */

import type { Address } from '../contract/address.ts'
import { canonicalPhone } from './canonical-phone.ts'
import { type Contact, type ContactChange, merged, unknownContact, withChange } from './contact.ts'

/** A contact and its row; without a row it is not stored yet. */
export interface Entry {
  readonly id: number | undefined
  contact: Contact
}

export interface Directory {
  find(connectionId: number, address: Address): Contact | undefined
  /** Changes a contact, and joins contacts that turn out to be one person. */
  change(connectionId: number, address: Address, change: ContactChange): void
  /** What is different from the rows that it was made of. */
  outcome(): { readonly changed: readonly Entry[]; readonly goneIds: readonly number[] }
}

export function createDirectory(rows: readonly Entry[]): Directory {
  const entries = new Map<string, Entry>()
  const changed = new Set<Entry>()
  const goneIds: number[] = []

  const enter = (entry: Entry) => {
    for (const key of keysOf(entry.contact.connectionId, entry.contact)) entries.set(key, entry)
  }
  const leave = (entry: Entry) => {
    for (const [key, known] of entries) if (known === entry) entries.delete(key)
  }
  const join = (kept: Entry, other: Entry): Entry => {
    leave(other)
    changed.delete(other)
    if (other.id !== undefined) goneIds.push(other.id)
    kept.contact = merged(kept.contact, other.contact)
    changed.add(kept)
    enter(kept)
    return kept
  }
  const resolve = (connectionId: number, address: Address): Entry | undefined => {
    const [kept, ...others] = new Set(keysOf(connectionId, address).flatMap((key) => entries.get(key) ?? []))
    return kept && others.reduce(join, kept)
  }

  for (const row of rows) enter({ ...row })
  return {
    find: (connectionId, address) =>
      keysOf(connectionId, address)
        .map((key) => entries.get(key)?.contact)
        .find(Boolean),
    change(connectionId, address, change) {
      const entry = resolve(connectionId, address) ?? { id: undefined, contact: unknownContact(connectionId) }
      const named = withChange(entry.contact, { type: 'address', address: canonical(address) })
      const next = withChange(named, canonicalChange(change))
      if (entry.id !== undefined && isSame(next, entry.contact)) return
      leave(entry)
      entry.contact = next
      changed.add(entry)
      // Whoever stands at the address that this contact has now is the same person.
      const other = resolve(connectionId, addressOf(next))
      if (other) join(entry, other)
      else enter(entry)
    },
    outcome: () => ({ changed: [...changed], goneIds }),
  }
}

const canonical = ({ phone, userId }: Address): Address => ({
  ...(phone ? { phone: canonicalPhone(phone) } : {}),
  ...(userId ? { userId } : {}),
})

const canonicalChange = (change: ContactChange): ContactChange =>
  change.type === 'address' ? { ...change, address: canonical(change.address) } : change

const addressOf = ({ phone, userId }: Contact): Address => ({
  ...(phone ? { phone } : {}),
  ...(userId ? { userId } : {}),
})

/** The user id first: it stays the same person's when a phone number goes to somebody else. */
const keysOf = (
  connectionId: number,
  { phone, userId }: { readonly phone?: string | null; readonly userId?: string | null },
): string[] => [
  ...(userId ? [`${connectionId}/id/${userId}`] : []),
  ...(phone ? [`${connectionId}/phone/${canonicalPhone(phone)}`] : []),
]

const isSame = (a: Contact, b: Contact): boolean => JSON.stringify(a) === JSON.stringify(b)
