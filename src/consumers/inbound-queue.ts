/**
 * Webhooks of providers that do not send again what was not answered 200: kept here while the database is away, and
 * stored when it is back. Their origin was proved before; whoever can write to the broker is trusted.
 */

import type { ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib'
import type { RawWebhook } from '../core/inbound/intake.ts'
import type { Logger } from '../core/observe/logger.ts'
import type { Metrics } from '../core/observe/metrics.ts'
import { type Broker, declareTopology, openBroker, reopenWhenClosed } from './broker.ts'
import { type QueueConsumer, startQueueConsumer } from './queue-consumer.ts'
import { names } from './topology.ts'

export interface InboundKeeper extends Broker {
  /** Resolves once the broker has confirmed that it keeps the webhook; rejects when that is not sure. */
  keep(webhook: RawWebhook): Promise<void>
}

/** Providers wait for some seconds only. */
const confirmMs = 5_000
/** Each may have some megabytes. */
const prefetch = 16

export interface InboundKeeperDeps {
  readonly url: string
  readonly log: Logger
  readonly metrics: Metrics
}

export async function startInboundKeeper({ url, log, metrics }: InboundKeeperDeps): Promise<InboundKeeper> {
  let channel: ConfirmChannel | undefined
  const setup = async (model: ChannelModel) => {
    await declareTopology(model)
    const opened = await model.createConfirmChannel()
    reopenWhenClosed(model, opened, () => {
      if (channel === opened) channel = undefined
    })
    channel = opened
  }
  const broker = await openBroker({ url, purpose: 'keeping webhooks', log, metrics, setup })
  return {
    ...broker,
    async keep(webhook) {
      if (!channel) throw new Error('the broker is not connected')
      await publish(channel, webhook)
    },
  }
}

function publish(channel: ConfirmChannel, { provider, key, body, receivedAt }: RawWebhook): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the broker did not confirm in time')), confirmMs)
    const done = (error: unknown) => {
      clearTimeout(timer)
      if (error) reject(error)
      else resolve()
    }
    try {
      const headers = { provider, ...(key === undefined ? {} : { key }) }
      const timestamp = Math.floor(receivedAt.getTime() / 1_000)
      channel.sendToQueue(names.inboundQueue, body, { persistent: true, headers, timestamp }, done)
    } catch (error) {
      done(error)
    }
  })
}

export interface InboundConsumerDeps {
  readonly url: string
  /** Resolves once the webhook is committed; rejects only when the database is away. */
  readonly store: (webhook: RawWebhook) => Promise<void>
  readonly log: Logger
  readonly metrics: Metrics
}

export const startInboundConsumer = ({ url, store, log, metrics }: InboundConsumerDeps): Promise<QueueConsumer> =>
  startQueueConsumer({
    url,
    purpose: 'kept webhooks',
    queue: names.inboundQueue,
    prefetch,
    accept: (message) => store(webhookIn(message)),
    log,
    metrics,
  })

function webhookIn({ content, properties }: ConsumeMessage): RawWebhook {
  const { provider, key } = properties.headers ?? {}
  const seconds: unknown = properties.timestamp
  return {
    provider: String(provider),
    key: typeof key === 'string' ? key : undefined,
    body: content,
    receivedAt: typeof seconds === 'number' ? new Date(seconds * 1_000) : new Date(),
  }
}
