/** Events in, put together. */

import { createServiceWindow } from '../contacts/service-window.ts'
import { endConversations } from '../conversations/end-conversations.ts'
import type { CoreOptions } from '../core.ts'
import { acceptAll, type EventResult, parkUnstorable } from '../notifications/accept-event.ts'
import { createDecide } from '../notifications/decide.ts'
import type { Ask } from '../notifications/decision.ts'
import { bulkCancelled } from '../notifications/gates/bulk-cancelled.ts'
import { guarded } from '../notifications/gates/guarded.ts'
import { recipientOptedOut } from '../notifications/gates/recipient-opted-out.ts'
import { shipmentEnded } from '../notifications/gates/shipment-ended.ts'
import { createGuardFacts } from '../notifications/guards/guard-facts.ts'
import { type AgentMessage, agentMessage, agentNotice } from '../notifications/kinds/agent-message.ts'
import type { ShipmentEnd } from '../notifications/kinds/shipment-end.ts'
import { createBalance } from '../observe/balance.ts'
import { createBatcher } from '../storage/batcher.ts'
import type { Executor } from '../storage/database.ts'
import type { Foundation } from './foundation.ts'
import type { Sending } from './sending.ts'

/** What a message comes from. */
export interface Asking {
  /** The bulk that it is a line of. */
  readonly bulkId?: number
  readonly correlationId?: string | undefined
}

/** How an event came. */
export interface Delivery {
  readonly correlationId?: string | undefined
  /** Tells events apart that carry no id of their own; the same when one is repeated. */
  readonly deliveryId?: string | undefined
}

/** @returns the stories of one event and of one message that is asked for; what comes together is accepted in groups */
export function createAccepting(options: CoreOptions, foundation: Foundation, sending: Sending) {
  const { database, now, log, metrics } = options
  const {
    catalog,
    flows,
    kinds,
    reasons,
    templates,
    capabilities,
    contacts,
    providerById,
    templateStore,
    settings,
    connections,
    templateHealth,
    platformConnection,
    outgoing,
    rejected,
    connectionEvents,
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
    listedTemplates: templateStore.listed,
    takesFreeForm: (connection) => capabilities(connection)?.freeForm ?? false,
    serviceWindow: createServiceWindow({
      find: (wanted) => contacts.find(database, wanted),
      serviceWindowMs: (provider) => providerById(provider)?.capabilities.serviceWindowMs,
      now,
    }),
    guardFacts: createGuardFacts(foundation.prices, now),
    isEnabled: options.isEnabled,
    now,
  })
  const accepting = {
    database,
    gates: [
      shipmentEnded,
      recipientOptedOut(consents),
      bulkCancelled(database.forUpdate),
      // Last: what another one turns away must not be counted.
      guarded({ database, connectionEvents, log, now }),
    ],
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
  const batcher = createBatcher<Ask, EventResult>({
    flush: async (asks) => {
      await sending.outcomesKeepUp()
      const results = await acceptAll(accepting, asks)
      settled(results)
      return results
    },
    onFlush: batchSize('events'),
  })
  let parking = 0
  metrics.onScrape(() =>
    metrics.invariantDrift.set({ invariant: 'events' }, Math.abs(balance.missing(batcher.size() + parking))),
  )
  const report = (facts: object, { outcome, reason, messageId, rejectedEventId }: EventResult) => {
    const conversationId = messageId === undefined ? undefined : String(messageId)
    // What is parked somebody has to look at.
    const level = outcome === 'parked' ? 'info' : 'debug'
    log[level]({ outcome, ...facts, conversationId, reason, rejectedEventId }, 'event taken in')
  }
  const putOff = (cause: unknown): never => {
    balance.out()
    metrics.eventsPutOff.inc()
    throw cause
  }
  const park = async (body: Buffer, error: unknown): Promise<EventResult> => {
    parking++
    try {
      const result = await parkUnstorable(accepting, body, error)
      settled([result])
      return result
    } catch (cause) {
      return putOff(cause)
    } finally {
      parking--
    }
  }
  return {
    async event(body: Buffer, { correlationId, deliveryId }: Delivery = {}): Promise<EventResult> {
      balance.in()
      const result = await batcher.add(() => decide.event(body, deliveryId)).catch((error) => park(body, error))
      report({ correlationId, eventId: result.eventId }, result)
      return result
    },
    /** @param key the same however often the same message is asked for; unique within the account */
    async message(message: AgentMessage, key: string, { bulkId, correlationId }: Asking = {}): Promise<EventResult> {
      balance.in()
      const notice = agentNotice(message, key, bulkId)
      const result = await batcher.add(() => decide.notice(agentMessage, notice)).catch(putOff)
      // The key is the caller's own choice, and may name somebody.
      report({ correlationId }, result)
      return result
    },
  }
}
