/** Events in, put together. */

import { endConversations } from '../conversations/end-conversations.ts'
import type { CoreOptions } from '../core.ts'
import { acceptEvents, type EventResult, parkUnstorable } from '../notifications/accept-event.ts'
import { createDecide } from '../notifications/decide.ts'
import { recipientOptedOut } from '../notifications/gates/recipient-opted-out.ts'
import { shipmentEnded } from '../notifications/gates/shipment-ended.ts'
import type { ShipmentEnd } from '../notifications/kinds/shipment-end.ts'
import { createBatcher } from '../storage/batcher.ts'
import type { Executor } from '../storage/database.ts'
import type { Foundation } from './foundation.ts'
import type { Sending } from './sending.ts'

/** @returns the story of one event; events that come together are accepted in groups */
export function createAccepting(options: CoreOptions, foundation: Foundation, sending: Sending) {
  const { database, now, metrics } = options
  const {
    catalog,
    flows,
    kinds,
    reasons,
    templates,
    capabilities,
    settings,
    connections,
    templateHealth,
    platformConnection,
    outgoing,
    rejected,
    conversations,
    consents,
    batchSize,
  } = foundation
  const decide = createDecide({
    kinds,
    reasons,
    closing: new Set(Object.keys(flows.closing)),
    catalog,
    settings: settings.get,
    connection: connections.get,
    platformConnection,
    answers: ({ id }) => sending.lanes.answers(id),
    templateHealth: templateHealth.get,
    mapsTemplates: (connection) => capabilities(connection)?.templates === 'mapped',
    builtInTemplateId: templates.builtInId,
    isEnabled: options.isEnabled,
    now,
  })
  const accepting = {
    database,
    decide,
    gates: [shipmentEnded, recipientOptedOut(consents)],
    outgoing,
    rejected,
    endConversations: (tx: Executor, ends: readonly ShipmentEnd[]) =>
      endConversations({ database, outgoing, conversations }, tx, ends, now()),
    reserve: sending.lanes.reserve,
    wake: sending.wake,
    giveBack: sending.giveBack,
    now,
  }
  const events = createBatcher<Buffer, EventResult>({
    flush: (bodies) => acceptEvents(accepting, bodies),
    onFlush: batchSize('events'),
  })
  return async (body: Buffer): Promise<EventResult> => {
    const result = await events.add(body).catch((error) => parkUnstorable(accepting, body, error))
    metrics.events.inc({ outcome: result.outcome })
    return result
  }
}
