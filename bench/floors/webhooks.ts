/**
 * Floor of the way in, behind Koa: POST -> HMAC -> stored -> 200; then, from the rows, up to three groups at a time:
 * found -> applied with an activity row -> publish, confirmed -> marked.
 */

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import Router from '@koa/router'
import { connect } from 'amqplib'
import Koa from 'koa'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { announceReady } from '../programs.ts'
import { activityOf, keepActivities, markPublished, publishActivity, type Snapshot } from './activity.ts'
import { grouped, groupSize } from './group.ts'
import { insertAll, inTransaction, nowText, openConnection, selectAll, updateAll } from './sql.ts'

const { FLOOR_DATABASE_URL = '', FLOOR_AMQP_URL = '', FLOOR_ACCOUNT = '{}' } = process.env
const { appSecret } = JSON.parse(FLOOR_ACCOUNT) as { appSecret: string }
const appliers = 3

const storing = await openConnection(FLOOR_DATABASE_URL)
const reading = await openConnection(FLOOR_DATABASE_URL)
const free = await Promise.all(Array.from({ length: appliers }, () => openConnection(FLOOR_DATABASE_URL)))
const publishing = await (await connect(FLOOR_AMQP_URL, { noDelay: true })).createConfirmChannel()

interface Report {
  readonly id: string
  readonly status: string
  readonly timestamp: string
  readonly recipient_id: string
  readonly biz_opaque_callback_data: string
}

const reports = 'reports (message_id, reference, status, payload, at, dedupe_key, created_at, updated_at)'

const store = grouped<Report, undefined>(async (group) => {
  const now = nowText()
  const rows = group.map((report) => {
    const at = new Date(Number(report.timestamp) * 1000).toISOString().slice(0, 23).replace('T', ' ')
    const reference = report.biz_opaque_callback_data.split('.')[0] ?? ''
    const dedupeKey = `${report.id}/${report.status}`.slice(0, 64)
    return [report.id, reference, report.status, JSON.stringify(report), at, dedupeKey, now, now]
  })
  await insertAll(storing, reports, rows, ' ON DUPLICATE KEY UPDATE id = id')
  void applyWaiting()
  return group.map(() => undefined)
})

interface StoredReport extends RowDataPacket {
  readonly id: number
  readonly reference: string
  readonly status: string
  readonly at: string
}

const [last] = await selectLast()
let cursor = last?.id ?? 0
let isLooking = false

async function selectLast(): Promise<StoredReport[]> {
  const [rows] = await reading.query<StoredReport[]>('SELECT id FROM reports ORDER BY id DESC LIMIT 1')
  return rows
}

/** One writer only, so ids become visible in their order and a cursor misses none. */
async function applyWaiting(): Promise<void> {
  if (isLooking) return
  isLooking = true
  for (;;) {
    const connection = free.pop()
    if (!connection) break
    const [rows] = await reading.execute<StoredReport[]>(
      `SELECT id, reference, status, at FROM reports WHERE id > ? ORDER BY id LIMIT ${groupSize}`,
      [cursor],
    )
    if (rows.length === 0) {
      free.push(connection)
      break
    }
    cursor = rows.at(-1)?.id ?? cursor
    void apply(connection, rows).finally(() => {
      free.push(connection)
      void applyWaiting()
    })
  }
  isLooking = false
}

interface Found {
  readonly id: number
  readonly reference: string
  readonly message_id: string
  readonly customer_phone: string
  readonly context: string
}

const found = 'SELECT id, reference, message_id, customer_phone, context FROM outgoing WHERE reference'
const ranks: Readonly<Record<string, number>> = { sent: 4, delivered: 6, read: 7 }

async function apply(connection: Connection, rows: readonly StoredReport[]): Promise<void> {
  const messages = await selectAll<Found>(
    connection,
    found,
    rows.map(({ reference }) => reference),
  )
  const byReference = new Map(messages.map((message) => [message.reference, message]))
  const matched = rows.flatMap((report) => {
    const message = byReference.get(report.reference)
    return message ? [{ report, message }] : []
  })
  const status = rows[0]?.status ?? 'sent'
  const activities = matched.map(({ report, message }) =>
    activityOf(report.status, {
      outgoingId: message.id,
      messageId: message.message_id,
      phone: message.customer_phone,
      snapshot: JSON.parse(message.context) as Snapshot,
    }),
  )
  const now = nowText()
  const first = await inTransaction(connection, async () => {
    const fixed = { status_rank: ranks[status] ?? 4, updated_at: now }
    await updateAll(
      connection,
      'outgoing',
      fixed,
      `${status}_at`,
      matched.map(({ report, message }) => [message.id, report.at]),
    )
    await updateAll(
      connection,
      'reports',
      { updated_at: now },
      'outgoing_id',
      matched.map(({ report, message }) => [report.id, message.id]),
    )
    return keepActivities(connection, activities)
  })
  await Promise.all(activities.map((activity) => publishActivity(publishing, activity)))
  await markPublished(
    connection,
    activities.map((_, index) => first + index),
  )
}

function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('error', reject)
  })
}

function isSigned(body: Buffer, header: string): boolean {
  const given = Buffer.from(header.slice('sha256='.length), 'hex')
  const expected = createHmac('sha256', appSecret).update(body).digest()
  return given.length === expected.length && timingSafeEqual(given, expected)
}

type Webhook = { entry: { changes: { value: { statuses: Report[] } }[] }[] }

const reportsOf = (body: Buffer): Report[] =>
  (JSON.parse(body.toString('utf8')) as Webhook).entry.flatMap((entry) =>
    entry.changes.flatMap((change) => change.value.statuses),
  )

const router = new Router()
router.post('/webhooks/meta/:key', async (ctx) => {
  const body = await bodyOf(ctx.req)
  if (!isSigned(body, ctx.get('x-hub-signature-256'))) return ctx.throw(401)
  await Promise.all(reportsOf(body).map(store))
  ctx.status = 200
  ctx.body = ''
})

process.on('SIGTERM', () => process.exit(0))
const server = new Koa().use(router.routes()).listen(0, '127.0.0.1', () => {
  announceReady((server.address() as AddressInfo).port)
})
