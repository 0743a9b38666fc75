/** The broker as its other users see it: the warehouse system publishes, somebody consumes activity events. */

import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import { findProgram, runProgram } from '../../scripts/services/processes.ts'
import { names, topology } from '../../src/consumers/topology.ts'

/** Event id -> digests of the bodies under which it was published, and how often it was. */
export type Published = Map<string, { readonly bodies: Set<string>; copies: number }>

export interface CrashBroker {
  readonly url: string
  /** Resolves when the broker has confirmed all of them, however often it went away meanwhile. */
  publish(events: readonly object[]): Promise<void>
  /** Takes what arrived since the last time. */
  collectActivity(): Promise<void>
  readonly activity: Published
  depth(queue: string): Promise<number>
  close(): Promise<void>
}

const activityQueue = 'crash.activity'
const eventKey = 'shipment.update.failed_delivery'
const confirmMs = 5_000
const ctlMs = 30_000

/** @param amqpUrl of a broker; on this machine's own a virtual host is made for the run, if rabbitmqctl may */
export async function openCrashBroker(amqpUrl: string): Promise<CrashBroker> {
  const { url, drop } = await openVhost(amqpUrl)
  const activity: Published = new Map()
  await use(url, prepare)
  return {
    url,
    activity,
    async publish(events) {
      for (;;) {
        const isDone = await use(url, (channel) => publishAll(channel, events)).catch(() => false)
        if (isDone) return
        await sleep(200)
      }
    },
    collectActivity: () => use(url, (channel) => collect(channel, activity)),
    depth: (queue) => use(url, async (channel) => (await channel.checkQueue(queue)).messageCount),
    async close() {
      await use(url, forget)
      await drop()
    },
  }
}

async function openVhost(amqpUrl: string): Promise<{ url: string; drop: () => Promise<unknown> }> {
  const program = findProgram('rabbitmqctl')
  const name = `fdr_test_crash_${randomBytes(4).toString('hex')}`
  const run = (...args: string[]) => runProgram(program ?? '', ['--quiet', ...args], { timeoutMs: ctlMs })
  const url = new URL(amqpUrl)
  const shared = { url: amqpUrl, drop: async () => {} }
  if (!program || url.pathname.length > 1) return shared
  try {
    await run('add_vhost', name)
    await run('set_permissions', '-p', name, url.username || 'guest', '.*', '.*', '.*')
    url.pathname = `/${name}`
    await use(url.href, async () => {})
    return { url: url.href, drop: () => run('delete_vhost', name) }
  } catch {
    await run('delete_vhost', name).catch(() => {})
    return shared
  }
}

async function use<T>(url: string, work: (channel: ConfirmChannel) => Promise<T>): Promise<T> {
  const connection: ChannelModel = await connect(url, { noDelay: true, timeout: confirmMs })
  connection.on('error', () => {})
  try {
    const channel = await connection.createConfirmChannel()
    channel.on('error', () => {})
    return await work(channel)
  } finally {
    await connection.close().catch(() => {})
  }
}

/** What the gateway declares, and our queue: events and activities of the first moment are kept as well. */
async function prepare(channel: ConfirmChannel): Promise<void> {
  await forget(channel)
  for (const { name, type } of topology.exchanges) await channel.assertExchange(name, type, { durable: true })
  for (const { name, options } of topology.queues) await channel.assertQueue(name, options)
  for (const { queue, exchange, key } of topology.bindings) await channel.bindQueue(queue, exchange, key)
  await channel.assertQueue(activityQueue, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await channel.bindQueue(activityQueue, names.activity, '#')
}

async function forget(channel: ConfirmChannel): Promise<void> {
  for (const queue of [activityQueue, ...topology.queues.map(({ name }) => name)]) await channel.deleteQueue(queue)
  for (const { name } of topology.exchanges) await channel.deleteExchange(name)
}

async function publishAll(channel: ConfirmChannel, events: readonly object[]): Promise<true> {
  for (const event of events) {
    const body = Buffer.from(JSON.stringify(event))
    channel.publish(names.events, eventKey, body, { persistent: true, contentType: 'application/json' })
  }
  const tooLate = sleep(confirmMs).then(() => {
    throw new Error('the broker does not confirm')
  })
  await Promise.race([channel.waitForConfirms(), tooLate])
  return true
}

async function collect(channel: ConfirmChannel, activity: Published): Promise<void> {
  for (;;) {
    const message = await channel.get(activityQueue)
    if (!message) return
    note(activity, String(message.properties.messageId), message.content)
    channel.ack(message)
  }
}

function note(activity: Published, id: string, content: Buffer): void {
  const known = activity.get(id) ?? { bodies: new Set(), copies: 0 }
  known.bodies.add(createHash('sha256').update(content).digest('base64url'))
  known.copies++
  activity.set(id, known)
}
