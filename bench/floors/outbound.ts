/** Floor of the way out: event -> row -> POST -> update with an activity row -> publish, confirmed -> marked. */

import { randomBytes } from 'node:crypto'
import { type ConsumeMessage, connect } from 'amqplib'
import { Pool } from 'undici'
import { names } from '../../src/consumers/topology.ts'
import { announceReady } from '../programs.ts'
import { activityOf, type FloorActivity, keepActivities, markPublished, publishActivity } from './activity.ts'
import { eventOf, type FloorEvent, templateMessage } from './event.ts'
import { grouped } from './group.ts'
import { insertAll, inTransaction, nowText, openConnection, updateAll } from './sql.ts'

const { FLOOR_DATABASE_URL = '', FLOOR_AMQP_URL = '', FLOOR_PROVIDER_URL = '', FLOOR_ACCOUNT = '{}' } = process.env
const concurrency = Number(process.env.FLOOR_CONCURRENCY)
const account = JSON.parse(FLOOR_ACCOUNT) as { phoneNumberId: string; accessToken: string }
const prefetch = 200

const [inserting, updating, marking] = await Promise.all([1, 2, 3].map(() => openConnection(FLOOR_DATABASE_URL)))
if (!inserting || !updating || !marking) throw new Error('no database')
const provider = new Pool(FLOOR_PROVIDER_URL, { connections: concurrency, pipelining: 1 })
const consuming = await (await connect(FLOOR_AMQP_URL, { noDelay: true })).createChannel()
const publishing = await (await connect(FLOOR_AMQP_URL, { noDelay: true })).createConfirmChannel()

interface Arrived {
  readonly message: ConsumeMessage
  readonly event: FloorEvent
  readonly reference: string
  readonly body: string
}

const outgoing = `outgoing (reference, idempotency_key, account_id, customer_phone, payload, context, state, status_rank,
  created_at, updated_at)`

/** One flush at a time, in order of arrival: acknowledging the last acknowledges all. */
const insert = grouped<Arrived, number>(async (group) => {
  const at = nowText()
  const rows = group.map(({ event, reference, body }) => {
    const context = JSON.stringify(event.snapshot)
    return [reference, event.key, event.accountId, event.phone, body, context, 'sending', 1, at, at]
  })
  const first = await insertAll(inserting, outgoing, rows)
  const last = group.at(-1)
  if (last) consuming.ack(last.message, true)
  return group.map((_, index) => first + index)
})

interface Accepted {
  readonly id: number
  readonly messageId: string
  readonly activity: FloorActivity
}

const record = grouped<Accepted, number>(async (group) => {
  const at = nowText()
  const fixed = { state: 'accepted', status_rank: 3, accepted_at: at, updated_at: at }
  const first = await inTransaction(updating, async () => {
    await updateAll(
      updating,
      'outgoing',
      fixed,
      'message_id',
      group.map(({ id, messageId }) => [id, messageId]),
    )
    return keepActivities(
      updating,
      group.map(({ activity }) => activity),
    )
  })
  return group.map((_, index) => first + index)
})

const mark = grouped<number, undefined>(async (ids) => {
  await markPublished(marking, ids)
  return ids.map(() => undefined)
})

const headers = { authorization: `Bearer ${account.accessToken}`, 'content-type': 'application/json' }
const path = `/v24.0/${account.phoneNumberId}/messages`

async function post(body: string): Promise<string> {
  const answer = await provider.request({ method: 'POST', path, headers, body })
  const { messages } = (await answer.body.json()) as { messages: { id: string }[] }
  return messages[0]?.id ?? ''
}

async function take(message: ConsumeMessage): Promise<void> {
  const event = eventOf(message.content)
  const reference = randomBytes(16).toString('base64url')
  const body = templateMessage(event, reference)
  const id = await insert({ message, event, reference, body })
  const messageId = await post(body)
  const activity = activityOf('inqueue', { outgoingId: id, messageId, phone: event.phone, snapshot: event.snapshot })
  const activityId = await record({ id, messageId, activity })
  await publishActivity(publishing, activity)
  await mark(activityId)
}

process.on('SIGTERM', () => process.exit(0))
await consuming.prefetch(prefetch)
await consuming.consume(names.eventQueue, (message) => {
  if (message) void take(message)
})
announceReady()
