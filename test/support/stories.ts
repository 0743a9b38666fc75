/** What stories are told with: customers, events, taps, webhooks, and a look at what came of them. */

import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'chai'
import type { Rule, TemplateInput } from '../../src/providers/simulator/inputs.ts'
import type { AcceptedMessage } from '../../src/providers/simulator/ledger.ts'
import { type ActivityItem, type Asked, type AskMethod, ask, type RawAnswer } from './ask.ts'
import { anFdrEvent, anFdrEventFor, type FdrEventJson, simulatorAccount } from './fixtures.ts'
import { adminKey, type Storage, startWorld, until, type World, type WorldOptions } from './world.ts'

export const storages: readonly Storage[] = ['sqlite', 'mysql']

/** A world that the tests of one `describe` share; each of them brings its own customers and accounts. */
export function sharedWorld(options: WorldOptions): () => World {
  let world: World | undefined
  before(async () => {
    world = await startWorld(options)
  })
  afterEach(() => {
    world?.provider.clearRules()
    world?.provider.scriptNdr({ mode: 'ok' })
  })
  after(() => world?.close())
  return () => {
    if (!world) throw new Error('the world is not started')
    return world
  }
}

/** Runs a story in a world of its own. */
export async function inWorld(options: WorldOptions, story: (world: World) => Promise<void>): Promise<void> {
  const world = await startWorld(options)
  await story(world).finally(world.close)
}

/** A clock that stands still until it is moved. */
export function aClock(start: string) {
  let ms = Date.parse(start)
  return {
    now: () => new Date(ms),
    advance(minutes: number) {
      ms += minutes * 60_000
    },
  }
}

export interface Customer {
  /** As shops write it. */
  readonly local: string
  /** E.164 */
  readonly phone: string
  /** As the provider writes it. */
  readonly waId: string
}

let nextLocal = 9_810_100_000
export function aCustomer(): Customer {
  const local = String(nextLocal++)
  return { local, phone: `+91${local}`, waId: `91${local}` }
}

let nextAccount = 1_000
/** An account of its own, switched on, with whatever else a test wants set. */
export async function anAccount(world: World, settings: object = {}): Promise<number> {
  const id = nextAccount++
  const answer = await world.call('PUT', `/v1/accounts/${id}/settings`, { isWhatsappEnabled: true, ...settings })
  expect(answer.status, JSON.stringify(answer.body)).to.equal(200)
  return id
}

export interface OwnConnection {
  readonly accountId: number
  readonly connectionId: string
  readonly phoneNumberId: string
  /** Path of its webhook. */
  readonly path: string
  readonly credentials: Readonly<Record<string, string>>
}

export interface OwnConnectionOptions {
  readonly settings?: object
  readonly templates?: readonly TemplateInput[]
  readonly limits?: { readonly messagesPerSecond?: number; readonly concurrency?: number }
  /** How fast the simulator lets it send. */
  readonly messagesPerSecond?: number
}

/** A gateway's API and the simulator behind it, however the gateway was started. */
export type Reachable = Pick<World, 'call' | 'provider'>

let nextSender = 1
/** An account with a connection of its own at the simulator, where its templates and the built-in ones are known. */
export async function anOwnConnection(
  world: Reachable,
  { settings = {}, templates = [], limits = {}, messagesPerSecond }: OwnConnectionOptions = {},
): Promise<OwnConnection> {
  const accountId = nextAccount++
  const suffix = String(nextSender++).padStart(4, '0')
  const credentials = {
    phoneNumberId: `82000000000${suffix}`,
    wabaId: `92000000000${suffix}`,
    accessToken: `EAAowntoken${suffix}`,
    appSecret: `own_app_secret_${suffix}`,
  }
  const businessPhone = `+91114000${suffix}`
  world.provider.addAccount({ ...credentials, displayPhoneNumber: businessPhone })
  const draft = { accountId, provider: 'meta', name: 'Own', businessPhone, credentials, limits }
  const created = await world.call<{ id: string; webhook: { callbackUrl: string; verifyToken: string } }>(
    'POST',
    '/v1/connections',
    draft,
  )
  expect(created.status, JSON.stringify(created.body)).to.equal(201)
  const { id, webhook } = created.body
  world.provider.addAccount({
    ...credentials,
    displayPhoneNumber: businessPhone,
    templates: [...(await builtInTemplates(world)), ...templates],
    webhookUrl: webhook.callbackUrl,
    verifyToken: webhook.verifyToken,
    ...(messagesPerSecond === undefined ? {} : { messagesPerSecond }),
  })
  const own = { isWhatsappEnabled: true, whatsappSenderConnectionId: id, ...settings }
  expect((await world.call('PUT', `/v1/accounts/${accountId}/settings`, own)).status).to.equal(200)
  const { pathname: path } = new URL(webhook.callbackUrl)
  return { accountId, connectionId: id, phoneNumberId: credentials.phoneNumberId, path, credentials }
}

export async function builtInTemplates(world: Reachable) {
  const { body } = await world.call<{ items: { registration: TemplateInput }[] }>('GET', '/v1/templates')
  return body.items.map(({ registration }) => registration)
}

/** Reasons that customers are told about: NDR code, description, and the quick replies that they get. */
export const notifiedReasons = {
  customer_unavailable: [1, 'Customer unavailable', ['reschedule', 'reattempt', 'report_fake_delivery']],
  rejected_by_customer: [2, 'Rejected by customer', ['reattempt', 'report_fake_delivery', 'cancel']],
  delivery_rescheduled: [3, 'Delivery rescheduled', ['reschedule', 'report_fake_delivery', 'cancel']],
  customer_unreachable: [5, 'Customer unreachable', ['add_alternate_number', 'reattempt', 'report_fake_delivery']],
  address_issue: [6, 'Address issue', ['update_address', 'add_alternate_number', 'cancel']],
  payment_issue: [7, 'Payment issue', ['reattempt', 'reschedule', 'cancel']],
  out_of_delivery_area: [8, 'Out of delivery area (ODA)', ['update_address', 'cancel']],
  open_delivery: [12, 'Customer wants open delivery', ['reattempt', 'cancel']],
  otp_cancellation: [14, 'OTP-based cancellation', ['reattempt', 'report_fake_delivery', 'cancel']],
} as const

export type NotifiedReason = keyof typeof notifiedReasons

/** The real event for a customer, an account (379 unless told) and a reason. */
export function eventFor(
  customer: Customer,
  { reason, ...changes }: { reason?: NotifiedReason } & Record<string, unknown> = {},
): FdrEventJson {
  const fields = { customerContactNumber: customer.local, ...changes }
  if (!reason) return anFdrEvent(fields)
  const [code, description] = notifiedReasons[reason]
  return anFdrEventFor(code, description, fields)
}

export interface Delivered {
  readonly eventId: string
  readonly outcome: string
  readonly reason?: string
  readonly message?: { readonly id: string; readonly status: string; readonly route: { readonly why: string } }
}

/** Posts an event that is expected to be taken. */
export async function deliver(world: World, event: object): Promise<Delivered> {
  const { status, body } = await world.call<Delivered>('POST', '/v1/events', event)
  expect(status, JSON.stringify(body)).to.equal(202)
  return body
}

/** Tells that a shipment has come to its end. */
export async function endShipment(
  world: World,
  shipment: number,
  fields: object = {},
  eventSubType = 'delivered',
): Promise<void> {
  const response_data = { id: String(shipment), account_id: 379, ...fields }
  const ended = await deliver(world, { resource: 'shipment', eventSubType, response_data })
  expect(ended.reason).to.equal('shipment_ended')
}

/** The time for which a message waits has come. */
export const makeDue = (world: World, id: string) =>
  world.database.write('UPDATE wa_outgoing_messages SET due_at = created_at WHERE id = $1', [id])

export interface FirstMessage {
  readonly customer: Customer
  /** Our id of it. */
  readonly id: string
  /** As the provider took it. */
  readonly sent: AcceptedMessage
}

/** Tells a new customer of a failed delivery, and waits until all is quiet. */
export async function aFirstMessage(
  world: World,
  changes: { reason?: NotifiedReason; customer?: Customer } & Record<string, unknown> = {},
): Promise<FirstMessage> {
  const { customer = aCustomer(), ...fields } = changes
  const { message } = await deliver(world, eventFor(customer, { reason: 'customer_unavailable', ...fields }))
  await settle(world)
  const sent = messagesTo(world, customer).at(-1)
  if (!message || !sent) throw new Error('no message was sent')
  return { customer, id: message.id, sent }
}

/** A first message about which the provider reports nothing by itself. */
export async function aSilentMessage(
  world: World,
  {
    rule = {},
    ...changes
  }: { rule?: Rule; reason?: NotifiedReason; customer?: Customer } & Record<string, unknown> = {},
): Promise<FirstMessage> {
  const { customer = aCustomer() } = changes
  const suppress: NonNullable<Rule['webhooks']>['suppress'] = ['sent', 'delivered', 'read']
  world.provider.addRule({ ...rule, phone: customer.phone, webhooks: { suppress } })
  return aFirstMessage(world, { ...changes, customer })
}

/** What the provider took for a customer, oldest first. */
export const messagesTo = (world: World, { waId }: Customer): AcceptedMessage[] =>
  world.provider.accepted().filter((message) => message.to === waId)

/** What the provider was asked to send to a customer, taken or not. */
export const requestsFor = (world: World, { phone }: Customer): Record<string, unknown>[] =>
  world.provider
    .requests()
    .filter(({ path }) => path.endsWith('/messages'))
    .map(({ body }) => body as Record<string, unknown>)
    .filter(({ to }) => to === phone)

/** Taps a button, waits until all is quiet, and resolves with what was said in answer. */
export async function tap(
  world: World,
  message: AcceptedMessage | undefined,
  title: string,
  options: Parameters<World['provider']['tap']>[2] = {},
): Promise<AcceptedMessage[]> {
  return answersTo(world, { waId: message?.to ?? '' }, () =>
    world.provider.tap(message?.wamid ?? '', { title }, options),
  )
}

/** Writes a text as a customer; resolves with what was said in answer. */
export const say = (world: World, customer: Customer, text: string): Promise<AcceptedMessage[]> =>
  answersTo(world, customer, () => world.provider.say(customer.phone, text))

/** What a customer is told because of something, once all is quiet. */
export async function answersTo(
  world: World,
  { waId }: Pick<Customer, 'waId'>,
  act: () => Promise<unknown>,
): Promise<AcceptedMessage[]> {
  const heard = () => world.provider.accepted().filter((message) => message.to === waId)
  const before = heard().length
  await act()
  await settle(world)
  return heard().slice(before)
}

const untouched = [
  `SELECT id FROM wa_outgoing_messages
   WHERE state IN ('queued', 'sending') AND (quiet_until IS NULL OR quiet_until <> due_at)`,
  'SELECT id FROM wa_dlr_messages WHERE tries = 0 AND due_at IS NOT NULL',
  'SELECT id FROM wa_customer_reply_messages WHERE tries = 0 AND due_at IS NOT NULL',
  'SELECT id FROM wa_contact_news WHERE tries = 0 AND due_at IS NOT NULL',
  "SELECT id FROM ndr_actions WHERE state = 'pushing' OR (state = 'pending' AND attempts = 0 AND due_at <= updated_at)",
]

/**
 * Waits until nothing is under way: neither at the provider nor in the rows. What waits for a later time (a retry, a
 * report whose message is not known) counts as quiet.
 */
export async function settle(world: World, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs
  for (let quietLooks = 0; quietLooks < 2; await sleep(5)) {
    await world.provider.idle(timeoutMs)
    const busy = await Promise.all(untouched.map((sql) => world.rows(`${sql} LIMIT 1`)))
    quietLooks = busy.every((rows) => rows.length === 0) ? quietLooks + 1 : 0
    if (Date.now() > end) throw new Error(`not quiet within ${timeoutMs} ms: ${JSON.stringify(busy)}`)
  }
}

/** `GET /v1/messages/{id}`, as far as stories look at it. */
export interface Timeline {
  readonly id: string
  readonly state: string
  readonly status: string
  readonly messageId: string | null
  readonly text: string
  readonly route: { readonly connectionId: string | null; readonly why: string }
  readonly failure: { readonly code: string; readonly vendorCode: string | null; readonly detail: string } | null
  readonly sentAt: string | null
  readonly deliveredAt: string | null
  readonly readAt: string | null
  readonly failedAt: string | null
  readonly attempts: readonly {
    readonly attempt: number
    readonly outcome: string
    readonly failureCode: string | null
  }[]
  readonly reports: readonly { readonly status: string; readonly failureCode: string | null }[]
  readonly replies: readonly {
    readonly type: string
    readonly value: string | null
    readonly contextId: string | null
    readonly messageId: string
  }[]
  readonly accountId: number
  readonly conversation: {
    readonly state: string
    readonly decision: string | null
    readonly decisionValue: string | null
    readonly closedBy: string | null
  } | null
  readonly humanMessages: readonly { readonly type: string; readonly value: string | null; readonly at: string }[]
  readonly followUps: readonly { readonly id: string; readonly text: string; readonly messageId: string | null }[]
  readonly actions: readonly {
    readonly action: string
    readonly state: string
    readonly attempts: number
    readonly responseStatus: number | null
    readonly response: string | null
    readonly request: Readonly<Record<string, unknown>>
  }[]
  readonly activity: readonly ActivityItem[]
  readonly timeline: readonly {
    readonly at: string
    readonly what: string
    readonly messageId: string
    readonly text: string
    readonly why: string | null
  }[]
}

export async function timelineOf(world: World, id: string | undefined): Promise<Timeline> {
  const { status, body } = await world.call<Timeline>('GET', `/v1/messages/${id}`)
  expect(status).to.equal(200)
  return body
}

/** Sub-types of a conversation's activity events, in order. */
export const activityOf = async (world: World, id: string): Promise<string[]> =>
  (await timelineOf(world, id)).activity.map(({ event }) => event.eventSubType)

/** The decisions that the courier side took for a customer. */
export const decisionsOf = (world: World, { phone }: Customer) =>
  world.provider
    .ndr()
    .map(({ body }) => body)
    .filter(({ customerPhone }) => customerPhone === phone)

/** A webhook of Meta's with these elements. */
export const aWebhook = (
  { statuses, messages }: { statuses?: readonly unknown[]; messages?: readonly unknown[] },
  phoneNumberId = simulatorAccount.credentials.phoneNumberId,
): object => ({
  object: 'whatsapp_business_account',
  entry: [
    {
      id: simulatorAccount.credentials.wabaId,
      changes: [
        {
          value: {
            messaging_product: 'whatsapp',
            metadata: { display_phone_number: '911140001234', phone_number_id: phoneNumberId },
            ...(statuses ? { statuses } : {}),
            ...(messages ? { messages } : {}),
          },
          field: 'messages',
        },
      ],
    },
  ],
})

/** A webhook of Meta's with one change of another field, about our number. */
export const aChange = (field: string, value: object): object => ({
  object: 'whatsapp_business_account',
  entry: [
    {
      id: simulatorAccount.credentials.wabaId,
      changes: [
        {
          value: {
            messaging_product: 'whatsapp',
            metadata: {
              display_phone_number: '911140001234',
              phone_number_id: simulatorAccount.credentials.phoneNumberId,
            },
            ...value,
          },
          field,
        },
      ],
    },
  ],
})

/** Posts a webhook and waits until all that follows from it is done. */
export async function tell(world: World, body: object, path?: string): Promise<void> {
  const { status, text } = await postWebhook(world, body, path === undefined ? {} : { path })
  expect(status, text).to.equal(200)
  await settle(world)
}

/** One status of a message, as Meta reports it. */
export const aStatus = (
  message: { readonly wamid: string; readonly to: string; readonly reference?: string },
  status: string,
  more: object = {},
): object => ({
  id: message.wamid,
  status,
  timestamp: String(Math.floor(Date.now() / 1000)),
  recipient_id: message.to,
  ...(message.reference ? { biz_opaque_callback_data: message.reference } : {}),
  ...more,
})

let nextTap = 1
/** A tap on a button of a message, as the provider writes it. */
export const aTapOn = (message: AcceptedMessage, title: string, at = new Date()): object => ({
  from: message.to,
  id: `wamid.TAP${nextTap++}`,
  timestamp: String(Math.floor(at.getTime() / 1000)),
  type: 'button',
  button: { payload: message.buttons.find((button) => button.title === title)?.payload, text: title },
  context: { id: message.wamid },
})

export const signatureOf = (body: string | Buffer, secret: string = simulatorAccount.credentials.appSecret): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`

/** Posts a webhook as Meta does, to the platform's URL and rightly signed unless told otherwise. */
export async function postWebhook(
  world: World,
  body: object | string,
  { path = '/webhooks/meta', signature }: { path?: string; signature?: string } = {},
): Promise<RawAnswer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const headers = { 'content-type': 'application/json', 'x-hub-signature-256': signature ?? signatureOf(text) }
  return http(world, 'POST', path, { headers, body: text })
}

/** One plain HTTP request to the gateway. */
export const http = (world: World, method: AskMethod, path: string, asked: Asked = {}): Promise<RawAnswer> =>
  ask(world.url, method, path, asked)

/** The same as the administrator. */
export const asAdmin = (world: World, method: 'GET' | 'POST' | 'PUT' | 'PATCH', path: string, body?: string | Buffer) =>
  http(world, method, path, {
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body }),
  })

/**
 * Every table with its rows, as text: to see that something changed nothing, or that something is nowhere.
 * @param without tables that may change
 */
export async function dumpOf(world: World, ...without: readonly string[]): Promise<string> {
  const names = await world.rows<{ name: string }>(
    world.database.dialect === 'sqlite'
      ? "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
      : 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name',
  )
  const rowsOf = async (name: string) =>
    (await world.rows<{ name?: unknown }>(`SELECT * FROM ${name}`)).filter((row) => !without.includes(String(row.name)))
  const kept = names.filter(({ name }) => !without.includes(name))
  const tables = await Promise.all(kept.map(async ({ name }) => [name, await rowsOf(name)]))
  const shown = (_: string, value: unknown) => {
    const bytes = value as { type?: string; data?: number[] } | null
    return bytes?.type === 'Buffer' && bytes.data ? Buffer.from(bytes.data).toString('utf8') : value
  }
  return JSON.stringify(tables, shown)
}

/** What a gateway that nobody asks anything writes down now and then. */
const writtenByItself = [
  ...['gateway_replicas', 'gateway_leases', 'wa_webhook_notes', 'retention_marks'],
  ...['wa_stats_blocks', 'wa_stats_sums', 'wa_stats_state'],
]
/** Reports follow each other within a second; on a busy machine later. */
const quietMs = 2_000

/** Names of the tables that two dumps have otherwise. */
export function changedTables(before: string, after: string): string[] {
  const rowsOf = (dump: string) => new Map(JSON.parse(dump) as [string, unknown][])
  const earlier = rowsOf(before)
  return [...rowsOf(after)].flatMap(([name, rows]) => (isDeepStrictEqual(rows, earlier.get(name)) ? [] : [name]))
}

/** The same of what requests change, once nothing that began before changes it any more. */
export const settledDump = (world: World): Promise<string> =>
  until('nothing changes by itself', async () => {
    const dump = await dumpOf(world, ...writtenByItself)
    await sleep(quietMs)
    return dump === (await dumpOf(world, ...writtenByItself)) && dump
  })
