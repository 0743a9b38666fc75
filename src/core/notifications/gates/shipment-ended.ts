/** Events may come late, or be overtaken: nothing is sent about a shipment that came to its end. */

import { disproves, type EndOf, readEnds, revokeEnds, type Subject } from '../../conversations/shipment-ends.ts'
import { whyEnded } from '../../sending/after-end.ts'
import type { SendDecision } from '../decision.ts'
import type { Gate, Refusal } from './gate.ts'

export const shipmentEnded: Gate = {
  async refuse(tx, messages) {
    const endOf = await readEnds(tx, messages.map(subjectOf))
    const revoked = messages.filter((message) => endOf(subjectOf(message)) && !isTooLate(message, endOf))
    await revokeEnds(tx, revoked.map(subjectOf))
    return messages.map((message) => refusalOf(message, endOf))
  },
  async isOvertaken(database, messages) {
    const endOf = await readEnds(database, messages.map(subjectOf))
    return messages.map((message) => isTooLate(message, endOf))
  },
}

const subjectOf = ({ draft: { accountId, subject } }: SendDecision): Subject => ({
  accountId,
  subjectType: subject?.type ?? null,
  subjectId: subject?.id ?? null,
})

/** What happened clearly after the end, by the shipment's own log, shows that it goes on. */
function isTooLate(message: SendDecision, endOf: EndOf): boolean {
  const end = endOf(subjectOf(message))
  return end !== undefined && !disproves(message.happenedAt, end)
}

function refusalOf(message: SendDecision, endOf: EndOf): Refusal | undefined {
  const end = endOf(subjectOf(message))
  return end && isTooLate(message, endOf) ? { code: 'shipment_ended', detail: whyEnded(end.status) } : undefined
}
