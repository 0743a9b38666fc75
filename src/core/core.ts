/** Everything inside the gateway, put together: what HTTP and the consumers call. */

import { type ConnectionEvents, createConnectionEvents } from './accounts/connection-events.ts'
import { releaseOverdue } from './accounts/connection-news.ts'
import {
  type Connection,
  type ConnectionStore,
  createConnectionStore,
  platformAccountId,
} from './accounts/connections.ts'
import { createSecretBox } from './accounts/secret-box.ts'
import { createSettingsStore, type SettingsStore } from './accounts/settings.ts'
import { createTemplateHealth, type TemplateHealth } from './accounts/template-health.ts'
import { loadTemplateRegistry, type TemplateRegistry } from './accounts/templates.ts'
import { type ActivityStore, createActivityStore } from './activity/activity-store.ts'
import { completeActivity } from './activity/complete-activity.ts'
import { createWaitingActivity } from './activity/waiting-activity.ts'
import { createContactStore, marketingRefused } from './contacts/contact-store.ts'
import type { FailureCode } from './contract/failures.ts'
import type { HttpClient, ProviderAdapter, ProviderDefinition } from './contract/provider.ts'
import { createConversationStore } from './conversations/conversation-store.ts'
import { endConversations } from './conversations/end-conversations.ts'
import { type FlowsOverride, loadFlows } from './conversations/flows.ts'
import { createFlowsFor, type FlowProblem, problemsWith } from './conversations/flows-override.ts'
import { createNdrAdmin, type NdrAdmin } from './conversations/ndr-admin.ts'
import { createNdrStore } from './conversations/ndr-store.ts'
import { createDecisionPusher } from './conversations/push-decisions.ts'
import { accountNewsGroupSize, applyAccountNews, type ChangedConnection } from './inbound/apply-account-news.ts'
import { applyContactNews, newsGroupSize } from './inbound/apply-contact-news.ts'
import { applyReplies, replyGroupSize } from './inbound/apply-replies.ts'
import { applyReports, reportGroupSize } from './inbound/apply-reports.ts'
import { createContactNewsStore } from './inbound/contact-news-store.ts'
import { createInboundStore } from './inbound/inbound-store.ts'
import { createWebhookIntake, type WebhookIntake } from './inbound/intake.ts'
import { receiveWebhooks, type VerifiedWebhook } from './inbound/receive.ts'
import { type LinkRules, loadLinkRules } from './links/link-rules.ts'
import { createTrackedLinks, type TrackedLinks } from './links/tracked-links.ts'
import { acceptEvents, type EventResult, parkUnstorable } from './notifications/accept-event.ts'
import { createDecide } from './notifications/decide.ts'
import { createKinds } from './notifications/kinds/kinds.ts'
import type { ShipmentEnd } from './notifications/kinds/shipment-end.ts'
import { loadReasons } from './notifications/reason.ts'
import { createRejectedEvents, type RejectedEvents } from './notifications/rejected-events.ts'
import { loadTemplateCatalog, type TemplateCatalog } from './notifications/template-catalog.ts'
import type { Logger } from './observe/logger.ts'
import type { Metrics } from './observe/metrics.ts'
import { createPollStore } from './polling/poll-store.ts'
import { sweepPolls } from './polling/sweep-polls.ts'
import { createLanes, type Lanes } from './sending/lanes.ts'
import { createLifetimes } from './sending/lifetime.ts'
import { createLookUp } from './sending/look-up-doubts.ts'
import type { ClaimedMessage } from './sending/outgoing-message.ts'
import { type Claim, createOutgoingStore } from './sending/outgoing-store.ts'
import { createPermissions } from './sending/permission.ts'
import { accountFailures, createBrake, createReact, pauseConnection } from './sending/react.ts'
import { type EndedAttempt, type Recorded, recordAttempts } from './sending/record-attempt.ts'
import { createReplicas } from './sending/replicas.ts'
import { createSendMessage } from './sending/send-message.ts'
import { sweepExpired, sweepLostSends } from './sending/sweep.ts'
import { type Resolution, resolveByHand, sweepDoubts } from './sending/sweep-doubts.ts'
import { sweepUndelivered } from './sending/sweep-undelivered.ts'
import { createBatcher } from './storage/batcher.ts'
import type { Database, Executor } from './storage/database.ts'
import { createLease, type Lease } from './storage/lease.ts'
import { whenBack } from './storage/when-back.ts'
import { createMessages, type Messages } from './timeline/messages.ts'
import { createOrderDetails } from './wms/order-details.ts'

export interface CoreOptions {
  readonly database: Database
  readonly providers: readonly ProviderDefinition[]
  readonly adapter: (provider: string) => ProviderAdapter
  readonly http: HttpClient
  /** Folder with reasons, flows, templates and languages. */
  readonly configDir: string
  readonly secretsKeys: string
  readonly hasBroker: boolean
  /** The warehouse system's, only read; undefined = not configured. */
  readonly wms: Executor | undefined
  readonly isEnabled: boolean
  readonly ndrApiUrl: string | undefined
  readonly portalUrl: string | undefined
  /** Base of links to ourselves, as customers reach us; known once the server listens. */
  readonly publicUrl: () => string
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => Date
  readonly random: () => number
  /** Something that is cached was changed here: other replicas should know. */
  readonly onChange: (change: Change) => void
}

/** What is cached and was changed, as replicas tell each other. */
export type Change =
  | { readonly what: 'settings'; readonly accountId: number }
  | { readonly what: 'connections' }
  | { readonly what: 'templates'; readonly connectionId: number }

/** Work that lies in rows; each does one group and tells how many there were. */
export interface Work {
  readonly applyReports: () => Promise<number>
  readonly applyReplies: () => Promise<number>
  readonly applyContactNews: () => Promise<number>
  readonly applyAccountNews: () => Promise<number>
  readonly pushDecisions: () => Promise<number>
  /** Resolves when no decision is being pushed any more; nothing may be pushed afterwards. */
  readonly drainDecisions: () => Promise<void>
  /** What nobody rings for: lanes whose messages are due, lost sends, late messages, doubts. */
  readonly sweeps: Readonly<Record<string, () => Promise<number>>>
  /** What every process that sends must do, whatever its roles: say that it lives, write what it counted. */
  readonly upkeep: Readonly<Record<string, () => Promise<number>>>
}

/** Groups that are full: there may be more. */
export const groupSizes = {
  reports: reportGroupSize,
  replies: replyGroupSize,
  contactNews: newsGroupSize,
  accountNews: accountNewsGroupSize,
} as const

/** What tells a worker that there is something to do; set by whoever runs the workers. */
export interface Bells {
  received: () => void
  contactNews: () => void
  decided: () => void
}

export interface Core {
  readonly acceptEvent: (body: Buffer) => Promise<EventResult>
  readonly webhooks: WebhookIntake
  readonly work: Work
  readonly bells: Bells
  readonly settings: SettingsStore
  readonly connections: ConnectionStore
  readonly connectionEvents: ConnectionEvents
  readonly templateHealth: TemplateHealth
  readonly templates: TemplateRegistry
  readonly catalog: TemplateCatalog
  readonly activity: ActivityStore
  /** Held by the one replica that publishes activity events. */
  readonly publisherLease: Lease
  readonly rejected: RejectedEvents
  readonly messages: Messages
  readonly actions: NdrAdmin
  readonly lanes: Lanes
  readonly links: TrackedLinks
  readonly linkRules: LinkRules
  /** An operator's decision about a message whose fate is not known. */
  readonly resolveByHand: (
    id: number,
    resolution: Resolution,
    actor: string,
  ) => Promise<{ readonly isChanged: boolean } | undefined>
  /** A connection was changed here by somebody who may have mended it. */
  readonly connectionMended: (connectionId: number) => Promise<void>
  /** Another replica changed connections. */
  readonly connectionsChanged: () => Promise<void>
  /** One of the replicas from now on; before anything is sent. */
  readonly join: () => Promise<unknown>
  /** Not one of the replicas any more; after the heartbeat has stopped. */
  readonly leave: () => Promise<void>
  /** What an account may map templates to. */
  readonly reasonKeys: readonly string[]
  /** What is wrong with flows of an account's own. */
  readonly flowProblems: (override: FlowsOverride) => readonly FlowProblem[]
}

const noPairLimit = { everyMs: 0, burst: 1 }
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

/** Shorter than a lease: after it the message would have become a doubt. */
const giveBackMs = 60_000

/**
 * Reads the configuration and builds the stores and stories. The tables must be there.
 * @throws {Error} that names every mistake in the configuration
 */
export async function createCore(options: CoreOptions): Promise<Core> {
  const { database, configDir, now, random, log, metrics, onChange } = options
  const catalog = loadTemplateCatalog(configDir)
  const flows = loadFlows(configDir)
  const linkRules = loadLinkRules(configDir)
  const flowsFor = createFlowsFor(flows)
  const reasons = loadReasons(`${configDir}/reasons.yaml`)
  const kinds = createKinds({ reasons, catalog, closing: new Set(Object.keys(flows.closing)) })
  const templates = await loadTemplateRegistry(database, catalog, now())

  const providerById = (id: string) => options.providers.find((provider) => provider.id === id)
  const capabilities = ({ provider }: Pick<Connection, 'provider'>) => providerById(provider)?.capabilities
  const settings = createSettingsStore({
    database,
    now,
    onChange: (accountId) => onChange({ what: 'settings', accountId }),
  })
  const connections = createConnectionStore({
    database,
    secrets: createSecretBox(options.secretsKeys),
    providerById,
    now,
    onChange: () => onChange({ what: 'connections' }),
  })
  const connectionEvents = createConnectionEvents(database)
  const templateHealth = createTemplateHealth(database)
  const platformConnection = async (): Promise<Connection | undefined> => {
    const { connectionId } = await settings.get(platformAccountId)
    return connectionId === undefined ? (await connections.platform())[0] : connections.get(connectionId)
  }
  const outgoing = createOutgoingStore(database)
  const rejected = createRejectedEvents(database)
  const waiting = createWaitingActivity(database)
  const activity = createActivityStore({
    database,
    hasBroker: options.hasBroker,
    waiting: options.wms ? waiting : undefined,
  })
  const details = options.wms && createOrderDetails(options.wms, `${configDir}/wms/order-details.sql`)
  const inbound = createInboundStore(database)
  const contactNews = createContactNewsStore(database)
  const contacts = createContactStore(database)
  const ndr = createNdrStore(database)
  const batchSize = (batch: string) => (size: number) => metrics.batchSize.observe({ batch }, size)

  const polls = createPollStore({
    database,
    random,
    isPolled: async (id) => {
      const owner = await connections.get(id)
      return owner !== undefined && (capabilities(owner)?.looksUp ?? false)
    },
  })
  const recording = { polls, database, store: outgoing, activity, connection: connections.get, now, random }
  const record = createBatcher<EndedAttempt, Recorded>({
    flush: (ended) => recordAttempts(recording, ended),
    onFlush: batchSize('outcomes'),
  })
  const permissions = createPermissions({
    find: (wanted) => contacts.find(database, wanted),
    replaceContent: (message, content) => outgoing.replaceContent(message, content, now()),
    serviceWindowMs: (provider) => providerById(provider)?.capabilities.serviceWindowMs,
    now,
  })
  const optedOut = (message: ClaimedMessage) =>
    database
      .transaction((tx) => contacts.apply(tx, [marketingRefused(message, now())], now()))
      // The next refusal says so again.
      .catch((error) => log.warn({ err: error }, 'an opt-out could not be stored'))
  const reacting = { connections, lanes: () => lanes, optedOut, now, log, metrics }
  const react = createReact(reacting)
  const brake = createBrake(() => lanes)
  const sendMessage = createSendMessage({
    connection: connections.get,
    adapter: options.adapter,
    permit: permissions.permit,
    publicUrl: options.publicUrl,
    record,
    react,
    countSent: templates.countSent,
    now,
    log,
    metrics,
  })
  const replicas = createReplicas(database, now)
  const giveBack = (claims: readonly Claim[]) => whenBack(giveBackMs, () => outgoing.giveBack(claims, now()))
  const lanes = createLanes({
    store: outgoing,
    giveBack,
    now,
    send: (message, breaker, onAnswered) =>
      sendMessage(message, breaker, (outcome) => {
        // Before the slot is free: the next call would only be refused as well.
        brake(message.connectionId, outcome)
        onAnswered()
      }),
    connection: connections.get,
    share: replicas.share,
    pairLimitOf: (provider) => providerById(provider)?.pairLimit ?? noPairLimit,
    onBreaker: (connectionId, state) => log.warn({ connectionId, state }, 'circuit breaker'),
    onError: (error) => log.error({ err: error }, 'lane failed'),
  })
  const wake = (connectionId: number) =>
    void lanes.wake(connectionId).catch((error) => log.warn({ err: error }, 'lane could not be woken'))

  const decide = createDecide({
    kinds,
    catalog,
    settings: settings.get,
    connection: connections.get,
    platformConnection,
    answers: ({ id }) => lanes.answers(id),
    templateHealth: templateHealth.get,
    hasOptedOut: permissions.hasOptedOut,
    mapsTemplates: (connection) => capabilities(connection)?.templates === 'mapped',
    builtInTemplateId: templates.builtInId,
    isEnabled: options.isEnabled,
    now,
  })
  const conversations = createConversationStore()
  const accepting = {
    database,
    decide,
    outgoing,
    rejected,
    endConversations: (tx: Executor, ends: readonly ShipmentEnd[]) =>
      endConversations({ outgoing, conversations }, tx, ends, now()),
    reserve: lanes.reserve,
    wake,
    giveBack,
    now,
  }
  const events = createBatcher<Buffer, EventResult>({
    flush: (bodies) => acceptEvents(accepting, bodies),
    onFlush: batchSize('events'),
  })
  const bells: Bells = { received: () => {}, contactNews: () => {}, decided: () => {} }
  const onContactNews = () => bells.contactNews()
  const receiving = { database, store: inbound, contactNews, connectionEvents, rejected, metrics, onContactNews, now }
  const webhooks = createBatcher<VerifiedWebhook, undefined>({
    flush: (group) => receiveWebhooks(receiving, group),
    ...webhookGroups,
    onFlush: batchSize('webhooks'),
  })

  const noteEcho = everySoOften(echoEveryMs, (connectionId: number, sentAt: Date) => {
    void connections.noteEcho(connectionId, sentAt).catch(() => {})
  })
  const lifetimes = createLifetimes({ catalog, providers: options.providers, connection: connections.get })
  const applying = {
    database,
    store: inbound,
    outgoing,
    activity,
    lifetimeMs: lifetimes.atLeast,
    polls,
    contacts,
    noteEcho,
    settings: settings.get,
    connection: connections.get,
    wake: (connectionIds: ReadonlySet<number>) => connectionIds.forEach(wake),
    accountFailed: (connectionId: number, code: FailureCode, seenAt: Date) =>
      void pauseConnection(reacting, connectionId, code, seenAt),
    log,
    metrics,
    now,
  }
  const doubts = {
    database,
    store: outgoing,
    activity,
    settings: settings.get,
    connection: connections.get,
    // Reports that are sent only once may be lost: their absence proves nothing.
    echoesReference: (provider: string) => {
      const { echoesReference = false, retriesWebhooks = false } = capabilities({ provider }) ?? {}
      return echoesReference && retriesWebhooks
    },
    lookUp: createLookUp({
      connection: connections.get,
      adapter: options.adapter,
      looksUp: (connection) => capabilities(connection)?.looksUp ?? false,
    }),
    polls,
    metrics,
    now,
  }
  const connectionMended = async (connectionId: number) => {
    await outgoing.releaseWaiting(connectionId, accountFailures, now())
    await lanes.wake(connectionId)
  }
  const connectionsChanged = async (changes: readonly ChangedConnection[]) => {
    connections.announce()
    for (const { connectionId, change } of changes) {
      if (change === 'blocked') lanes.pause(connectionId)
      else if (change === 'released') await connectionMended(connectionId)
      // A lane reads the limits when it is woken.
      else await lanes.wake(connectionId)
    }
  }
  const templatesChanged = (connectionId: number) => {
    templateHealth.drop(connectionId)
    onChange({ what: 'templates', connectionId })
  }
  const pusher = createDecisionPusher({
    database,
    store: ndr,
    outgoing,
    activity,
    http: options.http,
    baseUrl: options.ndrApiUrl,
    wake: () => bells.decided(),
    now,
    random,
    log,
    metrics,
  })
  const links = createTrackedLinks({
    database,
    outgoing,
    activity,
    rules: linkRules,
    settings: settings.get,
    portalUrl: options.portalUrl,
    metrics,
    now,
  })
  const actions = createNdrAdmin({ database, now, decided: () => bells.decided() })
  const work: Work = {
    applyReports: () => applyReports(applying),
    applyReplies: () =>
      applyReplies({
        ...applying,
        flowsFor,
        catalog,
        isCarriedElsewhere: (connection) => capabilities(connection)?.dialogue === 'provider',
        publicUrl: options.publicUrl(),
        conversations,
        ndr,
        decided: () => bells.decided(),
      }),
    applyContactNews: () => applyContactNews({ database, news: contactNews, contacts, outgoing, log, metrics, now }),
    applyAccountNews: () =>
      applyAccountNews({
        database,
        events: connectionEvents,
        templates: templateHealth,
        connectionsChanged,
        templatesChanged,
        log,
        metrics,
        now,
      }),
    pushDecisions: pusher.pushDue,
    drainDecisions: pusher.drain,
    sweeps: {
      wakeLanes: async () => {
        for (const connectionId of await outgoing.connectionsWithDue(now())) wake(connectionId)
        return 0
      },
      lostSends: () => sweepLostSends(recording),
      expired: () => sweepExpired(recording),
      undelivered: () => sweepUndelivered({ database, store: outgoing, activity, lifetimeMs: lifetimes.of, now }),
      endedBlocks: async () => {
        const released = await releaseOverdue(database, now())
        if (released.length === 0) return 0
        await connectionsChanged(released.map((connectionId) => ({ connectionId, change: 'released' })))
        return released.length
      },
      ...(details
        ? { orderDetails: () => completeActivity({ database, waiting, activity, details, now, log, metrics }) }
        : {}),
      doubts: () => sweepDoubts(doubts),
      polls: () =>
        sweepPolls({
          database,
          polls,
          outgoing,
          connection: connections.get,
          adapter: options.adapter,
          receive: webhooks.add,
          received: () => bells.received(),
          log,
          metrics,
          now,
          random,
        }),
      lostPushes: () => ndr.releaseLost(now()),
    },
    upkeep: {
      heartbeat: async () => {
        await replicas.beat()
        return 0
      },
      counts: async () => {
        await templates.flushCounts()
        return 0
      },
    },
  }

  return {
    acceptEvent: async (body) => {
      const result = await events.add(body).catch((error) => parkUnstorable(accepting, body, error))
      metrics.events.inc({ outcome: result.outcome })
      return result
    },
    webhooks: createWebhookIntake({
      connections,
      adapter: options.adapter,
      receive: webhooks.add,
      received: () => bells.received(),
    }),
    work,
    bells,
    settings,
    connections,
    connectionEvents,
    templateHealth,
    templates,
    catalog,
    activity,
    publisherLease: createLease({ database, name: 'publish_activity', now }),
    rejected,
    messages: createMessages({
      database,
      activity,
      actions,
      catalog,
      providerOf: async (id) => (await connections.get(id))?.provider,
      now,
    }),
    actions,
    lanes,
    resolveByHand: (id, resolution, actor) => resolveByHand(doubts, id, resolution, actor),
    connectionMended,
    connectionsChanged: async () => {
      connections.drop()
      for (const { connectionId } of lanes.snapshot()) await lanes.wake(connectionId)
    },
    join: replicas.beat,
    leave: replicas.leave,
    flowProblems: (override) => problemsWith(flows, override),
    reasonKeys: reasons.reasons.map(({ key }) => key),
    links,
    linkRules,
  }
}
