/** Connections to RabbitMQ that come back by themselves. */

import { type Channel, type ChannelModel, connect, type RecoveringChannelModel } from 'amqplib'
import type { Logger } from '../core/observe/logger.ts'
import type { BrokerPurpose } from '../core/observe/metric-table.ts'
import type { Metrics } from '../core/observe/metrics.ts'
import { type Topology, topology } from './topology.ts'

export interface Broker {
  isConnected(): boolean
  close(): Promise<void>
}

export interface BrokerOptions {
  readonly url: string
  /** For log and metrics: what the connection is used for. */
  readonly purpose: BrokerPurpose
  readonly log: Logger
  readonly metrics: Metrics
  /** Makes channels and consumers; runs after every (re)connect. */
  readonly setup: (model: ChannelModel) => Promise<void>
}

const connectMs = 5_000
const heartbeatSeconds = 15
const reconnectMs = { first: 200, most: 5_000 }

/** Connects now or later: a broker that is away holds up nothing but its own work. */
export async function openBroker({ url, purpose, log, metrics, setup }: BrokerOptions): Promise<Broker> {
  let isConnected = false
  metrics.onScrape(() => metrics.brokerConnected.set({ purpose }, isConnected ? 1 : 0))
  const established = async (model: ChannelModel): Promise<void> => {
    model.on('error', (error: Error) => log.debug({ err: error, purpose }, 'broker connection error'))
    await setup(model)
    isConnected = true
    log.info({ purpose }, 'connected to the broker')
  }
  const connection: RecoveringChannelModel = await connect(withHeartbeat(url), {
    // Without it, Nagle's algorithm and delayed acknowledgements hold every publish above 2 KB for 45 ms.
    noDelay: true,
    // Until the broker has greeted; afterwards heartbeats tell that it is gone.
    timeout: connectMs,
    clientProperties: { connection_name: `fdr-gateway ${purpose}` },
    recovery: {
      initialDelay: reconnectMs.first,
      maxDelay: reconnectMs.most,
      factor: 2,
      jitter: 0.2,
      maxRetries: Number.POSITIVE_INFINITY,
      waitForConnect: false,
      setup: established,
    },
  })
  connection.on('error', (error: Error) => log.debug({ err: error, purpose }, 'broker connection error'))
  connection.on('disconnect', (error?: Error) => {
    isConnected = false
    metrics.brokerLosses.inc({ purpose })
    log.warn({ err: error, purpose }, 'lost the broker; connecting again')
  })
  connection.on('connect-failed', (error?: Error) =>
    log.warn({ err: error, purpose }, 'the broker does not answer yet'),
  )
  return { isConnected: () => isConnected, close: () => connection.close() }
}

function withHeartbeat(url: string): string {
  const target = new URL(url)
  target.searchParams.set('heartbeat', String(heartbeatSeconds))
  return target.href
}

/**
 * A channel that the broker closed takes its consumers with it while the connection looks healthy; giving up the
 * connection makes everything anew.
 */
export function reopenWhenClosed(model: ChannelModel, channel: Channel, onClose: () => void): void {
  channel.on('error', () => {})
  channel.on('close', () => {
    onClose()
    model.close().catch(() => {})
  })
}

/** Declares exchanges, queues and bindings on a channel of its own: a mismatch closes the channel it happens on. */
export async function declareTopology(
  model: ChannelModel,
  { exchanges, queues, bindings }: Topology = topology,
): Promise<void> {
  const channel = await model.createChannel()
  channel.on('error', () => {})
  for (const { name, type } of exchanges) await channel.assertExchange(name, type, { durable: true })
  for (const { name, options } of queues) await channel.assertQueue(name, options)
  for (const { queue, exchange, key } of bindings) await channel.bindQueue(queue, exchange, key)
  await channel.close()
}
