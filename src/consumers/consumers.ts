/** The consumer role: everything that works without being asked over HTTP. */

import { publishGroupSize } from '../core/activity/publish-activity.ts'
import { type Core, groupSizes } from '../core/core.ts'
import type { Logger } from '../core/observe/logger.ts'
import { type Metrics, roundsOf } from '../core/observe/metrics.ts'
import { type ActivityPublisher, startActivityPublisher } from './activity-publisher.ts'
import { startEventConsumer } from './event-consumer.ts'
import { startInboundConsumer } from './inbound-queue.ts'
import type { QueueConsumer } from './queue-consumer.ts'
import { startWorker, type Worker } from './worker.ts'

export interface ConsumersOptions {
  readonly core: Core
  readonly amqpUrl: string | undefined
  /** Is there a provider that does not send its webhooks again? */
  readonly keepsWebhooks: boolean
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => Date
}

export interface Consumers {
  /** What the broker's part of readiness says; null = well. */
  problem(): string | null
  /** Takes nothing new in; resolves when what was taken is committed. */
  stopTaking(): Promise<void>
  /** Ends the workers and closes the broker. */
  stop(): Promise<void>
}

/** Others' work, and what a crash left, is noticed this fast. */
const lookEveryMs = 1_000
/** One replica publishes for all; what the others wrote it finds by looking. */
const publishEveryMs = 200
/** Groups of a few events cost nearly as much as full ones; a lone event still goes out at once. */
const publishGatherMs = 10
/** Groups of reports that are applied side by side; their rows are held, so none is taken twice. */
const reportAppliers = 2

export async function startConsumers(options: ConsumersOptions): Promise<Consumers> {
  const { core, amqpUrl, log, metrics } = options
  const start = (name: string, work: () => Promise<number>, fullGroup = 1) =>
    startWorker({ name, work, fullGroup, everyMs: lookEveryMs, onRound: roundsOf(metrics, name), log })
  const reports = Array.from({ length: reportAppliers }, () =>
    start('apply-reports', core.work.applyReports, groupSizes.reports),
  )
  const replies = start('apply-replies', core.work.applyReplies, groupSizes.replies)
  const accountNews = start('apply-account-news', core.work.applyAccountNews, groupSizes.accountNews)
  const contactNews = start('apply-contact-news', core.work.applyContactNews, groupSizes.contactNews)
  const decisions = start('push-decisions', core.work.pushDecisions)
  // Each on its own, so that one that fails holds up none of the others.
  const sweeps = Object.entries(core.work.sweeps).map(([name, work]) => start(name, work))
  const workers: Worker[] = [...reports, replies, contactNews, accountNews, decisions, ...sweeps]
  // One is enough for what came just now; while it is busy, another one takes what comes next.
  core.bells.reports = () => (reports.find((worker) => worker.isIdle()) ?? reports[0])?.wake()
  core.bells.replies = () => replies.wake()
  core.bells.contactNews = () => contactNews.wake()
  core.bells.accountNews = () => accountNews.wake()
  core.bells.decided = () => decisions.wake()

  const broker = amqpUrl ? await startBroker({ ...options, url: amqpUrl }) : undefined
  if (broker) {
    const publishing = startWorker({
      name: 'publish-activity',
      work: broker.publisher.publishDue,
      fullGroup: publishGroupSize,
      gatherMs: publishGatherMs,
      everyMs: publishEveryMs,
      onRound: roundsOf(metrics, 'publish-activity'),
      log,
    })
    core.activity.onCommitted(() => publishing.wake())
    workers.push(publishing)
  }
  return {
    problem: () => (broker && !isConnected(broker) ? 'the broker is not connected' : null),
    async stopTaking() {
      await Promise.all([broker?.events.stop(), broker?.inbound?.stop()])
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()))
      await core.work.drainDecisions()
      await Promise.all([broker?.events.close(), broker?.inbound?.close(), broker?.publisher.close()])
    },
  }
}

const isConnected = ({ events, inbound, publisher }: BrokerParts) =>
  [events, inbound, publisher].every((part) => part?.isConnected() ?? true)

interface BrokerParts {
  readonly events: QueueConsumer
  readonly inbound: QueueConsumer | undefined
  readonly publisher: ActivityPublisher
}

async function startBroker(options: ConsumersOptions & { url: string }): Promise<BrokerParts> {
  const { core, url, keepsWebhooks, log, metrics, now } = options
  return {
    events: await startEventConsumer({ url, accept: core.acceptEvent, log, metrics }),
    inbound: keepsWebhooks ? await startInboundConsumer({ url, store: core.webhooks.store, log, metrics }) : undefined,
    publisher: await startActivityPublisher({
      url,
      activity: core.activity,
      lease: core.publisherLease,
      now,
      log,
      metrics,
    }),
  }
}
