/** Events from RabbitMQ: each is acknowledged when, and only when, the transaction that holds it is committed. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import type { EventResult } from '../core/notifications/accept-event.ts'
import type { Logger } from '../core/observe/logger.ts'
import { type Broker, declareTopology, openBroker, reopenWhenClosed } from './broker.ts'
import { names } from './topology.ts'

export interface EventConsumerDeps {
  readonly url: string
  /** Resolves once the event is committed, parked ones included; rejects only when the database is away. */
  readonly accept: (body: Buffer) => Promise<EventResult>
  readonly log: Logger
}

export interface EventConsumer extends Broker {
  /** Takes no further events; resolves when those in hand are committed and acknowledged. */
  stop(): Promise<void>
}

/** Events in hand at once: three full groups. */
const prefetch = 200
const firstWaitMs = 500
const longestWaitMs = 10_000

export async function startEventConsumer({ url, accept, log }: EventConsumerDeps): Promise<EventConsumer> {
  let stopping = false
  let cancel = async () => {}
  const inHand = new Set<Promise<void>>()

  const consume = async (model: ChannelModel) => {
    await declareTopology(model)
    if (stopping) return
    const channel = await model.createChannel()
    let isOpen = true
    reopenWhenClosed(model, channel, () => {
      // An acknowledgement on a later channel would be for another delivery: stale ones are dropped.
      isOpen = false
    })
    await channel.prefetch(prefetch)
    const { consumerTag } = await channel.consume(names.eventQueue, (message) => {
      // null: the broker cancelled the consumer. Closing the connection starts everything anew.
      if (message === null) return void model.close().catch(() => {})
      const work = take(channel, message, () => isOpen).finally(() => inHand.delete(work))
      inHand.add(work)
    })
    cancel = async () => void (isOpen && (await channel.cancel(consumerTag).catch(() => {})))
  }

  const take = async (channel: Channel, message: ConsumeMessage, isOpen: () => boolean) => {
    for (let waitMs = firstWaitMs; isOpen(); waitMs = Math.min(waitMs * 2, longestWaitMs)) {
      try {
        await accept(message.content)
        if (isOpen()) channel.ack(message)
        return
      } catch (error) {
        // Given back it would come again at once, and count as a delivery; held, it bounds what we take.
        log.warn({ err: error }, 'an event could not be stored yet')
        if (stopping) return
        await sleep(waitMs)
      }
    }
  }

  const broker = await openBroker({ url, purpose: 'events', log, setup: consume })
  return {
    ...broker,
    async stop() {
      stopping = true
      await cancel()
      await Promise.allSettled([...inHand])
    },
  }
}
