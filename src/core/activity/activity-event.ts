/** The unified activity event: its exact shape is a contract with its consumers, odd spellings included. */

import { createHash } from 'node:crypto'
import { digitsOf } from '../contract/address.ts'
import type { OrderSnapshot } from './order-snapshot.ts'

/** The message an event is about, or which is answered. */
export interface ActivitySubject {
  /** Null for what concerns no message of ours. */
  readonly id: number | null
  readonly reference: string
  readonly accountId: number
  readonly messageId: string | null
  /** The provider's id of the root; null when this message is the root. */
  readonly rootMessageId: string | null
  readonly rootOutgoingId: number | null
  readonly businessPhone: string | null
  readonly customerPhone: string | null
  readonly snapshot: OrderSnapshot
  readonly sentAt: Date | null
  readonly deliveredAt: Date | null
  readonly readAt: Date | null
}

/** What happened. */
export interface Activity {
  readonly eventSubType: string
  readonly at: Date
  /** Tells two events of one type and message apart, so that each keeps its id when it is made again. */
  readonly discriminator?: string
  readonly failureReason?: string
  /** The customer's own message, when that is what the event is about. */
  readonly reply?: { readonly messageId: string }
  /** Further fields of `response_data`. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** The event before it has its number. */
export interface ActivityEvent {
  readonly eventSubType: string
  readonly actor: string
  readonly response_data: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

/** An event to be written. */
export interface ActivityRecord {
  readonly eventId: string
  readonly eventSubType: string
  readonly accountId: number
  /** Our id of the message; null where none of ours is known. */
  readonly messageId: number | null
  /** Our id of the conversation's first message. */
  readonly rootId: number | null
  /** Is it known which order it is about? */
  readonly hasOrderDetails: boolean
  readonly event: ActivityEvent
}

/** India has one time zone and no summer time; a fixed offset is far cheaper than a calendar library per event. */
const courierOffsetMs = 5.5 * 3_600_000

/** `dd-mm-yyyy` where the couriers are. */
const courierDay = (at: Date): string =>
  new Date(at.getTime() + courierOffsetMs).toISOString().slice(0, 10).split('-').reverse().join('-')

/** Builds the event; its id depends on the message, the type and the discriminator only. */
export function activityRecord(subject: ActivitySubject, activity: Activity): ActivityRecord {
  const { eventSubType } = activity
  return {
    eventId: stableId(`${subject.reference}/${eventSubType}/${activity.discriminator ?? ''}`),
    eventSubType,
    accountId: subject.accountId,
    messageId: subject.id,
    rootId: subject.rootOutgoingId ?? subject.id,
    hasOrderDetails: Boolean(subject.snapshot.orderNumber || subject.snapshot.orderId),
    event: activityEvent(subject, activity),
  }
}

/**
 * The event exactly as it is stored, published and shown.
 * @param sequence its number within the conversation, from 1 and without gaps: consumers order by it; null without one
 */
export function activityPayload({ event, rootId }: ActivityRecord, sequence: number | null): string {
  const order = sequence === null ? {} : { conversationId: String(rootId), sequence }
  return JSON.stringify({ ...event, response_data: Object.assign({}, event.response_data, order) })
}

/** Fills in what an event leaves empty of its order; nothing that it says is replaced. */
export function withOrderDetails(record: ActivityRecord, details: OrderSnapshot): ActivityRecord {
  const { event } = record
  const order = orderFields(details)
  const { account_slug, customerName } = order
  const head = filled(event, { accountSlug: account_slug, account_slug, actor: customerName })
  return { ...record, event: { ...head, response_data: filled(event.response_data, order) } }
}

const isBlank = (value: unknown) => value === '' || value === null

const filled = <T extends object>(target: T, values: Readonly<Record<string, unknown>>): T =>
  Object.fromEntries(
    Object.entries(target).map(([name, value]) => [name, isBlank(value) ? (values[name] ?? value) : value]),
  ) as T

function activityEvent(subject: ActivitySubject, activity: Activity): ActivityEvent {
  const { snapshot } = subject
  const accountSlug = snapshot.accountSlug ?? ''
  return {
    resource: 'customer_notification',
    eventType: 'POST',
    eventSubType: activity.eventSubType,
    accountSlug,
    accountId: null,
    actor: snapshot.customerName ?? '',
    version: 'v1',
    response_data: responseData(subject, activity),
    account_slug: accountSlug,
  }
}

/** The order as consumers know it; empty where nothing is known. */
const orderFields = (snapshot: OrderSnapshot) => ({
  vendorOrderNumber: snapshot.orderNumber ?? '',
  order_id: exactNumber(snapshot.orderId),
  status: snapshot.status ?? '',
  customerName: snapshot.customerName ?? '',
  customerContactNumber: snapshot.customerPhone ?? '',
  email: snapshot.email ?? '',
  forwardTrackingID: snapshot.trackingId ?? '',
  externalShipmentID: snapshot.externalShipmentId ?? '',
  customerOrderNumber: snapshot.customerOrderNumber ?? '',
  channelId: snapshot.channelId ?? '',
  account_slug: snapshot.accountSlug ?? '',
})

function responseData(subject: ActivitySubject, activity: Activity) {
  const order = orderFields(subject.snapshot)
  return {
    ...subject.snapshot.details,
    vendorOrderNumber: order.vendorOrderNumber,
    order_id: order.order_id,
    account_id: subject.accountId,
    notification_type: 'whatsApp',
    messagedId: activity.reply?.messageId ?? subject.messageId ?? '',
    ...rootFields(subject, activity),
    status: order.status,
    customerName: order.customerName,
    failureReason: activity.failureReason ?? '',
    customerContactNumber: order.customerContactNumber,
    email: order.email,
    forwardTrackingID: order.forwardTrackingID,
    externalShipmentID: order.externalShipmentID,
    customerOrderNumber: order.customerOrderNumber,
    channelId: order.channelId,
    account_slug: order.account_slug,
    timestamp: courierDay(activity.at),
    ...addresses(subject, activity),
    ...reportTimes(subject),
    ...activity.details,
  }
}

/** `isRootMessage` only on the first message and its reports, `rootMessageId` only on all others. */
function rootFields(subject: ActivitySubject, activity: Activity) {
  const isRoot = subject.rootMessageId === null
  if (isRoot && !activity.reply) return { isRootMessage: 1 }
  return { rootMessageId: (isRoot ? subject.messageId : subject.rootMessageId) ?? '' }
}

function addresses(subject: ActivitySubject, activity: Activity) {
  const business = digitsOf(subject.businessPhone ?? '')
  const customer = digitsOf(subject.customerPhone ?? '')
  return activity.reply ? { from: customer, to: business } : { from: business, to: customer }
}

function reportTimes({ sentAt, deliveredAt, readAt }: ActivitySubject) {
  return {
    ...(sentAt ? { sentOn: sentAt.toISOString() } : {}),
    ...(deliveredAt ? { deliveredAt: deliveredAt.toISOString() } : {}),
    ...(readAt ? { readAt: readAt.toISOString() } : {}),
  }
}

/** Order ids are numbers for the consumers; one that a float cannot hold stays text rather than becoming another id. */
function exactNumber(id: string | undefined): number | string | null {
  if (id === undefined) return null
  const number = Number(id)
  return Number.isSafeInteger(number) ? number : id
}

/** A UUID that depends on nothing but the text (version 5 layout). */
function stableId(text: string): string {
  const bytes = createHash('sha1').update(`fdr-gateway/activity/${text}`).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
