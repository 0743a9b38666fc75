/** What comes back from providers, put together: stored before the 200, applied afterwards. */

import { releaseOverdue } from '../accounts/connection-news.ts'
import { completeActivity } from '../activity/complete-activity.ts'
import type { Bells, CoreOptions } from '../core.ts'
import { applyAccountNews } from '../inbound/apply-account-news.ts'
import { applyContactNews } from '../inbound/apply-contact-news.ts'
import { applyReplies } from '../inbound/apply-replies.ts'
import { applyReports } from '../inbound/apply-reports.ts'
import { createWebhookIntake } from '../inbound/intake.ts'
import { receiveWebhooks, type VerifiedWebhook } from '../inbound/receive.ts'
import { sweepPolls } from '../polling/sweep-polls.ts'
import { createBatcher } from '../storage/batcher.ts'
import type { Foundation } from './foundation.ts'
import type { Sending } from './sending.ts'

/** Often enough to prove that webhooks arrive, rare enough not to make one row hot. */
const echoEveryMs = 5_000

/** Passes on only times that are later than the key's last one by a whole period. */
function everySoOften<K>(periodMs: number, call: (key: K, time: Date) => void): (key: K, time: Date) => void {
  const nextMs = new Map<K, number>()
  return (key, time) => {
    if (time.getTime() < (nextMs.get(key) ?? Number.NEGATIVE_INFINITY)) return
    nextMs.set(key, time.getTime() + periodMs)
    call(key, time)
  }
}

/** A webhook may have a thousand updates and some megabytes: one or two such fill a group, twenty the line. */
const webhookGroups = {
  weightOf: ({ events }: VerifiedWebhook) => Math.max(1, events.length),
  maxWeight: 1_000,
  maxWaiting: 20_000,
}

export function createReturning(options: CoreOptions, foundation: Foundation, sending: Sending, bells: Bells) {
  const { database, now, random, log, metrics, onChange } = options
  const {
    catalog,
    flowsFor,
    capabilities,
    canCarry,
    isTemplateUsable,
    settings,
    connections,
    connectionEvents,
    templateHealth,
    outgoing,
    rejected,
    waiting,
    activity,
    details,
    inbound,
    contactNews,
    contacts,
    consents,
    obeyWishes,
    consentWords,
    ndr,
    conversations,
    polls,
    lifetimes,
    batchSize,
  } = foundation
  const receiving = { database, store: inbound, contactNews, connectionEvents, rejected, bells, metrics, now }
  const webhooks = createBatcher<VerifiedWebhook, undefined>({
    flush: (group) => receiveWebhooks(receiving, group),
    ...webhookGroups,
    onFlush: batchSize('webhooks'),
  })
  const noteEcho = everySoOften(echoEveryMs, (connectionId: number, sentAt: Date) => {
    void connections.noteEcho(connectionId, sentAt).catch(() => {})
  })
  const applying = {
    database,
    store: inbound,
    outgoing,
    activity,
    lifetimeMs: lifetimes.atLeast,
    polls,
    canCarry,
    isTemplateUsable,
    contacts,
    consents,
    noteEcho,
    settings: settings.get,
    connection: connections.get,
    wake: (connectionIds: ReadonlySet<number>) => connectionIds.forEach(sending.wake),
    accountFailed: sending.accountFailed,
    log,
    metrics,
    now,
  }
  const templatesChanged = (connectionId: number) => {
    templateHealth.drop(connectionId)
    void foundation.templateSync.soon(connectionId).catch(() => {})
    onChange({ what: 'templates', connectionId })
  }
  return {
    webhooks: createWebhookIntake({
      connections,
      adapter: options.adapter,
      receive: webhooks.add,
    }),
    applyReports: () => applyReports(applying),
    applyReplies: () =>
      applyReplies({
        ...applying,
        flowsFor,
        consentWords,
        obeyWishes,
        catalog,
        isCarriedElsewhere: (connection) => capabilities(connection)?.dialogue === 'provider',
        publicUrl: options.publicUrl(),
        conversations,
        ndr,
        decided: () => bells.decided(),
      }),
    applyContactNews: () => applyContactNews({ ...applying, news: contactNews }),
    applyAccountNews: () =>
      applyAccountNews({
        database,
        events: connectionEvents,
        templates: templateHealth,
        connectionsChanged: sending.connectionsChanged,
        templatesChanged,
        log,
        metrics,
        now,
      }),
    sweeps: {
      templates: foundation.templateSync.sweep,
      endedBlocks: async () => {
        const released = await releaseOverdue(database, now())
        if (released.length === 0) return 0
        await sending.connectionsChanged(released.map((connectionId) => ({ connectionId, change: 'released' })))
        return released.length
      },
      ...(details
        ? { orderDetails: () => completeActivity({ database, waiting, activity, details, now, log, metrics }) }
        : {}),
      polls: () =>
        sweepPolls({
          database,
          polls,
          outgoing,
          connection: connections.get,
          adapter: options.adapter,
          receive: webhooks.add,
          log,
          metrics,
          now,
          random,
        }),
    },
  }
}
