/** Publishes activity events: marked as published only after the broker confirmed that it keeps them. */

import type { ChannelModel, ConfirmChannel } from 'amqplib'
import type { ActivityStore, StoredActivity } from '../core/activity/activity-store.ts'
import { publishActivity } from '../core/activity/publish-activity.ts'
import type { Logger } from '../core/observe/logger.ts'
import type { Metrics } from '../core/observe/metrics.ts'
import type { Lease } from '../core/storage/lease.ts'
import { type Broker, declareTopology, openBroker, reopenWhenClosed } from './broker.ts'
import { names } from './topology.ts'

export interface ActivityPublisherDeps {
  readonly url: string
  readonly activity: ActivityStore
  readonly lease: Lease
  readonly now: () => Date
  readonly log: Logger
  readonly metrics: Metrics
}

export interface ActivityPublisher extends Broker {
  /** Publishes one group of events. Resolves with how many were looked at. */
  publishDue(): Promise<number>
}

/** Well below the time for which the lease is held. */
const confirmMs = 10_000

export async function startActivityPublisher(deps: ActivityPublisherDeps): Promise<ActivityPublisher> {
  const { url, activity, lease, now, log, metrics } = deps
  let channel: ConfirmChannel | undefined
  let reopen = () => {}
  let hasWarned = false

  const setup = async (model: ChannelModel) => {
    await declareTopology(model)
    const opened = await model.createConfirmChannel()
    reopenWhenClosed(model, opened, () => {
      if (channel === opened) channel = undefined
    })
    // Kept by nobody's queue: not lost, since the table has it, but somebody should know once.
    opened.on('return', () => {
      metrics.unroutable.inc()
      if (!hasWarned) log.warn('no queue is bound for activity events')
      hasWarned = true
    })
    reopen = () => void model.close().catch(() => {})
    channel = opened
  }
  const broker = await openBroker({ url, purpose: 'activity', log, metrics, setup })

  return {
    ...broker,
    async close() {
      await lease.release().catch(() => {})
      await broker.close()
    },
    async publishDue() {
      const open = channel
      if (!open) return 0
      const publishOne = async (event: StoredActivity) => {
        const isConfirmed = await publish(open, event)
        if (isConfirmed) log.debug(factsOf(event), 'activity event published')
        return isConfirmed
      }
      const { found, confirmed } = await publishActivity({ activity, lease, publish: publishOne, now })
      metrics.published.inc(confirmed)
      if (found > 0) metrics.batchSize.observe({ batch: 'activity' }, found)
      if (confirmed === found) return found
      // A broker that does not confirm is not asked again on the same channel.
      reopen()
      return 0
    },
  }
}

const factsOf = ({ rootId, sequence, eventSubType, eventId }: StoredActivity) => ({
  conversationId: String(rootId),
  sequence,
  eventSubType,
  eventId,
})

function publish(channel: ConfirmChannel, event: StoredActivity): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), confirmMs)
    const done = (error: unknown) => {
      clearTimeout(timer)
      resolve(!error)
    }
    try {
      channel.publish(
        names.activity,
        routingKey(event.eventSubType),
        Buffer.from(event.payload),
        propertiesOf(event),
        done,
      )
    } catch (error) {
      done(error)
    }
  })
}

const propertiesOf = ({ eventId, eventSubType, rootId, sequence }: StoredActivity) => ({
  messageId: eventId,
  type: eventSubType,
  // Also here, for exchanges and consumers that share conversations out without reading bodies.
  headers: sequence === null ? {} : { conversationId: String(rootId), sequence },
  contentType: 'application/json',
  persistent: true,
  mandatory: true,
})

/** `Select new delivery date` -> `customer_notification.select_new_delivery_date`. */
export const routingKey = (eventSubType: string): string =>
  `customer_notification.${eventSubType.toLowerCase().replace(/[^a-z0-9]+/g, '_')}`
