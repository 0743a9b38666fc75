/** News between replicas: settings, connections, templates or keys were changed, so what is cached of them must go. */

import { randomUUID } from 'node:crypto'
import type { Channel, ChannelModel } from 'amqplib'
import type { Change } from '../core/core.ts'
import type { Logger } from '../core/observe/logger.ts'
import type { Metrics } from '../core/observe/metrics.ts'
import { type Broker, declareTopology, openBroker, reopenWhenClosed } from './broker.ts'
import { names } from './topology.ts'

export interface Control extends Broker {
  /** Tells the other replicas; best effort, since caches also end by themselves. */
  announce(change: Change): void
}

export interface ControlDeps {
  readonly url: string
  readonly onChange: (change: Change) => void
  readonly log: Logger
  readonly metrics: Metrics
}

export async function startControl({ url, onChange, log, metrics }: ControlDeps): Promise<Control> {
  let channel: Channel | undefined
  const setup = async (model: ChannelModel) => {
    await declareTopology(model)
    const opened = await model.createChannel()
    reopenWhenClosed(model, opened, () => {
      if (channel === opened) channel = undefined
    })
    const queue = `${names.control}.${randomUUID()}`
    await opened.assertQueue(queue, { exclusive: true, autoDelete: true })
    await opened.bindQueue(queue, names.control, '')
    await opened.consume(queue, (message) => message && read(message.content, onChange, log), { noAck: true })
    channel = opened
  }
  const broker = await openBroker({ url, purpose: 'control', log, metrics, setup })
  return {
    ...broker,
    announce: (change) => void channel?.publish(names.control, '', Buffer.from(JSON.stringify(change))),
  }
}

function read(body: Buffer, onChange: (change: Change) => void, log: Logger): void {
  try {
    onChange(JSON.parse(body.toString('utf8')) as Change)
  } catch (error) {
    log.warn({ err: error }, 'unreadable news of a change')
  }
}
