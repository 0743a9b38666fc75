/** What was written with a phone, in both directions and told by what it is about: an enquiry, a shipment, an order. */

import { phoneSpellings } from '../contacts/canonical-phone.ts'
import { statusOf } from '../sending/outgoing-message.ts'
import { type OutgoingRecord, outgoingSelect, toRecord } from '../sending/outgoing-rows.ts'
import type { Database, Row, SqlValue } from '../storage/database.ts'
import { selectIn } from '../storage/rows.ts'
import { fromSqlTime } from '../storage/time.ts'

export interface ConversationsFilter {
  readonly accountId?: number | undefined
  readonly limit: number
  /** {@link ConversationsPage.next} of the page before. */
  readonly cursor?: string | undefined
}

export interface ConversationMessage {
  readonly direction: 'out' | 'in'
  /** Ours: of the message, or of the one that was answered. */
  readonly id: string | null
  /** The provider's. */
  readonly messageId: string | null
  /** When it was asked for, or reached us: providers tell whole seconds. */
  readonly at: Date
  readonly connectionId: string | null
  readonly text: string | null
  /** Of messages that go out. */
  readonly kind?: string
  readonly status?: string
  readonly createdBy?: string | null
  /** Of replies: `text`, `button` and so on. */
  readonly type?: string
}

export interface Conversation {
  /** Null: what is about nothing that has a name. */
  readonly reference: { readonly type: string; readonly id: string } | null
  /** Newest first. */
  readonly messages: readonly ConversationMessage[]
}

export interface ConversationsPage {
  /** That with the newest message first. A message that is about several things stands in each. */
  readonly items: readonly Conversation[]
  readonly next: string | null
}

export interface ConversationsDeps {
  readonly database: Database
  /** What the recipient reads. */
  readonly textOf: (record: OutgoingRecord) => string | null
}

/** Where a page ended in each direction: ids below these are to come. */
interface Place {
  readonly out: number
  readonly in: number
}

const first: Place = { out: Number.MAX_SAFE_INTEGER, in: Number.MAX_SAFE_INTEGER }

const placeOf = (cursor: string | undefined): Place => {
  const [, out, inbound] = /^(\d{1,16})-(\d{1,16})$/.exec(cursor ?? '') ?? []
  return out && inbound ? { out: Number(out), in: Number(inbound) } : first
}

interface Entry {
  readonly id: number
  readonly message: ConversationMessage
  readonly references: Conversation['reference'][]
}

/** @param phone E.164, in any of its spellings */
export async function phoneConversations(
  deps: ConversationsDeps,
  phone: string,
  { accountId, limit, cursor }: ConversationsFilter,
): Promise<ConversationsPage> {
  const place = placeOf(cursor)
  const asked = { spellings: phoneSpellings(phone), accountId, limit }
  const [sent, replies] = await Promise.all([outgoing(deps, asked, place), inbound(deps.database, asked, place)])
  const all = [...sent, ...replies].sort(byTime)
  const page = all.slice(0, limit)
  const next = { out: lowest(page, 'out', place.out), in: lowest(page, 'in', place.in) }
  return { items: grouped(page), next: all.length >= limit ? `${next.out}-${next.in}` : null }
}

const byTime = (a: Entry, b: Entry): number => b.message.at.getTime() - a.message.at.getTime() || b.id - a.id

const lowest = (page: readonly Entry[], direction: 'out' | 'in', before: number): number =>
  Math.min(before, ...page.flatMap(({ id, message }) => (message.direction === direction ? [id] : [])))

function grouped(page: readonly Entry[]): Conversation[] {
  const groups = new Map<string, { reference: Conversation['reference']; messages: ConversationMessage[] }>()
  for (const { message, references } of page) {
    for (const reference of references) {
      const key = JSON.stringify(reference)
      const group = groups.get(key) ?? { reference, messages: [] }
      group.messages.push(message)
      groups.set(key, group)
    }
  }
  return [...groups.values()]
}

interface Asked {
  readonly spellings: readonly string[]
  readonly accountId: number | undefined
  readonly limit: number
}

const placesFor = (values: readonly string[], bind: SqlValue[]): string =>
  values.map((value) => `$${bind.push(value)}`).join(', ')

async function outgoing(
  { database, textOf }: ConversationsDeps,
  { spellings, accountId, limit }: Asked,
  place: Place,
): Promise<Entry[]> {
  const bind: SqlValue[] = [place.out]
  const own = accountId === undefined ? '' : `AND account_id = $${bind.push(accountId)}`
  const rows = await database.select<Row>(
    `${outgoingSelect} WHERE id < $1 ${own} AND customer_phone IN (${placesFor(spellings, bind)})
     ORDER BY id DESC LIMIT ${limit}`,
    bind,
  )
  return rows.map(toRecord).map((record) => ({
    id: record.id,
    references: referencesOf(record),
    message: {
      direction: 'out',
      id: String(record.id),
      messageId: record.messageId,
      at: record.createdAt,
      connectionId: record.connectionId === null ? null : String(record.connectionId),
      text: textOf(record),
      kind: record.kind,
      status: statusOf(record),
      createdBy: record.createdBy,
    },
  }))
}

function referencesOf({ snapshot, subjectType, subjectId }: OutgoingRecord): Conversation['reference'][] {
  const named = Object.entries(snapshot.references ?? {}).map(([type, id]) => ({ type, id }))
  const subject = subjectType !== null && subjectId !== null ? [{ type: subjectType, id: subjectId }] : []
  return named.length + subject.length > 0 ? [...subject, ...named] : [null]
}

interface ReplyRow {
  id: number
  reply_message_id: string | null
  customer_reply_type: string
  customer_reply_value: string | null
  connection_id: number
  root_id: number | null
  created_at: string
}

/** Whose a reply is, tells the message that it answers, else its connection. */
async function inbound(database: Database, { spellings, accountId, limit }: Asked, place: Place): Promise<Entry[]> {
  const by = (column: string, joined: string, extra: string) => {
    const bind: SqlValue[] = [place.in]
    const own = accountId === undefined ? '' : `AND COALESCE(root.account_id, c.account_id) = $${bind.push(accountId)}`
    return database.select<ReplyRow>(
      `SELECT r.id, r.reply_message_id, r.customer_reply_type, r.customer_reply_value, r.connection_id,
         r.wa_root_outgoing_message_id AS root_id, r.created_at
       FROM ${joined} LEFT JOIN wa_connections c ON c.id = r.connection_id
       WHERE r.id < $1 ${own} ${extra} AND ${column} IN (${placesFor(spellings, bind)})
       ORDER BY r.id DESC LIMIT ${limit}`,
      bind,
    )
  }
  const replies = 'wa_customer_reply_messages r'
  const roots = 'wa_outgoing_messages root'
  const onRoot = 'root.id = r.wa_root_outgoing_message_id'
  const [byPhone, hidden] = await Promise.all([
    by('r.from_phone', `${replies} LEFT JOIN ${roots} ON ${onRoot}`, ''),
    // Who hides their phone is known by the message that they answered.
    by('root.customer_phone', `${roots} JOIN ${replies} ON ${onRoot}`, 'AND r.from_phone IS NULL'),
  ])
  const rows = [...byPhone, ...hidden]
  const references = await rootReferences(
    database,
    rows.flatMap(({ root_id }) => root_id ?? []),
  )
  return rows.map((row) => ({
    id: Number(row.id),
    references: references.get(Number(row.root_id)) ?? [null],
    message: replyMessage(row),
  }))
}

const replyMessage = (row: ReplyRow): ConversationMessage => ({
  direction: 'in',
  id: row.root_id === null ? null : String(row.root_id),
  messageId: row.reply_message_id,
  at: fromSqlTime(row.created_at) ?? new Date(0),
  connectionId: String(row.connection_id),
  text: row.customer_reply_value,
  type: row.customer_reply_type,
})

async function rootReferences(database: Database, ids: readonly number[]): Promise<Map<number, Entry['references']>> {
  const rows = await selectIn<Row>(database, `${outgoingSelect} WHERE id`, [...new Set(ids)])
  return new Map(rows.map(toRecord).map((record) => [record.id, referencesOf(record)]))
}
