/** The two ends of the broker: events in, activity events out. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type ConfirmChannel, connect } from 'amqplib'
import { names } from '../../src/consumers/topology.ts'
import type { EventBody } from './bodies.ts'

export interface BrokerEnds {
  /** Publishes with at most 500 unconfirmed, as fast as the broker takes them. */
  publish(events: readonly EventBody[]): Promise<void>
  /** Publishes at a steady rate; resolves with when each phone's event was handed over (monotonic clock, ms). */
  publishPaced(events: readonly EventBody[], perSecond: number): Promise<Map<string, number>>
  /** Forgets the activity events seen so far. */
  restart(): void
  /**
   * Resolves when so many different activity events came since the restart.
   * @throws {Error} when nothing came for long
   */
  waitFor(count: number): Promise<void>
  seen(): number
  close(): Promise<void>
}

const routingKey = 'shipment.failed_delivery'
const mostUnconfirmed = 500
const activityQueue = 'bench.activity'
const silenceMs = 20_000

const nowMs = () => Number(process.hrtime.bigint()) / 1e6

/** The topology must be there. */
export async function openBrokerEnds(url: string): Promise<BrokerEnds> {
  const connection = await connect(url, { noDelay: true })
  const channel = await connection.createConfirmChannel()
  await channel.assertQueue(activityQueue, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await channel.bindQueue(activityQueue, names.activity, '#')
  /** Ids of what came: an event may be published more than once. */
  const seen = new Set<unknown>()
  let lastSeenAt = 0
  await channel.prefetch(1_000)
  await channel.consume(activityQueue, (message) => {
    if (!message) return
    seen.add(message.properties.messageId)
    lastSeenAt = Date.now()
    // Rarely, since this is no part of what is measured.
    if (message.fields.deliveryTag % 100 === 0) channel.ackAll()
  })

  return {
    publish: (events) => publishAll(channel, events),
    publishPaced: (events, perSecond) => publishPaced(channel, events, perSecond),
    restart() {
      seen.clear()
    },
    async waitFor(count) {
      lastSeenAt = Date.now()
      while (seen.size < count) {
        if (Date.now() - lastSeenAt > silenceMs) throw new Error(`only ${seen.size} of ${count} activity events came`)
        await sleep(2)
      }
    },
    seen: () => seen.size,
    async close() {
      channel.ackAll()
      await channel.deleteQueue(activityQueue)
      await connection.close()
    },
  }
}

const properties = { persistent: true, contentType: 'application/json' }

function publishAll(channel: ConfirmChannel, events: readonly EventBody[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = 0
    let confirmed = 0
    const confirm = (error: unknown) => {
      if (error) return reject(error)
      if (++confirmed === events.length) return resolve()
      publishNext()
    }
    const publishNext = () => {
      const event = events[next++]
      if (event) channel.publish(names.events, routingKey, event.bytes, properties, confirm)
    }
    if (events.length === 0) resolve()
    for (let index = 0; index < Math.min(mostUnconfirmed, events.length); index++) publishNext()
  })
}

async function publishPaced(channel: ConfirmChannel, events: readonly EventBody[], perSecond: number) {
  const publishedAt = new Map<string, number>()
  const startMs = nowMs()
  for (const [index, event] of events.entries()) {
    const waitMs = startMs + (index * 1000) / perSecond - nowMs()
    if (waitMs > 0) await sleep(waitMs)
    publishedAt.set(event.phone, nowMs())
    channel.publish(names.events, routingKey, event.bytes, properties)
  }
  await channel.waitForConfirms()
  return publishedAt
}
