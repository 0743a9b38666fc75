/** What the API tells about messages: lists, and everything about one of them in one answer. */

import type { ActivityStore } from '../activity/activity-store.ts'
import { type FailureCode, failureKinds } from '../contract/failures.ts'
import type { NdrAdmin } from '../conversations/ndr-admin.ts'
import { type LinkClicks, readClicks } from '../links/click-store.ts'
import type { TemplateCatalog } from '../notifications/template-catalog.ts'
import { statusOf } from '../sending/outgoing-message.ts'
import { type OutgoingRecord, outgoingSelect, toRecord } from '../sending/outgoing-rows.ts'
import type { Database, Row, SqlValue } from '../storage/database.ts'
import { fromSqlTime } from '../storage/time.ts'
import { pricingOf } from './pricing.ts'

export interface MessageFilter {
  readonly accountId?: number | undefined
  readonly orderNumber?: string | undefined
  readonly shipmentId?: string | undefined
  readonly phone?: string | undefined
  readonly kind?: string | undefined
  readonly status?: string | undefined
  readonly limit: number
  /** Id of the last message of the page before. */
  readonly cursor?: number | undefined
}

export interface MessagesDeps {
  readonly database: Database
  readonly activity: ActivityStore
  readonly actions: Pick<NdrAdmin, 'ofConversation'>
  readonly catalog: TemplateCatalog
  readonly providerOf: (connectionId: number) => Promise<string | undefined>
}

export interface Messages {
  /** Newest first. */
  list(filter: MessageFilter): Promise<{ items: object[]; next: string | null }>
  /** The message alone; undefined when there is none. */
  get(id: number): Promise<object | undefined>
  /** The message with all that happened to it; undefined when there is none. */
  timeline(id: number): Promise<object | undefined>
}

export function createMessages(deps: MessagesDeps): Messages {
  const { database } = deps
  return {
    async list(filter) {
      const { where, bind } = conditions(filter)
      const sql = `${outgoingSelect} WHERE ${where.join(' AND ')} ORDER BY id DESC LIMIT ${filter.limit}`
      const records = (await database.select<Row>(sql, bind)).map(toRecord)
      const items = await Promise.all(records.map((record) => view(deps, record)))
      return { items, next: records.length === filter.limit ? String(records.at(-1)?.id) : null }
    },
    async get(id) {
      const [row] = await database.select<Row>(`${outgoingSelect} WHERE id = $1`, [id])
      return row && view(deps, toRecord(row))
    },
    async timeline(id) {
      const [row] = await database.select<Row>(`${outgoingSelect} WHERE id = $1`, [id])
      if (!row) return undefined
      const record = toRecord(row)
      return {
        ...(await view(deps, record)),
        pricing: await pricingOf(database, id),
        ...(await history(deps, record)),
      }
    },
  }
}

const statusConditions: Readonly<Record<string, string>> = {
  queued: "state IN ('queued', 'sending', 'waiting') AND status_rank = 1",
  accepted: 'status_rank = 3',
  sent: "status_rank = 4 AND state <> 'expired'",
  failed: 'status_rank = 5',
  delivered: 'status_rank = 6',
  read: 'status_rank = 7',
  expired: "state = 'expired'",
  skipped: "state = 'skipped'",
  unknown: "state IN ('in_doubt', 'unknown') AND status_rank = 2",
}

function conditions(filter: MessageFilter): { where: string[]; bind: SqlValue[] } {
  const bind: SqlValue[] = []
  const equals = (column: string, value: SqlValue | undefined) =>
    value === undefined ? [] : [`${column} = $${bind.push(value)}`]
  const where = [
    `id < $${bind.push(filter.cursor ?? Number.MAX_SAFE_INTEGER)}`,
    ...equals('account_id', filter.accountId),
    ...equals('order_number', filter.orderNumber),
    ...equals('subject_id', filter.shipmentId),
    ...equals('customer_phone', filter.phone),
    ...equals('kind', filter.kind),
    ...(filter.status ? [statusConditions[filter.status] ?? '1 = 0'] : []),
  ]
  return { where, bind }
}

/** A message as API.md describes it. */
async function view({ catalog, providerOf }: MessagesDeps, record: OutgoingRecord): Promise<object> {
  const { content } = record
  return {
    id: String(record.id),
    reference: record.reference,
    kind: record.kind,
    state: record.state,
    status: statusOf(record),
    accountId: record.accountId,
    connectionId: record.connectionId === null ? null : String(record.connectionId),
    provider: record.connectionId === null ? null : ((await providerOf(record.connectionId)) ?? null),
    customerPhone: record.customerPhone,
    businessPhone: record.businessPhone,
    messageId: record.messageId,
    rootMessageId: record.rootMessageId,
    reason: record.reason,
    template: content?.type === 'template' ? content.template : null,
    subject: record.subjectId === null ? null : { type: record.subjectType, id: record.subjectId },
    orderNumber: record.snapshot.orderNumber ?? null,
    text: textOf(catalog, record),
    route: { connectionId: record.connectionId === null ? null : String(record.connectionId), why: record.route.why },
    failure: failureOf(record),
    attempts: record.attempts,
    createdAt: record.createdAt,
    acceptedAt: record.acceptedAt,
    sentAt: record.sentAt,
    deliveredAt: record.deliveredAt,
    readAt: record.readAt,
    failedAt: record.failedAt,
  }
}

/** What the recipient reads. Of an account's own template only the values are known. */
function textOf(catalog: TemplateCatalog, { content }: OutgoingRecord): string | null {
  if (!content) return null
  if (content.type !== 'template') return content.text
  const { name, language } = content.template
  if (!catalog.keys.includes(name)) return Object.values(content.values).join(' | ')
  return catalog.template(name, language).render(content.values)
}

function failureOf({ failureCode, failureReason }: OutgoingRecord): object | null {
  if (!failureCode) return null
  const kind = failureKinds[failureCode as FailureCode]
  const [vendorCode] = /^\d+(\/\d+)?\b/.exec(failureReason ?? '') ?? []
  return {
    code: failureCode,
    vendorCode: vendorCode ?? null,
    detail: [kind?.text, failureReason].filter(Boolean).join(' '),
  }
}

async function history(
  { database, activity, actions, ...deps }: MessagesDeps,
  record: OutgoingRecord,
): Promise<object> {
  const rootId = record.rootOutgoingId ?? record.id
  const rows = (table: string, columns: string, key: string, id: number) =>
    database.select<Row>(`SELECT ${columns} FROM ${table} WHERE ${key} = $1 ORDER BY id`, [id])
  const [attempts, reports, replies, humanMessages, followUps, decisions, events] = await Promise.all([
    rows('wa_send_attempts', attemptColumns, 'wa_outgoing_message_id', record.id),
    rows('wa_dlr_messages', reportColumns, 'wa_outgoing_message_id', record.id),
    rows('wa_customer_reply_messages', replyColumns, 'wa_root_outgoing_message_id', rootId),
    rows('wa_contact_news', humanColumns, 'wa_root_outgoing_message_id', rootId),
    database.select<Row>(`${outgoingSelect} WHERE root_outgoing_message_id = $1 ORDER BY id`, [rootId]),
    actions.ofConversation(rootId),
    activity.ofConversation(rootId),
  ])
  const others = followUps.map(toRecord).filter(({ id }) => id !== record.id)
  const links = [record, ...others].filter(({ content }) => content?.type === 'link')
  const clicks = await readClicks(
    database,
    links.map(({ id }) => id),
  )
  return {
    ...shownClicks(record, clicks),
    attempts: attempts.map(shownRow),
    reports: reports.map(shownRow),
    replies: replies.map(shownRow),
    // What a person wrote from the business phone.
    humanMessages: humanMessages.map(shownRow),
    followUps: await Promise.all(
      others.map(async (entry) => ({
        ...(await view({ database, activity, actions, ...deps }, entry)),
        ...shownClicks(entry, clicks),
      })),
    ),
    actions: decisions,
    activity: events.map(({ id, eventId, payload }) => ({
      cursor: String(id),
      id: eventId,
      event: JSON.parse(payload),
    })),
  }
}

const noClicks = { count: 0, firstAt: null, lastAt: null }

/** Only messages that carry a link have clicks. */
const shownClicks = ({ id, content }: OutgoingRecord, clicks: ReadonlyMap<number, LinkClicks>): object =>
  content?.type === 'link' ? { clicks: clicks.get(id) ?? noClicks } : {}

const attemptColumns =
  'attempt, connection_id AS connectionId, outcome, message_id AS messageId, failure_code AS failureCode, ' +
  'vendor_code AS vendorCode, detail, started_at AS startedAt, finished_at AS finishedAt'
const reportColumns =
  'status, external_timestamp AS at, failure_code AS failureCode, failure_reason AS failureReason, created_at AS receivedAt'
const replyColumns =
  'reply_message_id AS messageId, customer_reply_type AS type, customer_reply_value AS value, button_reply_id AS buttonId, ' +
  'wa_context_outgoing_message_id AS contextId, external_updated_at AS at, created_at AS receivedAt'
const humanColumns =
  'message_id AS messageId, message_type AS type, message_value AS value, external_timestamp AS at, created_at AS receivedAt'

const timeNames = new Set(['at', 'startedAt', 'finishedAt', 'receivedAt'])
const idNames = new Set(['connectionId', 'contextId'])

/** Columns as the API shows them: times as ISO 8601, ids as text. */
function shownRow(row: Row): Row {
  const shown = ([name, value]: [string, unknown]): [string, unknown] => {
    if (timeNames.has(name)) return [name, fromSqlTime(value)]
    return [name, idNames.has(name) && value !== null ? String(value) : value]
  }
  return Object.fromEntries(Object.entries(row).map(shown))
}
