/** Everything that the gateway has in RabbitMQ, as data. Names are a public contract. */

import type { Options } from 'amqplib'
import { kinds } from '../core/notifications/kinds/kinds.ts'

/** A prefix keeps several gateways apart on one broker. */
export interface Topology {
  readonly exchanges: readonly { readonly name: string; readonly type: 'topic' | 'fanout' }[]
  readonly queues: readonly { readonly name: string; readonly options: Options.AssertQueue }[]
  readonly bindings: readonly { readonly queue: string; readonly exchange: string; readonly key: string }[]
}

export const names = {
  events: 'wms.events',
  eventQueue: 'gateway.events',
  parkedQueue: 'gateway.events.parked',
  inboundQueue: 'gateway.inbound',
  activity: 'activity.events',
  control: 'gateway.control',
} as const

/**
 * Deliveries of one event before it is taken for what crashes us. High, because a crash of the process counts for
 * every event that it held, innocent ones too.
 */
const deliveryLimit = 50

/** What a database that is away for a long time may cost the broker; what does not fit is refused, never dropped. */
const mostInboundBytes = 2 * 1024 ** 3

/** Kept until it is taken; what crashed us too often goes where a person looks, and is not lost on the way. */
const lossless = {
  'x-queue-type': 'quorum',
  'x-delivery-limit': deliveryLimit,
  'x-dead-letter-exchange': '',
  'x-dead-letter-routing-key': names.parkedQueue,
  // Without these two a dead letter may be lost on its way.
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
} as const

export const topology: Topology = {
  exchanges: [
    { name: names.events, type: 'topic' },
    { name: names.activity, type: 'topic' },
    { name: names.control, type: 'fanout' },
  ],
  queues: [
    { name: names.parkedQueue, options: { durable: true, arguments: { 'x-queue-type': 'quorum' } } },
    { name: names.eventQueue, options: { durable: true, arguments: lossless } },
    // Webhooks that could not be stored, of providers that do not send them again.
    {
      name: names.inboundQueue,
      options: { durable: true, arguments: { ...lossless, 'x-max-length-bytes': mostInboundBytes } },
    },
  ],
  bindings: kinds
    .flatMap(({ routingKeys }) => routingKeys)
    .map((key) => ({ queue: names.eventQueue, exchange: names.events, key })),
}
