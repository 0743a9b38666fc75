/** Events in, put together. */

import { endConversations } from '../conversations/end-conversations.ts'
import type { CoreOptions } from '../core.ts'
import { acceptEvents, type EventResult, parkUnstorable } from '../notifications/accept-event.ts'
import { createDecide } from '../notifications/decide.ts'
import { recipientOptedOut } from '../notifications/gates/recipient-opted-out.ts'
import { shipmentEnded } from '../notifications/gates/shipment-ended.ts'
import type { ShipmentEnd } from '../notifications/kinds/shipment-end.ts'
import { createBalance } from '../observe/balance.ts'
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
    morning: foundation.morning.of,
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
  const balance = createBalance()
  /** Counted where it is committed, in one turn with the end of the group: a scrape never falls between the two. */
  const settled = (results: readonly EventResult[]) => {
    balance.out(results.length)
    for (const { outcome, accountId } of results) {
      metrics.events.inc({ outcome })
      if (outcome === 'queued') metrics.firstMessages.inc({ account: String(accountId), stage: 'queued' })
    }
  }
  const events = createBatcher<Buffer, EventResult>({
    flush: async (bodies) => {
      const results = await acceptEvents(accepting, bodies)
      settled(results)
      return results
    },
    onFlush: batchSize('events'),
  })
  let parking = 0
  metrics.onScrape(() =>
    metrics.invariantDrift.set({ invariant: 'events' }, Math.abs(balance.missing(events.size() + parking))),
  )
  const park = async (body: Buffer, error: unknown): Promise<EventResult> => {
    parking++
    try {
      const result = await parkUnstorable(accepting, body, error)
      settled([result])
      return result
    } catch (cause) {
      balance.out()
      metrics.eventsPutOff.inc()
      throw cause
    } finally {
      parking--
    }
  }
  return (body: Buffer): Promise<EventResult> => {
    balance.in()
    return events.add(body).catch((error) => park(body, error))
  }
}
