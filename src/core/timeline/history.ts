/** What happened to a message and its conversation, as rows and as one list. */

import type { ActivityStore, StoredActivity } from '../activity/activity-store.ts'
import type { NdrAdmin } from '../conversations/ndr-admin.ts'
import { type LinkClicks, readClicks } from '../links/click-store.ts'
import { type OutgoingRecord, outgoingSelect, toRecord } from '../sending/outgoing-rows.ts'
import type { Database, Row } from '../storage/database.ts'
import { fromSqlTime } from '../storage/time.ts'
import { readFacts, type TakenAs } from './conversation-facts.ts'
import { messageView, type ViewDeps } from './message-view.ts'
import { timelineOf } from './timeline.ts'

export interface HistoryDeps extends ViewDeps {
  readonly database: Database
  readonly activity: ActivityStore
  readonly actions: Pick<NdrAdmin, 'ofConversation'>
  readonly now: () => Date
}

/** @param record the message that is asked for: the first one of its conversation, or an answer */
export async function messageHistory(deps: HistoryDeps, record: OutgoingRecord): Promise<object> {
  const { database, activity, actions } = deps
  const rootId = record.rootOutgoingId ?? record.id
  const rows = (table: string, columns: string, key: string, id: number) =>
    database.select<Row>(`SELECT ${columns} FROM ${table} WHERE ${key} = $1 ORDER BY id`, [id])
  const [attempts, reports, replies, humanMessages, conversation, decisions, events, standing] = await Promise.all([
    rows('wa_send_attempts', attemptColumns, 'wa_outgoing_message_id', record.id),
    rows('wa_dlr_messages', reportColumns, 'wa_outgoing_message_id', record.id),
    rows('wa_customer_reply_messages', replyColumns, 'wa_root_outgoing_message_id', rootId),
    rows('wa_contact_news', humanColumns, 'wa_root_outgoing_message_id', rootId),
    messagesOf(database, record),
    actions.ofConversation(rootId),
    activity.ofConversation(rootId),
    rows('wa_conversations', conversationColumns, 'root_outgoing_message_id', rootId),
  ])
  const { root = record, followUps } = conversation
  const others = followUps.filter(({ id }) => id !== record.id)
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
    conversation: standing.map(shownRow)[0] ?? null,
    followUps: await Promise.all(
      others.map(async (entry) => ({ ...(await messageView(deps, entry)), ...shownClicks(entry, clicks) })),
    ),
    actions: decisions,
    activity: events.map(({ id, eventId, payload }) => ({
      cursor: String(id),
      id: eventId,
      event: JSON.parse(payload),
    })),
    timeline: timelineOf(await readFacts(database, { root, followUps }, events.map(takenAs)), deps.now()),
  }
}

const noClicks = { count: 0, firstAt: null, lastAt: null }

/** Only messages that carry a link have clicks. */
const shownClicks = ({ id, content }: OutgoingRecord, clicks: ReadonlyMap<number, LinkClicks>): object =>
  content?.type === 'link' ? { clicks: clicks.get(id) ?? noClicks } : {}
/** All messages of a conversation. */
async function messagesOf(database: Database, { id, rootOutgoingId }: OutgoingRecord) {
  const sql = `${outgoingSelect} WHERE id = $1 OR root_outgoing_message_id = $1 ORDER BY id`
  const records = (await database.select<Row>(sql, [rootOutgoingId ?? id])).map(toRecord)
  return {
    root: records.find((record) => record.rootOutgoingId === null),
    followUps: records.filter((record) => record.rootOutgoingId !== null),
  }
}

/** Events about a customer's message carry its id as `messagedId`. */
function takenAs({ eventSubType, payload }: StoredActivity): TakenAs {
  const event = JSON.parse(payload) as { response_data: { messagedId: string } }
  return { replyId: event.response_data.messagedId, eventSubType }
}

const attemptColumns =
  'attempt, connection_id AS connectionId, outcome, message_id AS messageId, failure_code AS failureCode, ' +
  'vendor_code AS vendorCode, detail, started_at AS startedAt, finished_at AS finishedAt'
const reportColumns =
  'status, external_timestamp AS at, failure_code AS failureCode, failure_reason AS failureReason, created_at AS receivedAt'
const replyColumns =
  'reply_message_id AS messageId, customer_reply_type AS type, customer_reply_value AS value, button_reply_id AS buttonId, ' +
  'wa_context_outgoing_message_id AS contextId, external_updated_at AS at, created_at AS receivedAt'
const conversationColumns =
  'state, decision, decision_value AS decisionValue, decided_at AS decidedAt, closed_by AS closedBy, closed_at AS closedAt'
const humanColumns =
  'message_id AS messageId, message_type AS type, message_value AS value, external_timestamp AS at, created_at AS receivedAt'

const timeNames = new Set(['at', 'startedAt', 'finishedAt', 'receivedAt', 'decidedAt', 'closedAt'])
const idNames = new Set(['connectionId', 'contextId'])

/** Columns as the API shows them: times as ISO 8601, ids as text. */
function shownRow(row: Row): Row {
  const shown = ([name, value]: [string, unknown]): [string, unknown] => {
    if (timeNames.has(name)) return [name, fromSqlTime(value)]
    return [name, idNames.has(name) && value !== null ? String(value) : value]
  }
  return Object.fromEntries(Object.entries(row).map(shown))
}
