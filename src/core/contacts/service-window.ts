/** May free text be sent to a customer, and until when? Asked before a message is written; its call asks again. */

import type { Connection } from '../accounts/connections.ts'
import { createBatcher } from '../storage/batcher.ts'
import { type Contact, windowClosesAt } from './contact.ts'
import type { ContactAddress } from './contact-store.ts'

export interface ServiceWindow {
  readonly isOpen: boolean
  /** When the customer last wrote to this connection. */
  readonly lastInboundAt: Date | null
  /** Undefined: never, or there is none. */
  readonly closesAt: Date | undefined
}

export interface ServiceWindowDeps {
  /** Contacts at these addresses, in their order. */
  readonly find: (wanted: readonly ContactAddress[]) => Promise<(Contact | undefined)[]>
  readonly serviceWindowMs: (provider: string) => number | undefined
  readonly now: () => Date
}

export type FindWindow = (connection: Pick<Connection, 'id' | 'provider'>, phone: string) => Promise<ServiceWindow>

const always: ServiceWindow = { isOpen: true, lastInboundAt: null, closesAt: undefined }

/** Look-ups of messages that are accepted together go together. */
export function createServiceWindow({ find, serviceWindowMs, now }: ServiceWindowDeps): FindWindow {
  const contacts = createBatcher<ContactAddress, Contact | undefined>({ flush: find, inFlight: 4 })
  return async ({ id, provider }, phone) => {
    const windowMs = serviceWindowMs(provider)
    if (windowMs === undefined) return always
    const contact = await contacts.add({ connectionId: id, address: { phone } })
    const closesAt = windowClosesAt(contact, windowMs)
    return {
      isOpen: closesAt !== undefined && now() < closesAt,
      lastInboundAt: contact?.lastInboundAt ?? null,
      closesAt,
    }
  }
}
