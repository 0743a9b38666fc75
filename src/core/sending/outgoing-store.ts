/** Outgoing messages in the database. Every change of state of a message is one of the statements in this file. */

import type { OrderSnapshot } from '../activity/order-snapshot.ts'
import type { Content } from '../contract/content.ts'
import type { Database, Executor, Row, SqlValue } from '../storage/database.ts'
import { insertRows, selectIn, updateRows, updateWhereIn } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import { type ClaimedMessage, type MessageState, type OutgoingDraft, rank } from './outgoing-message.ts'

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
  readonly state: MessageState
  readonly statusRank: number
  readonly attempts: number
  readonly dueAt: Date | null
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
export interface OutgoingChange {
  readonly id: number
  readonly state: MessageState
  readonly statusRank: number
  readonly messageId: string | null
  readonly dueAt: Date | null
  readonly acceptedAt: Date | null
  readonly sentAt: Date | null
  readonly deliveredAt: Date | null
  readonly readAt: Date | null
  readonly failedAt: Date | null
  readonly failureCode: string | null
  readonly failureReason: string | null
}

export interface Inserted {
  readonly id: number
  /** False when a message with the same idempotency key was there before. */
  readonly isNew: boolean
  readonly reference: string
}

/** A message whose sender vanished in the middle of an attempt. */
export interface LostSend {
  readonly id: number
  readonly attempt: number
  readonly connectionId: number
  readonly since: Date
}

export interface OutgoingStore {
  /** Writes drafts; one whose idempotency key exists is left out. Results in the order of the drafts. */
  insert(tx: Executor, drafts: readonly OutgoingDraft[], now: Date): Promise<Inserted[]>
  /**
   * Takes up to `limit` messages of a connection that may be sent now, one per recipient and none of `busyRecipients`,
   * oldest first, and marks them as being sent until the lease ends.
   */
  claim(connectionId: number, limit: number, busyRecipients: ReadonlySet<string>, now: Date): Promise<ClaimedMessage[]>
  read(tx: Executor, ids: readonly number[]): Promise<Map<number, OutgoingRecord>>
  /** Reads messages and holds them until the transaction's end. */
  lock(tx: Executor, ids: readonly number[]): Promise<Map<number, OutgoingRecord>>
  apply(tx: Executor, changes: readonly OutgoingChange[], now: Date): Promise<void>
  get(id: number): Promise<OutgoingRecord | undefined>
  /** Which messages these references or provider ids belong to. */
  idsByReference(references: readonly string[]): Promise<Map<string, number>>
  idsByMessageId(messageIds: readonly string[]): Promise<Map<string, number>>
  /** Connections that have messages whose time has come. */
  connectionsWithDue(now: Date): Promise<number[]>
  /** Messages whose lease ended without an outcome; they were being sent by a process that is gone. */
  leasesOver(now: Date, limit: number): Promise<LostSend[]>
  /** Messages that wait although they are of no use any more. */
  outOfTime(now: Date, limit: number): Promise<number[]>
}

/** Longer than one attempt can take (connect 5 s, total 30 s) plus the time to record it. */
export const leaseMs = 90_000

export function createOutgoingStore(database: Database): OutgoingStore {
  return {
    insert: (tx, drafts, now) => insertDrafts(tx, database.keepExisting, drafts, now),
    claim: (connectionId, limit, busyRecipients, now) =>
      database.transaction((tx) => claim(tx, database, connectionId, limit, busyRecipients, now)),
    read: (tx, ids) => readRecords(tx, ids, ''),
    lock: (tx, ids) => readRecords(tx, ids, database.forUpdate),
    async apply(tx, changes, now) {
      await updateRows(
        tx,
        'wa_outgoing_messages',
        'id',
        changeColumns,
        changes.map((change) => changeRow(change, now)),
      )
    },
    async get(id) {
      const [row] = await database.select(`${selectRecord} = $1`, [id])
      return row ? toRecord(row) : undefined
    },
    async idsByReference(references) {
      const head = 'SELECT id, reference AS found FROM wa_outgoing_messages WHERE reference'
      return toIds(await selectIn(database, head, references))
    },
    async idsByMessageId(messageIds) {
      const head = 'SELECT id, message_id AS found FROM wa_outgoing_messages WHERE message_id'
      return toIds(await selectIn(database, head, messageIds))
    },
    async connectionsWithDue(now) {
      const rows = await database.select<{ connection: number | null }>(
        `SELECT DISTINCT whatsappSenderConnectionId AS connection FROM wa_outgoing_messages
         WHERE due_at <= $1 AND state IN ('queued', 'waiting')`,
        [sqlTime(now)],
      )
      return rows.flatMap((row) => (row.connection === null ? [] : [Number(row.connection)]))
    },
    async leasesOver(now, limit) {
      const rows = await database.select<{ id: number; attempts: number; connection: number; since: string }>(
        `SELECT id, attempts, whatsappSenderConnectionId AS connection, updated_at AS since
         FROM wa_outgoing_messages WHERE due_at <= $1 AND state = 'sending' ORDER BY due_at LIMIT ${limit}`,
        [sqlTime(now)],
      )
      return rows.map((row) => ({
        id: Number(row.id),
        attempt: row.attempts,
        connectionId: Number(row.connection),
        since: fromSqlTime(row.since) ?? now,
      }))
    },
    async outOfTime(now, limit) {
      const rows = await database.select<{ id: number }>(
        `SELECT id FROM wa_outgoing_messages
         WHERE due_at <= $1 AND state IN ('queued', 'waiting') AND expires_at <= $1 LIMIT ${limit}`,
        [sqlTime(now)],
      )
      return rows.map((row) => Number(row.id))
    },
  }
}

/** Always in the order of their ids, so that groups which meet cannot deadlock. */
async function readRecords(tx: Executor, ids: readonly number[], holding: string) {
  const sorted = [...new Set(ids)].sort((a, b) => a - b)
  const rows = await selectIn<Row>(tx, selectRecord, sorted, ` ORDER BY id${holding}`)
  return new Map(rows.map(toRecord).map((record) => [record.id, record]))
}

async function insertDrafts(tx: Executor, keepExisting: string, drafts: readonly OutgoingDraft[], now: Date) {
  if (drafts.length === 0) return []
  // Sorted keys: two groups that meet take their locks in the same order and cannot deadlock.
  const sorted = [...drafts].sort((a, b) => (a.idempotencyKey < b.idempotencyKey ? -1 : 1))
  await insertRows(
    tx,
    'wa_outgoing_messages',
    draftColumns,
    sorted.map((draft) => draftRow(draft, now)),
    keepExisting,
  )
  const keys = sorted.map((draft) => draft.idempotencyKey)
  const head = 'SELECT id, reference, idempotency_key FROM wa_outgoing_messages WHERE idempotency_key'
  const rows = await selectIn<{ id: number; reference: string; idempotency_key: string }>(tx, head, keys)
  const byKey = new Map(rows.map((row) => [row.idempotency_key, row]))
  return drafts.map((draft) => {
    const row = byKey.get(draft.idempotencyKey)
    if (!row) throw new Error('a message that was just inserted is not there')
    return { id: Number(row.id), reference: row.reference, isNew: row.reference === draft.reference }
  })
}

const draftColumns = [
  'reference',
  'account_id',
  'kind',
  'subject_type',
  'subject_id',
  'idempotency_key',
  'shipment_status_log_id',
  'order_number',
  'reason',
  'whatsappSenderConnectionId',
  'customer_phone',
  'customer_user_id',
  'business_phone',
  'wa_template_id',
  'root_message_id',
  'root_outgoing_message_id',
  'context_message_id',
  'payload',
  'context',
  'route',
  'state',
  'status_rank',
  'attempts',
  'due_at',
  'expires_at',
  'failure_code',
  'failure_reason',
  'created_at',
  'updated_at',
]

function draftRow(draft: OutgoingDraft, now: Date): SqlValue[] {
  const at = sqlTime(now)
  return [
    draft.reference,
    draft.accountId,
    draft.kind,
    draft.subject?.type ?? null,
    draft.subject?.id ?? null,
    draft.idempotencyKey,
    draft.statusLogId ?? null,
    draft.snapshot.orderNumber?.slice(0, 64) ?? null,
    draft.reason ?? null,
    draft.connectionId ?? null,
    draft.customerPhone ?? null,
    draft.customerUserId ?? null,
    draft.businessPhone ?? null,
    draft.templateId ?? null,
    draft.root?.messageId ?? null,
    draft.root?.id ?? null,
    draft.contextMessageId ?? null,
    draft.content ? JSON.stringify(draft.content) : null,
    JSON.stringify(draft.snapshot),
    draft.route.why.slice(0, 255),
    draft.state,
    rank.pending,
    draft.state === 'sending' ? 1 : 0,
    sqlTime(draft.state === 'sending' ? new Date(now.getTime() + leaseMs) : draft.dueAt),
    sqlTime(draft.expiresAt),
    draft.failure?.code ?? null,
    draft.failure?.detail?.slice(0, 1024) ?? null,
    at,
    at,
  ]
}

async function claim(
  tx: Executor,
  database: Database,
  connectionId: number,
  limit: number,
  busy: ReadonlySet<string>,
  now: Date,
): Promise<ClaimedMessage[]> {
  // Reads a little more than it takes: messages to a recipient who is being written to must wait for their turn.
  const rows = await tx.select<Row>(
    `${selectRecordFrom} WHERE whatsappSenderConnectionId = $1 AND due_at <= $2 AND state IN ('queued', 'waiting')
     ORDER BY due_at, id LIMIT ${limit * 2 + busy.size}${database.forUpdateSkipLocked}`,
    [connectionId, sqlTime(now)],
  )
  const chosen = onePerRecipient(rows.map(toRecord), limit, busy, now)
  const leaseEnd = sqlTime(new Date(now.getTime() + leaseMs))
  const ids = chosen.map((record) => record.id)
  await updateWhereIn(
    tx,
    'wa_outgoing_messages',
    { state: 'sending', due_at: leaseEnd, updated_at: sqlTime(now) },
    'id',
    ids,
  )
  if (ids.length > 0) {
    await tx.write(`UPDATE wa_outgoing_messages SET attempts = attempts + 1 WHERE id IN (${ids.join(', ')})`)
  }
  return chosen.flatMap((record) => claimed(record, record.attempts + 1) ?? [])
}

/** The recipient of a message, for "one at a time". */
export const recipientOf = (message: {
  customerPhone?: string | null | undefined
  customerUserId?: string | null | undefined
}): string => message.customerPhone ?? message.customerUserId ?? ''

function onePerRecipient(records: OutgoingRecord[], limit: number, busy: ReadonlySet<string>, now: Date) {
  const taken = new Set(busy)
  const chosen: OutgoingRecord[] = []
  for (const record of records) {
    const recipient = recipientOf(record)
    const isExpired = record.expiresAt !== null && record.expiresAt <= now
    if (chosen.length === limit || isExpired || taken.has(recipient)) continue
    taken.add(recipient)
    chosen.push(record)
  }
  return chosen
}

/** A record as the sender needs it; undefined for one that has nothing to send. */
export function claimed(record: OutgoingRecord, attempt: number): ClaimedMessage | undefined {
  if (record.connectionId === null || record.content === null) return undefined
  return {
    id: record.id,
    reference: record.reference,
    attempt,
    accountId: record.accountId,
    connectionId: record.connectionId,
    customerPhone: record.customerPhone ?? undefined,
    customerUserId: record.customerUserId ?? undefined,
    businessPhone: record.businessPhone ?? undefined,
    contextMessageId: record.contextMessageId ?? undefined,
    templateId: record.templateId ?? undefined,
    content: record.content,
    expiresAt: record.expiresAt ?? undefined,
  }
}

const changeColumns = [
  'state',
  'status_rank',
  'message_id',
  'due_at',
  'accepted_at',
  'sent_at',
  'delivered_at',
  'read_at',
  'failed_at',
  'failure_code',
  'failure_reason',
  'external_updated_at',
  'updated_at',
]

function changeRow(change: OutgoingChange, now: Date): SqlValue[] {
  const external = [change.sentAt, change.deliveredAt, change.readAt, change.failedAt].filter((time) => time !== null)
  return [
    change.id,
    change.state,
    change.statusRank,
    change.messageId,
    sqlTime(change.dueAt),
    sqlTime(change.acceptedAt),
    sqlTime(change.sentAt),
    sqlTime(change.deliveredAt),
    sqlTime(change.readAt),
    sqlTime(change.failedAt),
    change.failureCode,
    change.failureReason?.slice(0, 1024) ?? null,
    sqlTime(external.sort((a, b) => b.getTime() - a.getTime())[0]),
    sqlTime(now),
  ]
}

const selectRecordFrom = `SELECT id, reference, account_id, kind, subject_type, subject_id, reason,
 whatsappSenderConnectionId, customer_phone, customer_user_id, business_phone, wa_template_id, root_message_id,
 root_outgoing_message_id, context_message_id, message_id, payload, context, route, state, status_rank, attempts,
 due_at, expires_at, accepted_at, sent_at, delivered_at, read_at, failed_at, failure_code, failure_reason, created_at
 FROM wa_outgoing_messages`
const selectRecord = `${selectRecordFrom} WHERE id`

/** Columns for other readers of the table (the API's list). */
export const outgoingSelect = selectRecordFrom

const idOf = (value: unknown) => (value === null || value === undefined ? null : Number(value))
const textOf = (value: unknown) => (typeof value === 'string' ? value : null)

/** Reads one row of {@link outgoingSelect}. */
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
    customerPhone: textOf(row.customer_phone),
    customerUserId: textOf(row.customer_user_id),
    businessPhone: textOf(row.business_phone),
    templateId: idOf(row.wa_template_id),
    rootMessageId: textOf(row.root_message_id),
    rootOutgoingId: idOf(row.root_outgoing_message_id),
    contextMessageId: textOf(row.context_message_id),
    messageId: textOf(row.message_id),
    content: typeof row.payload === 'string' ? (JSON.parse(row.payload) as Content) : null,
    snapshot: typeof row.context === 'string' ? (JSON.parse(row.context) as OrderSnapshot) : {},
    route: { connectionId, why: textOf(row.route) ?? '' },
    state: row.state as MessageState,
    statusRank: Number(row.status_rank),
    attempts: Number(row.attempts),
    dueAt: fromSqlTime(row.due_at),
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

const toIds = (rows: { id: number; found: string }[]) => new Map(rows.map((row) => [row.found, Number(row.id)]))
