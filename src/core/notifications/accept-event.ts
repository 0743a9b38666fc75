/**
 * The story of an event, and of a message that somebody asks for: decide what is asked for, write that down, and start
 * what can start at once.
 */

import type { Connection } from '../accounts/connections.ts'
import type { Reservation } from '../sending/lane.ts'
import { type ClaimedMessage, type OutgoingDraft, priority } from '../sending/outgoing-message.ts'
import { callDeadline } from '../sending/outgoing-rows.ts'
import type { Claim, Inserted, OutgoingStore } from '../sending/outgoing-store.ts'
import { BatcherFullError } from '../storage/batcher.ts'
import type { Database, Executor } from '../storage/database.ts'
import { isDatabaseAway, isTransient } from '../storage/database-errors.ts'
import type { Ask, Decision, RefuseDecision, SendDecision } from './decision.ts'
import { type Gate, overtaken, passGates, type Refusal } from './gates/gate.ts'
import type { ShipmentEnd } from './kinds/shipment-end.ts'
import type { RejectedEvents, Rejection } from './rejected-events.ts'

export interface EventResult {
  /** The event's own key; the same however often it is delivered. */
  readonly eventId: string
  readonly outcome: 'queued' | 'skipped' | 'duplicate' | 'parked' | 'refused'
  readonly reason?: string
  readonly detail?: string
  /** Our id of the message that it led to, also when an earlier delivery did. */
  readonly messageId?: number
  readonly rejectedEventId?: number
  /** Whose message it is. */
  readonly accountId?: number
}

export interface AcceptDeps {
  readonly database: Database
  /** What may still turn a message away, in this order. */
  readonly gates: readonly Gate[]
  readonly outgoing: OutgoingStore
  readonly rejected: RejectedEvents
  /** Closes what is open about shipments that came to their end. */
  readonly endConversations: (tx: Executor, ends: readonly ShipmentEnd[]) => Promise<void>
  readonly reserve: (connection: Connection, recipient: string) => Reservation | undefined
  readonly wake: (connectionId: number) => void
  /** Puts messages that were never called back in line, if they are there, once the database answers again. */
  readonly giveBack: (claims: readonly Claim[]) => void
  readonly now: () => Date
}

/**
 * Accepts a group in one transaction; a bad event is parked and never costs its neighbours. When this resolves,
 * everything is committed: the events may be acknowledged.
 */
export async function acceptAll(deps: AcceptDeps, asks: readonly Ask[]): Promise<EventResult[]> {
  const decisions = await Promise.all(asks.map((ask) => ask()))
  const callBefore = callDeadline()
  const plans = decisions.map((decision) => plan(deps, decision))
  try {
    const results = await write(deps, plans)
    const beginning = plans.filter(({ reservation }) => reservation)
    const late = await overtaken(deps.gates, deps.database, beginning.flatMap(sendsOf))
    for (const [index, entry] of plans.entries()) {
      if (sendsOf(entry).some((message) => late.has(message))) putBack(deps, entry)
      else start(deps, entry, results[index], callBefore)
    }
    return results
  } catch (error) {
    for (const { reservation } of plans) reservation?.release()
    // The commit may have gone through and only its answer be lost; none of them was called.
    if (isDatabaseAway(error)) deps.giveBack(plans.flatMap(claimOf))
    throw error
  }
}

/** The claim decides about it, and looks at the end that it meets. */
function putBack({ giveBack }: AcceptDeps, entry: Plan): void {
  entry.reservation?.release()
  giveBack(claimOf(entry))
}

/** A decision and, when its call could start at once, the slot that was taken for it. */
interface Plan {
  readonly decision: Decision
  readonly reservation?: Reservation | undefined
}

function plan({ reserve, now }: AcceptDeps, decision: Decision): Plan {
  if (decision.type !== 'send' || decision.draft.dueAt > now()) return { decision }
  // It would take the slot of what goes before it.
  if (decision.draft.priority === priority.bulk) return { decision }
  const reservation = reserve(decision.connection, decision.draft.customerPhone ?? '')
  return { decision, reservation }
}

const claimOf = ({ decision, reservation }: Plan): Claim[] =>
  decision.type === 'send' && reservation ? [{ reference: decision.draft.reference, attempt: 1 }] : []

/** A message whose call starts at once is written already claimed, so that a crash leaves in doubt only such. */
const draftOf = ({ decision, reservation }: Plan): OutgoingDraft | undefined => {
  if (!('draft' in decision)) return undefined
  return reservation ? { ...decision.draft, state: 'sending' } : decision.draft
}

async function write(
  { database, gates, outgoing, rejected, endConversations, now }: AcceptDeps,
  plans: readonly Plan[],
): Promise<EventResult[]> {
  const rejections = plans.flatMap(({ decision }) => (decision.type === 'park' ? [decision.rejection] : []))
  const ends = plans.flatMap(({ decision }) => (decision.type === 'end' ? [decision.end] : []))
  const { decisions, inserted, parked } = await database.transaction(async (tx) => {
    // First, so that nothing is sent about a shipment whose end came in the same group.
    if (ends.length > 0) await endConversations(tx, ends)
    const written = await throughGates({ gates }, tx, plans)
    const drafts = written.flatMap((entry) => draftOf(entry) ?? [])
    const inserted = await outgoing.insert(tx, drafts, now())
    const newOnes = new Set(inserted.filter(({ isNew }) => isNew).map(({ reference }) => reference))
    const passed = written.flatMap(sendsOf).filter(({ draft }) => newOnes.has(draft.reference))
    if (passed.length > 0) for (const gate of gates) await gate.written?.(tx, passed)
    const parked = rejections.length > 0 ? await rejected.park(tx, rejections, now()) : []
    return { decisions: written.map(({ decision }) => decision), inserted, parked }
  })
  const nextInserted = inserted.values()
  const nextParked = parked.values()
  return decisions.map((decision) => {
    switch (decision.type) {
      case 'pass':
        return passedOver
      case 'end':
        return endResult(decision.end)
      case 'park':
        return parkedResult(decision, nextParked.next().value)
      case 'refuse':
        return refusedResult(decision)
      default:
        return messageResult(decision, nextInserted.next().value)
    }
  })
}

/** What a gate turns away is written all the same, with the reason. */
async function throughGates(
  { gates }: Pick<AcceptDeps, 'gates'>,
  tx: Executor,
  plans: readonly Plan[],
): Promise<readonly Plan[]> {
  const refused = await passGates(gates, tx, plans.flatMap(sendsOf))
  return plans.map((entry) => {
    const [message] = sendsOf(entry)
    const refusal = message && refused.get(message)
    return message && refusal ? { decision: skipped(message, refusal) } : entry
  })
}

const sendsOf = ({ decision }: Plan): SendDecision[] => (decision.type === 'send' ? [decision] : [])

const skipped = ({ draft }: SendDecision, failure: Refusal): Decision => ({
  type: 'skip',
  draft: { ...draft, state: 'skipped', failure, dueAt: undefined, quietUntil: undefined, expiresAt: undefined },
})

const passedOver: EventResult = { eventId: 'none', outcome: 'skipped', reason: 'no_notification_for_event' }

const endResult = ({ accountId, shipmentId, status }: ShipmentEnd): EventResult => ({
  eventId: `end:${accountId}:${shipmentId}:${status}`,
  outcome: 'skipped',
  reason: 'shipment_ended',
})

function parkedResult({ rejection }: Extract<Decision, { type: 'park' }>, id = 0): EventResult {
  const { reason, detail } = rejection
  return { eventId: `rejected:${id}`, outcome: 'parked', reason, detail, rejectedEventId: id }
}

const refusedResult = ({ refusal: { code, detail = code } }: RefuseDecision): EventResult => ({
  eventId: 'none',
  outcome: 'refused',
  reason: code,
  detail,
})

function messageResult(decision: Extract<Decision, { draft: unknown }>, inserted: Inserted | undefined): EventResult {
  const { draft } = decision
  const { idempotencyKey: eventId, accountId } = draft
  const facts = { eventId, accountId, ...(inserted ? { messageId: inserted.id } : {}) }
  if (inserted && !inserted.isNew) return { outcome: 'duplicate', ...facts }
  if (decision.type === 'send') return { outcome: 'queued', ...facts }
  return { outcome: 'skipped', ...facts, ...(draft.failure ? { reason: draft.failure.code } : {}) }
}

function start(
  { wake }: AcceptDeps,
  { decision, reservation }: Plan,
  result: EventResult | undefined,
  callBefore: number,
): void {
  if (decision.type !== 'send') return
  const isNew = result?.outcome === 'queued' && result.messageId !== undefined
  if (!isNew) reservation?.release()
  else if (reservation) reservation.start(firstAttempt(decision, result.messageId ?? 0, callBefore))
  else wake(decision.connection.id)
}

function firstAttempt({ draft, connection }: SendDecision, id: number, callBefore: number): ClaimedMessage {
  return {
    id,
    conversationId: draft.root?.id ?? id,
    reference: draft.reference,
    attempt: 1,
    accountId: draft.accountId,
    channelId: draft.snapshot.channelId,
    kind: draft.kind,
    isAnswer: false,
    connectionId: connection.id,
    customerPhone: draft.customerPhone,
    customerUserId: undefined,
    businessPhone: draft.businessPhone,
    contextMessageId: undefined,
    templateId: draft.templateId,
    content: draft.content,
    expiresAt: draft.expiresAt,
    callBefore,
  }
}

/**
 * Parks an event that the database refuses or that we stumble over: held, it would come again for ever.
 * @throws the error itself when the fault is the database's or ours for the moment, not the event's
 */
export async function parkUnstorable(deps: AcceptDeps, body: Buffer, error: unknown): Promise<EventResult> {
  if (isDatabaseAway(error) || isTransient(error) || error instanceof BatcherFullError) throw error
  const rejection: Rejection = { source: 'event', reason: 'not_storable', detail: String(error), body }
  const [id] = await deps.database.transaction((tx) => deps.rejected.park(tx, [rejection], deps.now()))
  return parkedResult({ type: 'park', rejection }, id)
}
