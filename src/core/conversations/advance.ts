/** From one answer of a customer to everything that follows from it, as rows to write. */

import { randomBytes } from 'node:crypto'
import type { AccountSettings } from '../accounts/settings.ts'
import { type ActivityRecord, activityRecord } from '../activity/activity-event.ts'
import { canonicalPhone } from '../contacts/canonical-phone.ts'
import type { Contact } from '../contacts/contact.ts'
import type { Heard } from '../inbound/hear-wishes.ts'
import type { PendingReply } from '../inbound/inbound-store.ts'
import { isWorded } from '../inbound/reply-kinds.ts'
import type { Action } from '../notifications/reason.ts'
import type { TemplateCatalog } from '../notifications/template-catalog.ts'
import type { OutgoingDraft } from '../sending/outgoing-message.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import { answerContent } from './answer.ts'
import { parseButtonPayload } from './button-payload.ts'
import type { StoredConversation } from './conversation-store.ts'
import type { Flows, FlowsOverride } from './flows.ts'
import type { NdrDraft } from './ndr-store.ts'
import { type CustomerMove, nextStep, type Step } from './next-step.ts'

export interface AdvanceDeps {
  /** The flows with an account's own wishes. */
  readonly flowsFor: (override: FlowsOverride | undefined) => Flows
  readonly catalog: TemplateCatalog
  /** Base of links to ourselves. */
  readonly publicUrl: string
  readonly now: () => Date
}

/** A reply and all that bears on what follows from it. */
export interface Turn {
  readonly reply: PendingReply
  /** The customer, as known before this reply. */
  readonly contact: Contact | undefined
  /** What it says about being written to, and what holds now. */
  readonly wish: Heard | undefined
  readonly root: OutgoingRecord
  readonly known: StoredConversation
  readonly settings: AccountSettings
  /** The decision that was taken before is held and not pushed. */
  readonly isUnpushed: boolean
  /** A dialogue of the provider's asks and answers. */
  readonly isCarriedElsewhere: boolean
}

export interface Advance {
  readonly conversation: StoredConversation
  readonly activity: ActivityRecord
  readonly followUp?: OutgoingDraft
  readonly ndr?: NdrDraft
  /** The decision takes the place of one that was not pushed yet. */
  readonly isChange: boolean
  readonly eventSubType: string
}

/** Takes one reply as the next move of its conversation. */
export function advance(deps: AdvanceDeps, turn: Turn): Advance {
  const { reply, root, known, settings } = turn
  const now = deps.now()
  const flows = deps.flowsFor(settings.flows)
  const step = nextStep(flows, known, moveOf(turn), {
    now,
    timezone: settings.timezone,
    startedAt: root.createdAt,
    courierName: root.snapshot.courierName,
    hasChoices: offeredActions(root).length > 0,
    isPaused: isPaused(turn, flows, now),
    isRefused: turn.wish?.isRefused ?? false,
    isUnpushed: turn.isUnpushed,
    isCarriedElsewhere: turn.isCarriedElsewhere,
  })
  const followUp = followUpOf(deps, turn, step, flows)
  return {
    conversation: { ...known, ...step.conversation, ...(step.ndr ? { decidedAt: now } : {}) },
    activity: activityRecord(root, {
      ...step.activity,
      at: reply.receivedAt,
      reply: { messageId: reply.messageId },
      discriminator: reply.messageId,
    }),
    ...(followUp ? { followUp } : {}),
    ...(step.ndr ? { ndr: ndrOf(turn, step, step.ndr, pushTime(flows, now), now) } : {}),
    isChange: known.decision !== undefined,
    eventSubType: step.activity.eventSubType,
  }
}

const isPaused = ({ contact }: Turn, { humanPauseMinutes }: Flows, now: Date): boolean =>
  contact?.humanWroteAt !== undefined &&
  contact.humanWroteAt !== null &&
  now.getTime() < contact.humanWroteAt.getTime() + humanPauseMinutes * 60_000

function moveOf({ root, reply, wish }: Turn): CustomerMove {
  if (wish?.word) return { type: 'wish', word: wish.word, isNews: wish.isNews }
  const payload = parseButtonPayload(reply.buttonId ?? undefined)
  const isOurs = payload?.reference === root.reference
  if (payload && isOurs) return { type: 'tap', action: payload.action, value: payload.value }
  return { type: isWorded(reply.type) ? 'words' : 'other' }
}

/** An answer that comes later than that would only surprise. */
const usefulMs = 2 * 24 * 3_600_000

function followUpOf(deps: AdvanceDeps, turn: Turn, step: Step, flows: Flows): OutgoingDraft | undefined {
  const { reply, root } = turn
  if (!step.answer || root.connectionId === null) return undefined
  const reference = randomBytes(16).toString('base64url')
  const content = answerContent(deps.catalog, step.answer, {
    language: root.snapshot.language ?? 'en',
    texts: flows.texts,
    snapshot: root.snapshot,
    rootReference: root.reference,
    actions: offeredActions(root),
    linkUrl: `${deps.publicUrl}/track/whatsapp/${reference}`,
    linkAction: step.activity.eventSubType,
  })
  return {
    reference,
    accountId: root.accountId,
    kind: root.kind,
    subject: root.subjectType && root.subjectId ? { type: root.subjectType, id: root.subjectId } : undefined,
    // One answer per reply, however often the reply is looked at.
    idempotencyKey: `answer:${reply.connectionId}:${reply.id}`,
    reason: root.reason ?? undefined,
    // Where the customer wrote, the window is open; the message itself may have gone on elsewhere since.
    connectionId: reply.connectionId,
    ...recipientOf(turn),
    businessPhone: reply.connectionId === root.connectionId ? (root.businessPhone ?? undefined) : undefined,
    // What the customer answered tells the root's id where its own acceptance is still in doubt.
    root: { id: root.id, messageId: root.messageId ?? reply.contextMessageId ?? root.reference },
    content,
    snapshot: root.snapshot,
    route: { connectionId: reply.connectionId, why: 'the connection that the customer answered' },
    state: 'queued',
    dueAt: deps.now(),
    createdAt: askedForAt(turn, deps.now()),
    expiresAt: new Date(reply.receivedAt.getTime() + usefulMs),
  }
}

/** Never before an end that it knows of: replicas' clocks differ, and what was asked for before the end is not sent. */
const askedForAt = ({ known }: Turn, now: Date): Date =>
  known.closedAt !== undefined && known.closedAt > now ? known.closedAt : now

/** The address that the first message went to, unless the customer has another one since. */
function recipientOf({ root, reply, contact }: Turn) {
  const { customerPhone } = root
  const hasMoved = customerPhone !== null && contact?.formerPhone === canonicalPhone(customerPhone)
  const phone = (hasMoved ? contact?.phone : undefined) ?? customerPhone ?? reply.fromPhone
  const userId = reply.fromUserId ?? contact?.userId ?? root.customerUserId
  return { customerPhone: phone ?? undefined, customerUserId: userId ?? undefined }
}

/** The actions that the first message's buttons offered. */
const offeredActions = (root: OutgoingRecord): Action[] =>
  root.content?.type === 'template'
    ? root.content.buttons.flatMap((payload) => parseButtonPayload(payload)?.action ?? [])
    : []

const pushTime = ({ pushAfterMinutes }: Flows, now: Date): Date => new Date(now.getTime() + pushAfterMinutes * 60_000)

function ndrOf({ root, reply }: Turn, step: Step, ndr: NonNullable<Step['ndr']>, dueAt: Date, now: Date): NdrDraft {
  const { snapshot } = root
  const shipment = Number(root.subjectId)
  return {
    rootId: root.id,
    accountId: root.accountId,
    actionTaken: step.activity.eventSubType,
    replyMessageId: reply.messageId,
    dueAt,
    request: {
      idempotencyKey: `ndr:${root.reference}`,
      source: 'whatsapp',
      accountSlug: snapshot.accountSlug ?? '',
      shipmentId: Number.isSafeInteger(shipment) ? shipment : (root.subjectId ?? ''),
      trackingID: snapshot.trackingId ?? '',
      externalShipmentID: snapshot.externalShipmentId ?? '',
      ...ndr,
      customerPhone: root.customerPhone ?? reply.fromPhone ?? '',
      remarks: 'Chosen by the customer on WhatsApp',
      decidedAt: now.toISOString(),
    },
  }
}
