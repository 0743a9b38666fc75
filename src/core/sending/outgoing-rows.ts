/** Outgoing messages as rows: what is read of them, and what is written. */

import type { OrderSnapshot } from '../activity/order-snapshot.ts'
import type { Content } from '../contract/content.ts'
import type { Row } from '../storage/database.ts'
import type { Values } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import { readContent, readPhone } from './cleared.ts'
import { type ClaimedMessage, type MessageState, type OutgoingDraft, priority, rank } from './outgoing-message.ts'

/** A message as core reads it. */
export interface OutgoingRecord {
  readonly id: number
  readonly reference: string
  readonly accountId: number
  readonly kind: string
  readonly subjectType: string | null
  readonly subjectId: string | null
  readonly reason: string | null
  readonly connectionId: number | null
  readonly customerPhone: string | null
  readonly customerUserId: string | null
  readonly businessPhone: string | null
  readonly templateId: number | null
  readonly rootMessageId: string | null
  readonly rootOutgoingId: number | null
  readonly contextMessageId: string | null
  readonly messageId: string | null
  readonly content: Content | null
  readonly snapshot: OrderSnapshot
  readonly route: { readonly connectionId: number | null; readonly why: string }
  readonly createdBy: string | null
  readonly state: MessageState
  readonly statusRank: number
  /** Claims so far; the number of the newest attempt. */
  readonly attempts: number
  /** Those of them that were given back before any call. */
  readonly givenBack: number
  /** Sent again although an earlier attempt stayed in doubt. */
  readonly possibleDuplicate: boolean
  /** When an operator last had it sent again. */
  readonly resentByHandAt: Date | null
  /** How often the provider was asked for the attempt in doubt, and did not have it. */
  readonly absences: number
  readonly dueAt: Date | null
  /** While it is the same as `dueAt`, the message waits for the end of quiet hours. */
  readonly quietUntil: Date | null
  readonly expiresAt: Date | null
  readonly acceptedAt: Date | null
  readonly sentAt: Date | null
  readonly deliveredAt: Date | null
  readonly readAt: Date | null
  readonly failedAt: Date | null
  readonly failureCode: string | null
  readonly failureReason: string | null
  readonly createdAt: Date
}

/** What evidence or an attempt may change of a message. */
export type OutgoingChange = Pick<
  OutgoingRecord,
  | 'id'
  | 'state'
  | 'statusRank'
  | 'messageId'
  | 'dueAt'
  | 'acceptedAt'
  | 'sentAt'
  | 'deliveredAt'
  | 'readAt'
  | 'failedAt'
  | 'failureCode'
  | 'failureReason'
>

/** Longer than one attempt can take (connect 5 s, total 30 s) plus the time to record it. */
export const leaseMs = 90_000
/** A call may only begin while it can still end, and be written down, within the lease. */
const callWithinMs = 45_000

/** Taken before the claim is committed: see {@link ClaimedMessage.callBefore}. */
export const callDeadline = (): number => performance.now() + callWithinMs

/** A draft as a new row. */
export function draftRow(draft: OutgoingDraft, now: Date): Values {
  const at = sqlTime(now)
  return {
    reference: draft.reference,
    account_id: draft.accountId,
    kind: draft.kind,
    subject_type: draft.subject?.type ?? null,
    subject_id: draft.subject?.id ?? null,
    idempotency_key: draft.idempotencyKey,
    shipment_status_log_id: draft.statusLogId ?? null,
    order_number: draft.snapshot.orderNumber?.slice(0, 64) ?? null,
    reason: draft.reason ?? null,
    whatsappSenderConnectionId: draft.connectionId ?? null,
    customer_phone: draft.customerPhone ?? null,
    customer_user_id: draft.customerUserId ?? null,
    business_phone: draft.businessPhone ?? null,
    wa_template_id: draft.templateId ?? null,
    root_message_id: draft.root?.messageId ?? null,
    root_outgoing_message_id: draft.root?.id ?? null,
    context_message_id: draft.contextMessageId ?? null,
    payload: draft.content ? JSON.stringify(draft.content) : null,
    context: JSON.stringify(draft.snapshot),
    route: draft.route.why.slice(0, 255),
    created_by: draft.createdBy ?? null,
    priority: draft.priority ?? priority.usual,
    state: draft.state,
    status_rank: rank.pending,
    attempts: draft.state === 'sending' ? 1 : 0,
    due_at: sqlTime(draft.state === 'sending' ? new Date(now.getTime() + leaseMs) : draft.dueAt),
    quiet_until: sqlTime(draft.quietUntil),
    expires_at: sqlTime(draft.expiresAt),
    failure_code: draft.failure?.code ?? null,
    failure_reason: draft.failure?.detail?.slice(0, 1024) ?? null,
    created_at: draft.createdAt ? sqlTime(draft.createdAt) : at,
    updated_at: at,
  }
}

/** A change as the columns that it sets, the key first. */
export function changeRow(change: OutgoingChange, now: Date): Values {
  const external = [change.sentAt, change.deliveredAt, change.readAt, change.failedAt].filter((time) => time !== null)
  return {
    id: change.id,
    state: change.state,
    status_rank: change.statusRank,
    message_id: change.messageId,
    due_at: sqlTime(change.dueAt),
    accepted_at: sqlTime(change.acceptedAt),
    sent_at: sqlTime(change.sentAt),
    delivered_at: sqlTime(change.deliveredAt),
    read_at: sqlTime(change.readAt),
    failed_at: sqlTime(change.failedAt),
    failure_code: change.failureCode,
    failure_reason: change.failureReason?.slice(0, 1024) ?? null,
    external_updated_at: sqlTime(external.sort((a, b) => b.getTime() - a.getTime())[0]),
    updated_at: sqlTime(now),
  }
}

/** What {@link toRecord} reads. */
export const outgoingColumns = `id, reference, account_id, kind, subject_type, subject_id, reason,
 whatsappSenderConnectionId, customer_phone, customer_user_id, business_phone, wa_template_id, root_message_id,
 root_outgoing_message_id, context_message_id, message_id, payload, context, route, created_by, state, status_rank, attempts, given_back,
 due_at, quiet_until, possible_duplicate, resent_by_hand_at, absences, expires_at, accepted_at, sent_at, delivered_at, read_at,
 failed_at, failure_code, failure_reason, created_at`
/** Start of every SELECT whose rows {@link toRecord} reads. */
export const outgoingSelect = `SELECT ${outgoingColumns} FROM wa_outgoing_messages`
const idOf = (value: unknown) => (value === null || value === undefined ? null : Number(value))
const textOf = (value: unknown) => (typeof value === 'string' ? value : null)

/** Reads one row that has the {@link outgoingColumns}. */
export function toRecord(row: Row): OutgoingRecord {
  const connectionId = idOf(row.whatsappSenderConnectionId)
  return {
    id: Number(row.id),
    reference: String(row.reference),
    accountId: Number(row.account_id),
    kind: String(row.kind),
    subjectType: textOf(row.subject_type),
    subjectId: textOf(row.subject_id),
    reason: textOf(row.reason),
    connectionId,
    customerPhone: readPhone(row.customer_phone),
    customerUserId: textOf(row.customer_user_id),
    businessPhone: textOf(row.business_phone),
    templateId: idOf(row.wa_template_id),
    rootMessageId: textOf(row.root_message_id),
    rootOutgoingId: idOf(row.root_outgoing_message_id),
    contextMessageId: textOf(row.context_message_id),
    messageId: textOf(row.message_id),
    content: readContent(row.payload),
    snapshot: typeof row.context === 'string' ? (JSON.parse(row.context) as OrderSnapshot) : {},
    route: { connectionId, why: textOf(row.route) ?? '' },
    createdBy: textOf(row.created_by),
    state: row.state as MessageState,
    statusRank: Number(row.status_rank),
    attempts: Number(row.attempts),
    givenBack: Number(row.given_back),
    possibleDuplicate: Number(row.possible_duplicate) === 1,
    resentByHandAt: fromSqlTime(row.resent_by_hand_at),
    absences: Number(row.absences),
    dueAt: fromSqlTime(row.due_at),
    quietUntil: fromSqlTime(row.quiet_until),
    expiresAt: fromSqlTime(row.expires_at),
    acceptedAt: fromSqlTime(row.accepted_at),
    sentAt: fromSqlTime(row.sent_at),
    deliveredAt: fromSqlTime(row.delivered_at),
    readAt: fromSqlTime(row.read_at),
    failedAt: fromSqlTime(row.failed_at),
    failureCode: textOf(row.failure_code),
    failureReason: textOf(row.failure_reason),
    createdAt: fromSqlTime(row.created_at) ?? new Date(0),
  }
}

/** Does it wait for the end of quiet hours? */
export const isKeptForMorning = ({ state, dueAt, quietUntil }: OutgoingRecord): boolean =>
  (state === 'queued' || state === 'waiting') && quietUntil !== null && quietUntil.getTime() === dueAt?.getTime()

/** The recipient of a message, for "one at a time". */
export const recipientOf = (message: {
  customerPhone?: string | null | undefined
  customerUserId?: string | null | undefined
}): string => message.customerPhone ?? message.customerUserId ?? ''

/** A record as the sender needs it; undefined for one that has nothing to send. */
export function claimed(record: OutgoingRecord, attempt: number, callBefore: number): ClaimedMessage | undefined {
  if (record.connectionId === null || record.content === null) return undefined
  return {
    id: record.id,
    conversationId: record.rootOutgoingId ?? record.id,
    reference: record.reference,
    attempt,
    accountId: record.accountId,
    channelId: record.snapshot.channelId,
    kind: record.kind,
    isAnswer: record.rootOutgoingId !== null,
    connectionId: record.connectionId,
    customerPhone: record.customerPhone ?? undefined,
    customerUserId: record.customerUserId ?? undefined,
    businessPhone: record.businessPhone ?? undefined,
    contextMessageId: record.contextMessageId ?? undefined,
    templateId: record.templateId ?? undefined,
    content: record.content,
    expiresAt: record.expiresAt ?? undefined,
    callBefore,
  }
}
