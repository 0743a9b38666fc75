/**
 * Nothing is sent, nor paid for, to somebody who does not want it. Who says so later, while the message waits, is heard
 * right before the call (see sending/permission.ts).
 */

import type { Consents } from '../../contacts/consent.ts'
import type { ConsentStore } from '../../contacts/consent-store.ts'
import type { Address } from '../../contract/address.ts'
import { whyRefused } from '../../sending/permission.ts'
import type { SendDecision } from '../decision.ts'
import type { Gate, Refusal } from './gate.ts'

export const recipientOptedOut = (store: Pick<ConsentStore, 'read'>): Gate => ({
  async refuse(tx, messages) {
    const consents = await store.read(tx, messages.map(addressOf))
    return messages.map((message) => refusalOf(message, consents))
  },
})

const addressOf = ({ draft: { customerPhone, customerUserId } }: SendDecision): Address => ({
  ...(customerPhone ? { phone: customerPhone } : {}),
  ...(customerUserId ? { userId: customerUserId } : {}),
})

function refusalOf(message: SendDecision, consents: Consents): Refusal | undefined {
  const { draft, connection } = message
  const accountIds = [draft.accountId, connection.accountId]
  const detail = whyRefused(draft.content, consents.refused({ accountIds, address: addressOf(message) }))
  return detail === undefined ? undefined : { code: 'recipient_opted_out', detail }
}
