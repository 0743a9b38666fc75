/** Events of this world, and what they ask for. */

import type { Connection } from '../../../src/core/accounts/connections.ts'
import type { Decision } from '../../../src/core/notifications/decision.ts'
import { parseEvent } from '../../../src/core/notifications/parse-event.ts'
import type { Random } from '../random.ts'
import type { Connections } from './connections.ts'

export interface SimulatedEvent {
  readonly key: string
  readonly phone: string
  readonly connectionId: number
  readonly usefulMs: number
}

/** Of recipient number 1, 2, ... */
export const phoneOf = (recipient: number): string => `+9198000000${10 + recipient}`

export const bodyOf = (event: SimulatedEvent): Buffer => Buffer.from(JSON.stringify(event))

/** Decides as the gateway does, without settings and templates: they are no part of the protocol. */
export const createDecide =
  (deps: { readonly connections: Connections; readonly random: Random; readonly now: () => Date }) =>
  async (body: Buffer): Promise<Decision> => {
    const parsed = parseEvent(body)
    if (!parsed.ok) return { type: 'park', rejection: { source: 'event', body, ...parsed } }
    const event = parsed.value as SimulatedEvent
    const connection = await deps.connections.get(event.connectionId)
    if (!connection) throw new Error('no such connection')
    return asked(event, connection, deps.random.reference(), deps.now())
  }

const asked = (event: SimulatedEvent, connection: Connection, reference: string, now: Date): Decision => ({
  type: 'send',
  connection,
  draft: {
    reference,
    accountId: 1,
    kind: 'fdr',
    subject: { type: 'event', id: event.key },
    idempotencyKey: `fdr/${event.key}`,
    reason: 'not_at_home',
    connectionId: connection.id,
    customerPhone: event.phone,
    businessPhone: connection.businessPhone,
    content: {
      type: 'template',
      template: { name: 'ndr', language: 'en' },
      values: { event: event.key },
      buttons: [],
    },
    snapshot: { orderNumber: event.key },
    route: { connectionId: connection.id, why: 'its own' },
    state: 'queued',
    dueAt: now,
    expiresAt: new Date(now.getTime() + event.usefulMs),
  },
})
