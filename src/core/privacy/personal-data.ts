/** What in our rows is about a person, and what is left of a row without it: pure, one entry a table. */

import { clearedContent, clearedPhone } from '../sending/cleared.ts'
import type { Row, SqlValue } from '../storage/database.ts'
import { parsedObject } from '../storage/parsed-object.ts'

/**
 * - `aged`: its time is over
 * - `erased`: the person is erased; ids stay by which late reports find their message
 * - `final`: nothing more is expected: also the ids of providers go, in which a phone can be read
 */
export type Depth = 'aged' | 'erased' | 'final'

export type Cleared = Readonly<Record<string, SqlValue>>

export interface PersonalTable {
  readonly name: string
  /** When a row began, for its age. */
  readonly time: string
  /** What is read of a row: all that decides, and enough of what goes to see whether it is gone already. */
  readonly columns: readonly string[]
  /** Is somebody still working with what would be cleared? An erasure waits only where it has to. */
  readonly isOpen: (row: Row, depth: Depth) => boolean
  /** The columns as they are afterwards, always the same ones at one depth. */
  readonly clear: (row: Row, depth: Depth) => Cleared
}

const isDue = (row: Row): boolean => row.due_at !== null
/** Erasing takes away nothing that the work needs. */
const isDueWhole = (row: Row, depth: Depth): boolean => depth === 'aged' && isDue(row)
const never = (): boolean => false
const openStates = new Set<unknown>(['queued', 'sending', 'waiting', 'in_doubt'])

/** Of an order; all else that stands in a snapshot is about the person. */
const orderFields = [
  'accountSlug',
  'orderNumber',
  'orderId',
  'shipmentId',
  'trackingId',
  'externalShipmentId',
  'customerOrderNumber',
  'channelId',
  'brand',
  'courierName',
  'status',
  'language',
]

function keepFields(json: unknown, fields: readonly string[]): string | null {
  const known = parsedObject(json)
  if (!known) return null
  return JSON.stringify(Object.fromEntries(fields.flatMap((name) => (name in known ? [[name, known[name]]] : []))))
}

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** Blank in the fields that are there: consumers count on them. */
function blanked(object: Json, names: readonly string[]): Json {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, names.includes(name) ? '' : value]))
}

const personOfEvent = ['customerName', 'customerContactNumber', 'email', 'from', 'to']
const idsOfEvent = ['messagedId', 'rootMessageId']

/** An activity event, which keeps its shape, its place and its number. Nothing is left of one that cannot be read. */
export function withoutPerson(payload: unknown, depth: Depth): string {
  const event = parsedObject(payload)
  if (!event) return '{}'
  const data = isObject(event.response_data) ? event.response_data : {}
  const names = depth === 'final' ? [...personOfEvent, ...idsOfEvent] : personOfEvent
  return JSON.stringify({ ...blanked(event, ['actor']), response_data: withoutWords(blanked(data, names)) })
}

/** Words of a vendor or of the courier side may name a person; the contract asks for some. */
const withoutWords = (data: Json): Json =>
  data.failureReason ? { ...data, failureReason: vendorCodeOf(data.failureReason) ?? 'cleared' } : data

/** The vendor's own number for a failure, with which its words begin. Longer ones may be phones. */
const vendorCodeOf = (reason: unknown): string | null =>
  (typeof reason === 'string' && /^\d{1,7}(\/\d{1,7})?\b/.exec(reason)?.[0]) || null

const reasonIn = (json: unknown): string => textOf(parsedObject(json)?.reason) ?? 'unknown'

const ifFinal = (depth: Depth, columns: Cleared): Cleared => (depth === 'final' ? columns : {})
/** The provider's id, where the column takes no null. */
const noId = ''

export const personalTables = {
  messages: {
    name: 'wa_outgoing_messages',
    columns: [
      'state',
      'context',
      'root_message_id',
      'message_id',
      'failure_reason',
      'customer_phone',
      'customer_user_id',
      'payload',
    ],
    time: 'created_at',
    isOpen: ({ state }) => openStates.has(state),
    clear: ({ state, context, root_message_id, failure_reason, customer_phone, payload }, depth) => ({
      customer_phone: clearedPhone(customer_phone),
      customer_user_id: null,
      payload: clearedContent(payload),
      context: keepFields(context, orderFields),
      // Why nothing was sent are our own words.
      failure_reason: state === 'skipped' ? textOf(failure_reason) : vendorCodeOf(failure_reason),
      // By it, the warehouse system would tell again who the person is.
      ...(depth === 'aged' ? {} : { shipment_status_log_id: null }),
      ...ifFinal(depth, {
        message_id: null,
        context_message_id: null,
        // Null would make it a first message.
        root_message_id: root_message_id === null ? null : noId,
      }),
    }),
  },
  attempts: {
    name: 'wa_send_attempts',
    columns: ['detail', 'message_id'],
    time: 'started_at',
    isOpen: never,
    clear: (_, depth) => ({ detail: null, ...ifFinal(depth, { message_id: null }) }),
  },
  reports: {
    name: 'wa_dlr_messages',
    columns: ['due_at', 'failure_reason', 'message_id', 'payload'],
    time: 'created_at',
    isOpen: isDueWhole,
    // Applying needs the reason, and nothing of the payload.
    clear: (row, depth) => ({
      payload: null,
      failure_reason: isDue(row) ? textOf(row.failure_reason) : vendorCodeOf(row.failure_reason),
      ...ifFinal(depth, { message_id: noId }),
    }),
  },
  replies: {
    name: 'wa_customer_reply_messages',
    columns: ['due_at', 'reply_message_id', 'from_phone', 'from_user_id', 'from_name', 'payload'],
    time: 'created_at',
    isOpen: isDue,
    clear: ({ id }, depth) => ({
      from_phone: null,
      from_user_id: null,
      from_name: null,
      customer_reply_value: null,
      payload: null,
      // Unique with its connection.
      ...ifFinal(depth, { context_message_id: null, reply_message_id: `erased:${id}` }),
    }),
  },
  contactNews: {
    name: 'wa_contact_news',
    columns: ['due_at', 'phone', 'user_id', 'new_phone', 'new_user_id', 'message_id', 'payload'],
    time: 'created_at',
    isOpen: isDue,
    clear: (_, depth) => ({
      phone: null,
      user_id: null,
      new_phone: null,
      new_user_id: null,
      message_value: null,
      payload: null,
      ...ifFinal(depth, { message_id: null }),
    }),
  },
  decisions: {
    name: 'ndr_actions',
    columns: ['state', 'due_at', 'request', 'response', 'reply_message_id'],
    time: 'created_at',
    isOpen: (row, depth) => depth === 'aged' && (isDue(row) || row.state === 'pushing'),
    clear: ({ request }, depth) => ({
      request: JSON.stringify(blanked(parsedObject(request) ?? {}, ['customerPhone'])),
      response: null,
      ...ifFinal(depth, { reply_message_id: null }),
    }),
  },
  activity: {
    name: 'activity_events',
    columns: ['due_at', 'payload'],
    time: 'created_at',
    // An event that nobody could take yet goes out whole. Of an erased person it goes out without them.
    isOpen: isDueWhole,
    clear: ({ payload }, depth) => ({ payload: withoutPerson(payload, depth) }),
  },
  rejected: {
    name: 'rejected_events',
    columns: ['state'],
    time: 'created_at',
    isOpen: never,
    // The same body, should it come again, is another one.
    clear: ({ id }) => ({ body: Buffer.alloc(0), body_hash: `erased:${id}`, detail: null, state: 'erased' }),
  },
  requests: {
    name: 'idempotent_requests',
    time: 'created_at',
    columns: ['status', 'answer'],
    isOpen: ({ status }) => status === null,
    clear: () => ({ answer: null }),
  },
  bulkErrors: {
    name: 'message_bulk_errors',
    time: 'created_at',
    columns: ['error'],
    isOpen: never,
    // In its shape, with the word that says why.
    clear: ({ error }) => ({ error: JSON.stringify({ reason: reasonIn(error), detail: 'cleared' }) }),
  },
  audit: {
    name: 'audit_log',
    time: 'created_at',
    columns: ['subject_type', 'subject_id'],
    isOpen: never,
    clear: ({ subject_type, subject_id }) => ({
      subject_id: subject_type === 'contact' ? 'erased' : String(subject_id),
    }),
  },
} as const satisfies Record<string, PersonalTable>
