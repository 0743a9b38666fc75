/** Everything inside the gateway, put together: what HTTP and the consumers call. */

import type { ApiKeys } from './accounts/api-keys.ts'
import type { ConnectionEvents } from './accounts/connection-events.ts'
import type { ConnectionRef } from './accounts/connection-reader.ts'
import type { Connection, ConnectionStore } from './accounts/connections.ts'
import { createOwnerOf, type OwnerOf } from './accounts/owners.ts'
import type { SettingsStore } from './accounts/settings.ts'
import type { TemplateHealth } from './accounts/template-health.ts'
import type { TemplateRegistry } from './accounts/templates.ts'
import type { ActivityStore } from './activity/activity-store.ts'
import { type Asking, createAccepting, type Delivery } from './assembly/accepting.ts'
import { createFoundation } from './assembly/foundation.ts'
import { createMirror } from './assembly/mirror.ts'
import { createPrivacy } from './assembly/privacy.ts'
import { createReturning } from './assembly/returning.ts'
import { createSending } from './assembly/sending.ts'
import { createStatistics } from './assembly/statistics.ts'
import { type AuditLog, createAuditLog } from './audit/audit-log.ts'
import { acceptBulk, type BulkAnswer, type BulkRequest } from './bulks/accept-bulk.ts'
import { type BulkStore, createBulkStore } from './bulks/bulk-store.ts'
import { type ContactAdmin, createContactAdmin } from './contacts/contact-facts.ts'
import type { Capabilities, HttpClient, ProviderAdapter, ProviderDefinition } from './contract/provider.ts'
import type { FlowsOverride } from './conversations/flows.ts'
import { type FlowProblem, problemsWith } from './conversations/flows-override.ts'
import { createNdrAdmin, type NdrAdmin } from './conversations/ndr-admin.ts'
import { createDecisionPusher } from './conversations/push-decisions.ts'
import { forgetEnds } from './conversations/shipment-ends.ts'
import type { Doctor } from './doctor/doctor.ts'
import type { WebhookNotes } from './doctor/webhook-notes.ts'
import type { EngineTurns } from './engine/engine-turns.ts'
import { accountNewsGroupSize } from './inbound/apply-account-news.ts'
import { newsGroupSize } from './inbound/apply-contact-news.ts'
import { replyGroupSize } from './inbound/apply-replies.ts'
import { reportGroupSize } from './inbound/apply-reports.ts'
import type { WebhookIntake } from './inbound/intake.ts'
import type { LinkRules } from './links/link-rules.ts'
import { createTrackedLinks, type TrackedLinks } from './links/tracked-links.ts'
import type { EventResult } from './notifications/accept-event.ts'
import { forgetCounters } from './notifications/guards/usage-counters.ts'
import type { AgentMessage } from './notifications/kinds/agent-message.ts'
import type { RejectedEvents } from './notifications/rejected-events.ts'
import type { TemplateCatalog } from './notifications/template-catalog.ts'
import type { Logger } from './observe/logger.ts'
import type { Metrics } from './observe/metrics.ts'
import { createStateReading } from './observe/read-state.ts'
import type { Erasures } from './privacy/erasure.ts'
import type { RetentionDays } from './privacy/retention-steps.ts'
import { createIdempotentRequests, type IdempotentRequests } from './requests/idempotent-requests.ts'
import { createHearConnections } from './sending/hear-connections.ts'
import type { Lanes } from './sending/lanes.ts'
import type { Resolution } from './sending/resolve-by-hand.ts'
import type { Stats } from './stats/stats.ts'
import type { Database, Executor } from './storage/database.ts'
import { createLease, type Lease } from './storage/lease.ts'
import type { TemplateSync } from './templates/sync.ts'
import type { TemplateStore } from './templates/template-store.ts'
import { textOf } from './timeline/message-view.ts'
import { createMessages, type Messages } from './timeline/messages.ts'
import { type ConversationsFilter, type ConversationsPage, phoneConversations } from './timeline/phone-conversations.ts'

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
  /** Whose connections are mirrored; undefined = nobody's. */
  readonly integrationEngine: { readonly url: string; readonly key: string | undefined } | undefined
  readonly portalUrl: string | undefined
  readonly retention: RetentionDays
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
  /** `only` one of them; absent = any of them. */
  | { readonly what: 'connections'; readonly only?: ConnectionRef | undefined }
  | { readonly what: 'api_keys' }
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
  readonly upkeep: Readonly<Record<string, () => Promise<unknown>>>
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
  reports: () => void
  replies: () => void
  contactNews: () => void
  accountNews: () => void
  decided: () => void
}

export interface Core {
  /** @param correlationId the caller's own name of the event, for the log */
  readonly acceptEvent: (body: Buffer, delivery?: Delivery) => Promise<EventResult>
  /** A message that somebody asks for who waits for the answer; see {@link createAccepting}. */
  readonly acceptMessage: (message: AgentMessage, key: string, asking?: Asking) => Promise<EventResult>
  readonly webhooks: WebhookIntake
  readonly work: Work
  readonly bells: Bells
  readonly apiKeys: ApiKeys
  /** Whose a thing is that the API names. */
  readonly ownerOf: OwnerOf
  readonly audit: AuditLog
  readonly settings: SettingsStore
  readonly connections: ConnectionStore
  /** The connection of everybody who has none of their own. */
  readonly platformConnection: () => Promise<Connection | undefined>
  readonly connectionEvents: ConnectionEvents
  readonly doctor: Doctor
  /** How reading the integration engine goes; undefined = there is none. */
  readonly engineTurns: EngineTurns | undefined
  readonly webhookNotes: WebhookNotes
  readonly templateStore: TemplateStore
  readonly templateSync: TemplateSync
  readonly capabilities: (connection: Pick<Connection, 'provider'>) => Capabilities | undefined
  readonly templateHealth: TemplateHealth
  readonly templates: TemplateRegistry
  readonly catalog: TemplateCatalog
  readonly activity: ActivityStore
  /** Held by the one replica that publishes activity events. */
  readonly publisherLease: Lease
  readonly rejected: RejectedEvents
  readonly bulks: BulkStore
  /** What was written with a phone (E.164). */
  readonly conversations: (phone: string, filter: ConversationsFilter) => Promise<ConversationsPage>
  readonly acceptBulk: (request: BulkRequest) => Promise<BulkAnswer>
  /** What callers name by a key of their own. */
  readonly requests: IdempotentRequests
  readonly erasures: Erasures
  readonly messages: Messages
  readonly stats: Stats
  readonly actions: NdrAdmin
  readonly contacts: ContactAdmin
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
  /** A connection was deleted here: what waits for it is ended. */
  readonly connectionRemoved: (connectionId: number) => Promise<void>
  /** Another replica changed a connection; undefined = any of them. */
  readonly connectionsChanged: (only: ConnectionRef | undefined) => Promise<void>
  /** One of the replicas from now on; before anything is sent. */
  readonly join: () => Promise<unknown>
  /** Not one of the replicas any more; after the heartbeat has stopped. */
  readonly leave: () => Promise<void>
  /** What an account may map templates to. */
  readonly reasonKeys: readonly string[]
  /** What is wrong with flows of an account's own. */
  readonly flowProblems: (override: FlowsOverride) => readonly FlowProblem[]
}

/**
 * Reads the configuration and builds the stores and stories. The tables must be there.
 * @throws {Error} that names every mistake in the configuration
 */
export async function createCore(options: CoreOptions): Promise<Core> {
  const { database, now, random, log, metrics } = options
  const silent = () => {}
  const bells: Bells = { reports: silent, replies: silent, contactNews: silent, accountNews: silent, decided: silent }
  const foundation = await createFoundation(options, (id) => sending.lanes.pause(id))
  const sending = createSending(options, foundation)
  const accepting = createAccepting(options, foundation, sending)
  const returning = createReturning(options, foundation, sending, bells)
  const { settings, connections, templates, catalog, activity, outgoing, ndr, flows, linkRules } = foundation
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
  metrics.onScrape(createStateReading({ database, metrics, lanes: sending.lanes.snapshot, now }))
  const requests = createIdempotentRequests(database, now)
  const bulks = createBulkStore(database, now)
  const mirror = createMirror(options, foundation, sending)
  const statistics = createStatistics(options, foundation)
  const privacy = createPrivacy(options, foundation)
  const actions = createNdrAdmin({ database, now, decided: () => bells.decided() })
  return {
    acceptEvent: accepting.event,
    acceptMessage: accepting.message,
    webhooks: returning.webhooks,
    work: {
      applyReports: returning.applyReports,
      applyReplies: returning.applyReplies,
      applyContactNews: returning.applyContactNews,
      applyAccountNews: returning.applyAccountNews,
      pushDecisions: pusher.pushDue,
      drainDecisions: pusher.drain,
      sweeps: {
        ...sending.sweeps,
        ...returning.sweeps,
        ...mirror?.sweeps,
        ...statistics.sweeps,
        ...privacy.sweeps,
        lostPushes: () => ndr.releaseLost(now()),
        oldEnds: () => forgetEnds(database, now()),
        oldRequests: requests.forgetOld,
        oldCounters: () => forgetCounters(database, now()),
      },
      upkeep: {
        heartbeat: sending.replicas.beat,
        counts: templates.flushCounts,
        usedKeys: foundation.apiKeys.flushUsed,
      },
    },
    bells,
    apiKeys: foundation.apiKeys,
    ownerOf: createOwnerOf(database),
    audit: createAuditLog(database),
    settings,
    connections,
    platformConnection: foundation.platformConnection,
    connectionEvents: foundation.connectionEvents,
    doctor: foundation.doctor,
    engineTurns: mirror?.turns,
    webhookNotes: foundation.webhookNotes,
    templateStore: foundation.templateStore,
    templateSync: foundation.templateSync,
    capabilities: foundation.capabilities,
    templateHealth: foundation.templateHealth,
    templates,
    catalog,
    activity,
    publisherLease: createLease({ database, name: 'publish_activity', now }),
    rejected: foundation.rejected,
    bulks,
    conversations: (phone, filter) =>
      phoneConversations({ database, textOf: (record) => textOf(catalog, record) }, phone, filter),
    acceptBulk: (request) => acceptBulk({ store: bulks, accept: accepting.message }, request),
    requests,
    erasures: privacy.erasures,
    messages: createMessages({
      kinds: new Set(foundation.kinds.map(({ id }) => id)),
      database,
      activity,
      actions,
      catalog,
      providerOf: async (id) => (await connections.get(id))?.provider,
      now,
    }),
    stats: statistics.stats,
    actions,
    contacts: createContactAdmin({
      database,
      consents: foundation.consents,
      obeyWishes: foundation.obeyWishes,
      now,
    }),
    lanes: sending.lanes,
    resolveByHand: sending.resolveByHand,
    connectionMended: sending.connectionMended,
    connectionRemoved: sending.connectionRemoved,
    connectionsChanged: createHearConnections(connections, sending.lanes),
    join: sending.replicas.beat,
    leave: sending.replicas.leave,
    flowProblems: (override) => problemsWith(flows, override),
    reasonKeys: [...catalog.reasons.keys()],
    links: createTrackedLinks({
      database,
      outgoing,
      activity,
      rules: linkRules,
      settings: settings.get,
      portalUrl: options.portalUrl,
      metrics,
      now,
    }),
    linkRules,
  }
}
