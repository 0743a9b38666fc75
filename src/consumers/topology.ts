/** Everything that the gateway has in RabbitMQ, as data. Names are a public contract. */

import type { Options } from 'amqplib'

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
  activity: 'activity.events',
  control: 'gateway.control',
} as const

/**
 * Deliveries of one event before it is taken for what crashes us. High, because a crash of the process counts for
 * every event that it held, innocent ones too.
 */
const deliveryLimit = 50

export const topology: Topology = {
  exchanges: [
    { name: names.events, type: 'topic' },
    { name: names.activity, type: 'topic' },
    { name: names.control, type: 'fanout' },
  ],
  queues: [
    { name: names.parkedQueue, options: { durable: true, arguments: { 'x-queue-type': 'quorum' } } },
    {
      name: names.eventQueue,
      options: {
        durable: true,
        arguments: {
          'x-queue-type': 'quorum',
          'x-delivery-limit': deliveryLimit,
          'x-dead-letter-exchange': '',
          'x-dead-letter-routing-key': names.parkedQueue,
          // Without these two a dead letter may be lost on its way.
          'x-dead-letter-strategy': 'at-least-once',
          'x-overflow': 'reject-publish',
        },
      },
    },
  ],
  bindings: ['shipment.#', 'purchase_order.#', 'message.#'].map((key) => ({
    queue: names.eventQueue,
    exchange: names.events,
    key,
  })),
}
