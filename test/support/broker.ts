/** The broker as tests see it: a virtual host, a publisher like the warehouse system's, a consumer of activity events. */

import { randomBytes } from 'node:crypto'
import { type Channel, type ConfirmChannel, connect, type GetMessage } from 'amqplib'
import { localRabbitmqctl } from '../../scripts/services/rabbitmq.ts'
import { deleteGatewayObjects, namesVhost, openVhost, runRabbitmqctl } from '../../scripts/services/vhost.ts'
import { names } from '../../src/consumers/topology.ts'
import { checkPublished } from './activity-contract.ts'

/** A body, and the key when it is not that of the failed-delivery fixture. */
export interface Publication {
  readonly body: Buffer | object
  readonly key?: string
  /** The property of the message, not a field of the body. */
  readonly messageId?: string
}

export interface TestBroker {
  readonly url: string
  /** Publishes to `wms.events`, persistent; resolves when the broker has confirmed all. */
  publish(...events: (Publication | Buffer | object)[]): Promise<void>
  /** Binds a queue of ours to `activity.events`, or binds it again. */
  bindActivity(): Promise<void>
  /**
   * Everything that arrived in it since the last call.
   * @throws {Error} for one that the gateway's documents do not announce
   */
  takeActivity(): Promise<GetMessage[]>
  /** Messages that wait in a queue; those that a consumer holds do not count. */
  depth(queue: string): Promise<number>
  /** Runs work on a connection of its own. */
  use<T>(work: (channel: ConfirmChannel) => Promise<T>): Promise<T>
  /** Runs rabbitmqctl; undefined where it cannot be used. */
  readonly ctl: ((...args: string[]) => Promise<string>) | undefined
  readonly vhost: string
  close(): Promise<void>
}

export const failedDeliveryKey = 'shipment.update.failed_delivery'
const activityQueue = 'test.activity'
const defaultUrl = 'amqp://guest:guest@127.0.0.1:5672'

/** A clean virtual host: the one of the test run (TEST_AMQP_URL), else one that lives as long as this broker. */
export async function openBroker(): Promise<TestBroker> {
  const amqpUrl = process.env.TEST_AMQP_URL ?? defaultUrl
  const rabbitmqctl = process.env.TEST_RABBITMQCTL ?? localRabbitmqctl(amqpUrl)
  const { url, isOwn, drop } = await openVhost(
    { amqpUrl, rabbitmqctl },
    `fdr_test_manual_${randomBytes(4).toString('hex')}`,
    console.log,
  )
  await forget(url)
  const canControl = rabbitmqctl !== undefined && (isOwn || process.env.TEST_RABBITMQCTL !== undefined)
  const use = <T>(work: (channel: ConfirmChannel) => Promise<T>) => withChannel(url, work)
  return {
    url,
    vhost: decodeURIComponent(new URL(url).pathname.slice(1)) || '/',
    ctl: canControl ? (...args) => runRabbitmqctl(rabbitmqctl, '--quiet', ...args) : undefined,
    use,
    publish: (...events) => use((channel) => publishAll(channel, events)),
    bindActivity: () => use(bindActivity),
    takeActivity: () => use(takeActivity),
    depth: (queue) => use(async (channel) => (await channel.checkQueue(queue)).messageCount),
    async close() {
      await forget(url)
      await drop()
    },
  }
}

/** Nothing of an earlier test file may be there. What is in the default virtual host may be somebody else's. */
async function forget(url: string): Promise<void> {
  await withChannel(url, (channel) => channel.deleteQueue(activityQueue))
  if (namesVhost(url)) await deleteGatewayObjects(url)
}

async function withChannel<T>(url: string, work: (channel: ConfirmChannel) => Promise<T>): Promise<T> {
  const connection = await connect(url, { noDelay: true })
  connection.on('error', () => {})
  try {
    const channel = await connection.createConfirmChannel()
    channel.on('error', () => {})
    return await work(channel)
  } finally {
    await connection.close().catch(() => {})
  }
}

async function publishAll(channel: ConfirmChannel, events: readonly (Publication | Buffer | object)[]): Promise<void> {
  for (const event of events) publishOne(channel, event)
  await channel.waitForConfirms()
}

/** Publishes as the warehouse system does; the broker's confirm is up to the caller. */
export function publishOne(channel: Channel, event: Publication | Buffer | object): void {
  const { body, key = failedDeliveryKey, messageId }: Publication = isPublication(event) ? event : { body: event }
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
  const named = messageId === undefined ? {} : { messageId }
  channel.publish(names.events, key, bytes, { persistent: true, contentType: 'application/json', ...named })
}

const isPublication = (event: object): event is Publication => 'body' in event

async function bindActivity(channel: Channel): Promise<void> {
  await channel.assertExchange(names.activity, 'topic', { durable: true })
  await channel.assertQueue(activityQueue, { durable: true })
  await channel.bindQueue(activityQueue, names.activity, '#')
}

async function takeActivity(channel: Channel): Promise<GetMessage[]> {
  const taken: GetMessage[] = []
  for (;;) {
    const message = await channel.get(activityQueue, { noAck: true })
    if (!message) return taken
    checkPublished(message)
    taken.push(message)
  }
}
