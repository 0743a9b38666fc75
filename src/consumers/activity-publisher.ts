/** Publishes activity events: marked as published only after the broker confirmed that it keeps them. */

import type { ChannelModel, ConfirmChannel } from 'amqplib'
import type { ActivityStore, StoredActivity } from '../core/activity/activity-store.ts'
import type { Logger } from '../core/observe/logger.ts'
import type { Metrics } from '../core/observe/metrics.ts'
import { type Broker, declareTopology, openBroker, reopenWhenClosed } from './broker.ts'
import { names } from './topology.ts'

export interface ActivityPublisherDeps {
  readonly url: string
  readonly activity: ActivityStore
  readonly now: () => Date
  readonly log: Logger
  readonly metrics: Metrics
}

export interface ActivityPublisher extends Broker {
  /** Publishes one group of events that are due. Resolves with how many were looked at. */
  publishDue(): Promise<number>
}

export const publishGroupSize = 256
const confirmMs = 30_000

export async function startActivityPublisher(deps: ActivityPublisherDeps): Promise<ActivityPublisher> {
  const { url, activity, now, log, metrics } = deps
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
  const broker = await openBroker({ url, purpose: 'activity', log, setup })

  return {
    ...broker,
    async publishDue() {
      if (!channel) return 0
      const events = await activity.takeUnpublished(now(), publishGroupSize)
      const confirmed = await publishAll(channel, events)
      await activity.markPublished(confirmed, now())
      metrics.published.inc(confirmed.length)
      if (confirmed.length === events.length) return events.length
      const unconfirmed = events.map(({ id }) => id).filter((id) => !confirmed.includes(id))
      await activity.giveBack(unconfirmed, now())
      // A broker that does not confirm is not asked again on the same channel.
      reopen()
      return 0
    },
  }
}

/** Resolves with the ids that the broker confirmed. */
async function publishAll(channel: ConfirmChannel, events: readonly StoredActivity[]): Promise<number[]> {
  const results = await Promise.all(events.map((event) => publish(channel, event)))
  return events.flatMap(({ id }, index) => (results[index] ? [id] : []))
}

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

const propertiesOf = ({ eventId, eventSubType }: StoredActivity) => ({
  messageId: eventId,
  type: eventSubType,
  contentType: 'application/json',
  persistent: true,
  mandatory: true,
})

/** `Select new delivery date` -> `customer_notification.select_new_delivery_date`. */
export const routingKey = (eventSubType: string): string =>
  `customer_notification.${eventSubType.toLowerCase().replace(/[^a-z0-9]+/g, '_')}`
