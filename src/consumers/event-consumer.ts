/** Events of the warehouse system from RabbitMQ. */

import type { Delivery } from '../core/assembly/accepting.ts'
import type { EventResult } from '../core/notifications/accept-event.ts'
import { firstText } from '../core/notifications/read-lenient.ts'
import { correlationIn } from '../core/observe/correlation.ts'
import type { Logger } from '../core/observe/logger.ts'
import type { Metrics } from '../core/observe/metrics.ts'
import { type QueueConsumer, startQueueConsumer } from './queue-consumer.ts'
import { names } from './topology.ts'

export interface EventConsumerDeps {
  readonly url: string
  /** Resolves once the event is committed, parked ones included; rejects only when the database is away. */
  readonly accept: (body: Buffer, delivery: Delivery) => Promise<EventResult>
  readonly log: Logger
  readonly metrics: Metrics
}

/** Events in hand at once: three full groups. */
const prefetch = 200

export const startEventConsumer = ({ url, accept, log, metrics }: EventConsumerDeps): Promise<QueueConsumer> =>
  startQueueConsumer({
    url,
    purpose: 'events',
    queue: names.eventQueue,
    prefetch,
    accept: ({ content, properties }) =>
      accept(content, {
        correlationId: correlationIn({ 'x-correlation-id': properties.correlationId, ...properties.headers }),
        deliveryId: firstText(properties.messageId),
      }),
    log,
    metrics,
  })
