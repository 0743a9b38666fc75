/** Everything that the database knows of one conversation, read in a few statements. */

import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { Database, Row } from '../storage/database.ts'
import { selectIn } from '../storage/rows.ts'
import { fromSqlTime } from '../storage/time.ts'

export interface AttemptFact {
  readonly messageId: number
  readonly attempt: number
  readonly connectionId: number
  readonly outcome: 'accepted' | 'refused' | 'in_doubt'
  readonly failureCode: string | null
  readonly vendorCode: string | null
  readonly detail: string | null
  readonly startedAt: Date
  readonly finishedAt: Date
}

export interface ReportFact {
  readonly messageId: number
  readonly status: string
  readonly failureReason: string | null
  /** The provider's time. */
  readonly at: Date | null
  readonly receivedAt: Date
}

export interface ReplyFact {
  /** The provider's id of the customer's message. */
  readonly replyId: string
  readonly type: string
  readonly value: string | null
  readonly contextId: number | null
  readonly receivedAt: Date
}

/** What a person wrote to the customer from the business phone. */
export interface HumanFact {
  readonly type: string | null
  readonly value: string | null
  readonly receivedAt: Date
}

/** The shipment update that ended the conversation. */
export interface EndFact {
  readonly status: string
  readonly at: Date
}

export interface DecisionFact {
  readonly id: number
  readonly action: string
  readonly state: string
  readonly attempts: number
  readonly responseStatus: number | null
  readonly response: string | null
  readonly deferredDate: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface ClickFact {
  readonly messageId: number
  readonly clicks: number
  readonly firstAt: Date
  readonly lastAt: Date
}

export interface OperatorFact {
  readonly actor: string
  readonly action: string
  readonly subjectType: string
  readonly subjectId: string
  readonly detail: string | null
  readonly at: Date
}

/** An activity event that tells what a customer's message was taken for. */
export interface TakenAs {
  readonly replyId: string
  readonly eventSubType: string
}

export interface ConversationFacts {
  readonly root: OutgoingRecord
  readonly followUps: readonly OutgoingRecord[]
  /** When the row of each message was last written. */
  readonly updatedAt: ReadonlyMap<number, Date>
  readonly attempts: readonly AttemptFact[]
  readonly reports: readonly ReportFact[]
  readonly replies: readonly ReplyFact[]
  readonly takenAs: readonly TakenAs[]
  readonly humans: readonly HumanFact[]
  readonly decisions: readonly DecisionFact[]
  readonly ends: readonly EndFact[]
  readonly clicks: readonly ClickFact[]
  readonly operators: readonly OperatorFact[]
}

type Messages = Pick<ConversationFacts, 'root' | 'followUps'>

/** Reads what is known beside the messages themselves. */
export async function readFacts(database: Database, messages: Messages, takenAs: readonly TakenAs[]) {
  const ids = [messages.root, ...messages.followUps].map(({ id }) => id)
  const byMessage = (columns: string, table: string) =>
    selectIn<Row>(database, `SELECT ${columns} FROM ${table} WHERE wa_outgoing_message_id`, ids, ' ORDER BY id')
  const [rows, attempts, reports, replies, humans, decisions, ends, clicks] = await Promise.all([
    selectIn<Row>(database, 'SELECT id, updated_at FROM wa_outgoing_messages WHERE id', ids),
    byMessage('*', 'wa_send_attempts'),
    byMessage(reportColumns, 'wa_dlr_messages'),
    database.select<Row>(`${replySelect} WHERE wa_root_outgoing_message_id = $1 ORDER BY id`, [messages.root.id]),
    database.select<Row>(`${humanSelect} WHERE wa_root_outgoing_message_id = $1 ORDER BY id`, [messages.root.id]),
    database.select<Row>('SELECT * FROM ndr_actions WHERE root_outgoing_message_id = $1 ORDER BY id', [
      messages.root.id,
    ]),
    database.select<Row>(endSelect, [messages.root.id]),
    byMessage('*', 'wa_link_clicks'),
  ])
  const operators = [
    ...(await auditOf(database, 'message', ids)),
    ...(await auditOf(
      database,
      'decision',
      decisions.map(({ id }) => Number(id)),
    )),
  ]
  return {
    ...messages,
    updatedAt: new Map(rows.map((row) => [Number(row.id), time(row.updated_at)])),
    attempts: attempts.map(toAttempt),
    reports: reports.map(toReport),
    replies: replies.map(toReply),
    takenAs,
    humans: humans.map(toHuman),
    decisions: decisions.map(toDecision),
    ends: ends.map((row) => ({ status: String(row.closed_by), at: time(row.closed_at) })),
    clicks: clicks.map(toClick),
    operators,
  } satisfies ConversationFacts
}

const reportColumns = 'wa_outgoing_message_id, status, failure_reason, external_timestamp, created_at'
const replySelect = `SELECT reply_message_id, customer_reply_type, customer_reply_value, wa_context_outgoing_message_id,
 created_at FROM wa_customer_reply_messages`

const endSelect = `SELECT closed_by, closed_at FROM wa_conversations
 WHERE root_outgoing_message_id = $1 AND closed_by IS NOT NULL`
const humanSelect = 'SELECT message_type, message_value, created_at FROM wa_contact_news'

async function auditOf(database: Database, subjectType: string, ids: readonly number[]): Promise<OperatorFact[]> {
  const head = `SELECT actor, action, subject_type, subject_id, detail, created_at FROM audit_log
    WHERE subject_type = '${subjectType}' AND subject_id`
  const rows = await selectIn<Row>(database, head, ids.map(String), ' ORDER BY id')
  return rows.map((row) => ({
    actor: String(row.actor),
    action: String(row.action),
    subjectType,
    subjectId: String(row.subject_id),
    detail: text(row.detail),
    at: time(row.created_at),
  }))
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
const time = (value: unknown): Date => fromSqlTime(value) ?? new Date(0)
const count = (value: unknown): number | null => (value === null || value === undefined ? null : Number(value))

const toAttempt = (row: Row): AttemptFact => ({
  messageId: Number(row.wa_outgoing_message_id),
  attempt: Number(row.attempt),
  connectionId: Number(row.connection_id),
  outcome: row.outcome as AttemptFact['outcome'],
  failureCode: text(row.failure_code),
  vendorCode: text(row.vendor_code),
  detail: text(row.detail),
  startedAt: time(row.started_at),
  finishedAt: time(row.finished_at),
})

const toReport = (row: Row): ReportFact => ({
  messageId: Number(row.wa_outgoing_message_id),
  status: String(row.status),
  failureReason: text(row.failure_reason),
  at: fromSqlTime(row.external_timestamp),
  receivedAt: time(row.created_at),
})

const toReply = (row: Row): ReplyFact => ({
  replyId: String(row.reply_message_id),
  type: String(row.customer_reply_type),
  value: text(row.customer_reply_value),
  contextId: count(row.wa_context_outgoing_message_id),
  receivedAt: time(row.created_at),
})

const toHuman = (row: Row): HumanFact => ({
  type: text(row.message_type),
  value: text(row.message_value),
  receivedAt: time(row.created_at),
})

const toDecision = (row: Row): DecisionFact => ({
  id: Number(row.id),
  action: String(row.action),
  state: String(row.state),
  attempts: Number(row.attempts),
  responseStatus: count(row.response_status),
  response: text(row.response),
  deferredDate: (JSON.parse(String(row.request)) as { deferredDate?: string }).deferredDate ?? null,
  createdAt: time(row.created_at),
  updatedAt: time(row.updated_at),
})

const toClick = (row: Row): ClickFact => ({
  messageId: Number(row.wa_outgoing_message_id),
  clicks: Number(row.clicks),
  firstAt: time(row.first_clicked_at),
  lastAt: time(row.last_clicked_at),
})
