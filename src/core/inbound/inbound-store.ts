/** What came back, as rows: stored before the provider gets its 200, applied afterwards. */

import { createHash } from 'node:crypto'
import type { CustomerReply, DeliveryReport, Pricing } from '../contract/events.ts'
import { buttonPayload } from '../conversations/button-payload.ts'
import { parseAttemptReference } from '../sending/outgoing-message.ts'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows, selectIn, updateRows, type Values } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'

export interface ReceivedReport {
  readonly connectionId: number
  readonly report: DeliveryReport
}

export interface ReceivedReply {
  readonly connectionId: number
  readonly reply: CustomerReply
}

/** A stored report that waits to be applied. */
export interface PendingReport {
  readonly id: number
  readonly connectionId: number
  readonly messageId: string
  readonly reference: string | null
  readonly status: string
  readonly at: Date
  readonly failureCode: string | null
  readonly failureReason: string | null
  readonly pricing: Pricing | null
  readonly tries: number
}

/** A stored reply that waits to be applied. */
export interface PendingReply {
  readonly id: number
  readonly connectionId: number
  readonly fromPhone: string | null
  readonly fromUserId: string | null
  readonly fromName: string | null
  /** The provider's id of the answered message, or our reference of it where the provider echoes that. */
  readonly contextMessageId: string | null
  readonly messageId: string
  readonly type: string
  /** What a person would read. */
  readonly value: string | null
  readonly buttonId: string | null
  readonly tries: number
  readonly receivedAt: Date
  /** When the customer wrote it, as far as is known. */
  readonly writtenAt: Date
  /** It was announced as one that answers nothing that we know. */
  readonly isAnnounced: boolean
}

/** How one pending row ended: matched and applied, or looked at again at `dueAt` (null = never). */
export interface Settled {
  readonly id: number
  readonly tries: number
  readonly dueAt: Date | null
}

export interface SettledReport extends Settled {
  readonly outgoingId: number | null
}

export interface SettledReply extends Settled {
  readonly contextOutgoingId: number | null
  readonly rootOutgoingId: number | null
  readonly isAnnounced: boolean
}

export interface InboundStore {
  /** Writes reports and replies; those that are there already are left as they are. */
  insert(tx: Executor, reports: readonly ReceivedReport[], replies: readonly ReceivedReply[], now: Date): Promise<void>
  /** Takes what is due and holds it until the transaction's end. */
  dueReports(tx: Executor, limit: number, now: Date): Promise<PendingReport[]>
  dueReplies(tx: Executor, limit: number, now: Date): Promise<PendingReply[]>
  /** Provider id -> id of the message that earlier reports with this id were applied to. */
  ownersOfReports(tx: Executor, messageIds: readonly string[]): Promise<Map<string, number>>
  settleReports(tx: Executor, settled: readonly SettledReport[], now: Date): Promise<void>
  settleReplies(tx: Executor, settled: readonly SettledReply[], now: Date): Promise<void>
}

export function createInboundStore(database: Database): InboundStore {
  const dueRows = <T>(tx: Executor, table: string, columns: string, limit: number, now: Date) =>
    tx.select<T>(
      `SELECT ${columns} FROM ${table} WHERE due_at <= $1 ORDER BY due_at, id LIMIT ${limit}${database.forUpdateSkipLocked}`,
      [sqlTime(now)],
    )
  return {
    async insert(tx, reports, replies, now) {
      // Sorted keys: groups that meet take their locks in the same order.
      const reportRows = sortedBy(
        ['dedupe_key'],
        reports.map((received) => reportRow(received, now)),
      )
      const replyRows = sortedBy(
        // What was said first gets the lower id; the same message has the same time in every group.
        ['external_updated_at', 'reply_message_id'],
        replies.map((received) => replyRow(received, now)),
      )
      await insertRows(tx, 'wa_dlr_messages', reportRows, database.keepExisting, ['dedupe_key'])
      const replyKey = ['reply_message_id', 'connection_id']
      await insertRows(tx, 'wa_customer_reply_messages', replyRows, database.keepExisting, replyKey)
    },
    async dueReports(tx, limit, now) {
      return (await dueRows<ReportRow>(tx, 'wa_dlr_messages', pendingReportColumns, limit, now)).map(pendingReport)
    },
    async dueReplies(tx, limit, now) {
      const rows = await dueRows<ReplyRow>(tx, 'wa_customer_reply_messages', pendingReplyColumns, limit, now)
      // A batch is written in the order of its keys; what was said first comes first.
      return rows.map(pendingReply).sort((a, b) => a.writtenAt.getTime() - b.writtenAt.getTime() || a.id - b.id)
    },
    async ownersOfReports(tx, messageIds) {
      const head = `SELECT message_id, wa_outgoing_message_id AS owner FROM wa_dlr_messages
        WHERE wa_outgoing_message_id IS NOT NULL AND message_id`
      const rows = await selectIn<{ message_id: string; owner: number }>(tx, head, messageIds)
      return new Map(rows.map((row) => [row.message_id, Number(row.owner)]))
    },
    async settleReports(tx, settled, now) {
      const rows = settled.map((end) => ({
        id: end.id,
        wa_outgoing_message_id: end.outgoingId,
        tries: end.tries,
        due_at: sqlTime(end.dueAt),
        updated_at: sqlTime(now),
      }))
      await updateRows(tx, 'wa_dlr_messages', rows)
    },
    async settleReplies(tx, settled, now) {
      const rows = settled.map((end) => ({
        id: end.id,
        wa_context_outgoing_message_id: end.contextOutgoingId,
        wa_root_outgoing_message_id: end.rootOutgoingId,
        announced_at: end.isAnnounced ? sqlTime(now) : null,
        tries: end.tries,
        due_at: sqlTime(end.dueAt),
        updated_at: sqlTime(now),
      }))
      await updateRows(tx, 'wa_customer_reply_messages', rows)
    },
  }
}

function sortedBy(columns: readonly string[], rows: Values[]): Values[] {
  const keyOf = (row: Values) => columns.map((column) => row[column] ?? '').join(' ')
  return rows.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

function reportRow({ connectionId, report }: ReceivedReport, now: Date): Values {
  const at = sqlTime(now)
  const { failure } = report
  return {
    connection_id: connectionId,
    message_id: report.messageId.slice(0, 255),
    reference: report.reference?.slice(0, 64) ?? null,
    status: statusWord(report),
    failure_code: failure?.code ?? null,
    failure_reason: failure ? [failure.vendorCode, failure.detail].filter(Boolean).join(' ').slice(0, 1024) : null,
    pricing: report.pricing ? JSON.stringify(report.pricing) : null,
    payload: JSON.stringify(report.raw),
    external_timestamp: sqlTime(report.at),
    dedupe_key: dedupeKey(connectionId, report),
    due_at: at,
    created_at: at,
    updated_at: at,
  }
}

/** Of a report that is only a hint: it changes nothing until the provider was asked. */
export const unconfirmed = 'unconfirmed'

const statusWord = ({ status, isUnconfirmed, vendorStatus }: DeliveryReport): string =>
  isUnconfirmed ? unconfirmed : (status ?? vendorStatus).slice(0, 32)

/** The same message, status and recipient is the same report, however often and in whatever order it comes. */
const dedupeKey = (connectionId: number, report: DeliveryReport): string => {
  const { messageId, vendorStatus, recipient, isUnconfirmed } = report
  // The provider's own word about what was only hinted at is another report.
  const hint = isUnconfirmed ? [unconfirmed] : []
  return createHash('sha256')
    .update([connectionId, messageId, vendorStatus, recipient.phone, recipient.userId, ...hint].join('\n'))
    .digest('base64url')
    .slice(0, 32)
}

function replyRow({ connectionId, reply }: ReceivedReply, now: Date): Values {
  const at = sqlTime(now)
  return {
    connection_id: connectionId,
    from_phone: reply.from.phone?.slice(0, 32) ?? null,
    from_user_id: reply.from.userId?.slice(0, 160) ?? null,
    from_name: reply.profileName?.slice(0, 128) ?? null,
    context_message_id: (reply.contextMessageId ?? reply.reference)?.slice(0, 255) ?? null,
    reply_message_id: reply.messageId.slice(0, 255),
    customer_reply_type: reply.replyType.slice(0, 32),
    // 4096 characters at most from the vendor; TEXT holds 65,535 bytes.
    customer_reply_value: reply.value?.slice(0, 8_192) ?? null,
    button_reply_id: (reply.buttonId ?? chosenPayload(reply))?.slice(0, 512) ?? null,
    payload: JSON.stringify(reply.raw),
    external_updated_at: sqlTime(reply.at),
    due_at: at,
    created_at: at,
    updated_at: at,
  }
}

/** What was chosen without a button of ours, as the button would have said it. */
function chosenPayload({ choice, reference }: CustomerReply): string | undefined {
  const answered = parseAttemptReference(reference)
  return choice && answered && buttonPayload({ reference: answered.reference, ...choice })
}

const pendingReportColumns =
  'id, connection_id, message_id, reference, status, failure_code, failure_reason, pricing, ' +
  'external_timestamp, tries, created_at'

interface ReportRow {
  id: number
  connection_id: number
  message_id: string
  reference: string | null
  status: string
  failure_code: string | null
  failure_reason: string | null
  pricing: string | null
  external_timestamp: string | null
  tries: number
  created_at: string
}

const pendingReport = (row: ReportRow): PendingReport => ({
  id: Number(row.id),
  connectionId: Number(row.connection_id),
  messageId: row.message_id,
  reference: row.reference,
  status: row.status,
  at: fromSqlTime(row.external_timestamp) ?? fromSqlTime(row.created_at) ?? new Date(0),
  failureCode: row.failure_code,
  failureReason: row.failure_reason,
  pricing: row.pricing ? (JSON.parse(row.pricing) as Pricing) : null,
  tries: row.tries,
})

const pendingReplyColumns =
  'id, connection_id, from_phone, from_user_id, from_name, context_message_id, reply_message_id, customer_reply_type, ' +
  'customer_reply_value, button_reply_id, tries, external_updated_at, announced_at, created_at'

interface ReplyRow {
  id: number
  connection_id: number
  from_phone: string | null
  from_user_id: string | null
  from_name: string | null
  context_message_id: string | null
  reply_message_id: string
  customer_reply_type: string
  customer_reply_value: string | null
  button_reply_id: string | null
  tries: number
  external_updated_at: string | null
  announced_at: string | null
  created_at: string
}

function pendingReply(row: ReplyRow): PendingReply {
  const receivedAt = fromSqlTime(row.created_at) ?? new Date(0)
  return {
    id: Number(row.id),
    connectionId: Number(row.connection_id),
    fromPhone: row.from_phone,
    fromUserId: row.from_user_id,
    fromName: row.from_name,
    contextMessageId: row.context_message_id,
    messageId: row.reply_message_id,
    type: row.customer_reply_type,
    value: row.customer_reply_value,
    buttonId: row.button_reply_id,
    tries: row.tries,
    receivedAt,
    writtenAt: notAfter(fromSqlTime(row.external_updated_at), receivedAt),
    isAnnounced: row.announced_at !== null,
  }
}

/** A provider's clock that is ahead of ours must not make things last longer. */
export const notAfter = (at: Date | null, receivedAt: Date): Date => (at && at < receivedAt ? at : receivedAt)
