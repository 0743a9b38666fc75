/** From one answer of a customer to everything that follows from it, as rows to write. */

import { randomBytes } from 'node:crypto'
import type { AccountSettings } from '../accounts/settings.ts'
import { type ActivityRecord, activityRecord } from '../activity/activity-event.ts'
import type { PendingReply } from '../inbound/inbound-store.ts'
import type { Action } from '../notifications/reason.ts'
import type { TemplateCatalog } from '../notifications/template-catalog.ts'
import type { OutgoingDraft } from '../sending/outgoing-message.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import { answerContent } from './answer.ts'
import { parseButtonPayload } from './button-payload.ts'
import type { StoredConversation } from './conversation-store.ts'
import type { Flows } from './flows.ts'
import type { NdrDraft } from './ndr-store.ts'
import { type CustomerMove, nextStep, type Step } from './next-step.ts'

export interface AdvanceDeps {
  readonly flows: Flows
  readonly catalog: TemplateCatalog
  /** Base of links to ourselves. */
  readonly publicUrl: string
  readonly now: () => Date
}

export interface Advance {
  readonly conversation: StoredConversation
  readonly activity: ActivityRecord
  readonly followUp?: OutgoingDraft
  readonly ndr?: NdrDraft
  readonly eventSubType: string
}

/** Free-form answers are only taken within 24 hours of the customer's message; a margin for clocks and queues. */
const windowMs = 24 * 3_600_000 - 10 * 60_000

/** Takes one reply as the next move of its conversation. */
export function advance(
  deps: AdvanceDeps,
  root: OutgoingRecord,
  known: StoredConversation,
  reply: PendingReply,
  settings: AccountSettings,
): Advance {
  const now = deps.now()
  const around = { now, timezone: settings.timezone, startedAt: root.createdAt }
  const step = nextStep(deps.flows, known, moveOf(root, reply), around)
  const isDecision = step.conversation.decision !== undefined && known.decision === undefined
  const followUp = followUpOf(deps, root, reply, step)
  return {
    conversation: { ...known, ...step.conversation, ...(isDecision ? { decidedAt: now } : {}) },
    activity: activityRecord(root, {
      ...step.activity,
      at: reply.receivedAt,
      reply: { messageId: reply.messageId },
      discriminator: reply.messageId,
    }),
    ...(followUp ? { followUp } : {}),
    ...(step.ndr ? { ndr: ndrOf(root, reply, step.ndr, now) } : {}),
    eventSubType: step.activity.eventSubType,
  }
}

/** What kinds of messages a person writes by hand; reactions, system news and the like expect no answer. */
const worded: ReadonlySet<string> = new Set([
  'text',
  'image',
  'video',
  'audio',
  'document',
  'sticker',
  'location',
  'contacts',
])

function moveOf(root: OutgoingRecord, reply: PendingReply): CustomerMove {
  const payload = parseButtonPayload(reply.buttonId ?? undefined)
  const isOurs = payload?.reference === root.reference
  if (payload && isOurs) return { type: 'tap', action: payload.action, value: payload.value }
  return { type: worded.has(reply.type) ? 'words' : 'other' }
}

function followUpOf(
  deps: AdvanceDeps,
  root: OutgoingRecord,
  reply: PendingReply,
  step: Step,
): OutgoingDraft | undefined {
  if (!step.answer || root.connectionId === null) return undefined
  const reference = randomBytes(16).toString('base64url')
  const language = root.snapshot.language ?? 'en'
  const content = answerContent(deps.catalog, step.answer, {
    language,
    rootReference: root.reference,
    actions: offeredActions(root),
    linkUrl: `${deps.publicUrl}/track/whatsapp/${reference}`,
  })
  const now = deps.now()
  return {
    reference,
    accountId: root.accountId,
    kind: root.kind,
    subject: root.subjectType && root.subjectId ? { type: root.subjectType, id: root.subjectId } : undefined,
    // One answer per reply, however often the reply is looked at.
    idempotencyKey: `answer:${reply.connectionId}:${reply.id}`,
    reason: root.reason ?? undefined,
    connectionId: root.connectionId,
    customerPhone: root.customerPhone ?? undefined,
    customerUserId: root.customerUserId ?? undefined,
    businessPhone: root.businessPhone ?? undefined,
    // What the customer answered tells the root's id where its own acceptance is still in doubt.
    root: { id: root.id, messageId: root.messageId ?? reply.contextMessageId ?? root.reference },
    content,
    snapshot: root.snapshot,
    route: { connectionId: root.connectionId, why: 'the connection that the customer answered' },
    state: 'queued',
    dueAt: now,
    expiresAt: new Date(reply.receivedAt.getTime() + windowMs),
  }
}

/** The actions that the first message's buttons offered. */
const offeredActions = (root: OutgoingRecord): Action[] =>
  root.content?.type === 'template'
    ? root.content.buttons.flatMap((payload) => parseButtonPayload(payload)?.action ?? [])
    : []

function ndrOf(root: OutgoingRecord, reply: PendingReply, ndr: NonNullable<Step['ndr']>, now: Date): NdrDraft {
  const { snapshot } = root
  const shipment = Number(root.subjectId)
  return {
    rootId: root.id,
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
