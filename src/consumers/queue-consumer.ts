/** Takes from one queue: a message is acknowledged when, and only when, the transaction that holds it is committed. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import type { Logger } from '../core/observe/logger.ts'
import type { BrokerPurpose } from '../core/observe/metric-table.ts'
import type { Metrics } from '../core/observe/metrics.ts'
import { type Broker, declareTopology, openBroker, reopenWhenClosed } from './broker.ts'

export interface QueueConsumerDeps {
  readonly url: string
  /** For the log, and the connection's name at the broker. */
  readonly purpose: BrokerPurpose
  readonly queue: 'gateway.events' | 'gateway.inbound'
  /** Messages in hand at once. */
  readonly prefetch: number
  /** Resolves once the message is committed, parked ones included; rejects only when the database is away. */
  readonly accept: (message: ConsumeMessage) => Promise<unknown>
  readonly log: Logger
  readonly metrics: Metrics
}

export interface QueueConsumer extends Broker {
  /** Takes no further messages; resolves when those in hand are committed and acknowledged. */
  stop(): Promise<void>
}

const firstWaitMs = 500
const longestWaitMs = 10_000
/** How often it is asked whether we still consume: brokers do not always tell that a queue is gone. */
const lookEveryMs = 10_000

export async function startQueueConsumer(deps: QueueConsumerDeps): Promise<QueueConsumer> {
  const { url, purpose, queue, prefetch, accept, log, metrics } = deps
  let stopping = false
  let cancel = async () => {}
  const inHand = new Set<Promise<void>>()
  metrics.onScrape(() => metrics.queueInHand.set({ queue }, inHand.size))

  const consume = async (model: ChannelModel) => {
    await declareTopology(model)
    if (stopping) return
    const channel = await model.createChannel()
    let isOpen = true
    const look = setInterval(() => void closeUnlessConsumed(), lookEveryMs).unref()
    reopenWhenClosed(model, channel, () => {
      // An acknowledgement on a later channel would be for another delivery: stale ones are dropped.
      isOpen = false
      clearInterval(look)
    })
    const isAtWork = () => isOpen && !stopping
    const closeUnlessConsumed = async () => {
      if (!isAtWork()) return
      try {
        const { consumerCount } = await channel.checkQueue(queue)
        if (consumerCount === 0 && isAtWork()) await model.close()
      } catch {
        // Without the queue the broker closes the channel, and a channel that is closing throws.
      }
    }
    const acks = createAcks(channel, () => isOpen)
    await channel.prefetch(prefetch)
    const { consumerTag } = await channel.consume(queue, (message) => {
      // null: the broker cancelled the consumer. Closing the connection starts everything anew.
      if (message === null) {
        isOpen = false
        return void model.close().catch(() => {})
      }
      acks.delivered(message)
      const work = take(message, acks, () => isOpen).finally(() => inHand.delete(work))
      inHand.add(work)
    })
    cancel = async () => void (isOpen && (await channel.cancel(consumerTag).catch(() => {})))
  }

  const take = async (message: ConsumeMessage, acks: Acks, isOpen: () => boolean) => {
    for (let waitMs = firstWaitMs; isOpen(); waitMs = Math.min(waitMs * 2, longestWaitMs)) {
      try {
        await accept(message)
        acks.done(message)
        return
      } catch (error) {
        // Given back it would come again at once, and count as a delivery; held, it bounds what we take.
        log.warn({ err: error, queue }, 'a message could not be stored yet')
        if (stopping) return
        await sleep(waitMs)
      }
    }
  }

  const broker = await openBroker({ url, purpose, log, metrics, setup: consume })
  return {
    ...broker,
    async stop() {
      stopping = true
      await cancel()
      await Promise.allSettled([...inHand])
    },
  }
}

interface Acks {
  delivered(message: ConsumeMessage): void
  /** Its transaction is committed. */
  done(message: ConsumeMessage): void
}

/** A channel that is closing throws: its messages come again, and are known. */
function tryTo(acknowledge: () => void): void {
  try {
    acknowledge()
  } catch {}
}

/** Acknowledges in the order of delivery, all that is done at once: one small frame for a group instead of one each. */
function createAcks(channel: Channel, isOpen: () => boolean): Acks {
  const waiting: ConsumeMessage[] = []
  const done = new Set<ConsumeMessage>()
  let isPlanned = false
  const flush = () => {
    isPlanned = false
    let last: ConsumeMessage | undefined
    while (waiting[0] && done.delete(waiting[0])) last = waiting.shift()
    if (last && isOpen()) tryTo(() => channel.ack(last, true))
  }
  return {
    delivered: (message) => void waiting.push(message),
    done(message) {
      done.add(message)
      if (!isPlanned) setImmediate(flush)
      isPlanned = true
    },
  }
}
