/** The HTTP role: handlers built on core, and the server that runs them. */

import type { ProviderAdapter, ProviderDefinition } from '../core/contract/provider.ts'
import type { Core } from '../core/core.ts'
import type { RawWebhook } from '../core/inbound/intake.ts'
import type { Logger } from '../core/observe/logger.ts'
import type { Metrics } from '../core/observe/metrics.ts'
import { createActionHandlers } from './handlers/actions.ts'
import { createActivityHandlers } from './handlers/activity.ts'
import { createAgentMessageHandlers } from './handlers/agent-messages.ts'
import { createApiKeyHandlers } from './handlers/api-keys.ts'
import { createAuditHandlers } from './handlers/audit.ts'
import { createBulkHandlers } from './handlers/bulks.ts'
import { createConnectionHandlers } from './handlers/connections.ts'
import { createContactHandlers } from './handlers/contacts.ts'
import { createConversationHandlers } from './handlers/conversations.ts'
import { createDescriptionHandlers } from './handlers/description.ts'
import { createDoctorHandlers } from './handlers/doctor.ts'
import { createErasureHandlers } from './handlers/erasure.ts'
import { createEventHandlers } from './handlers/events.ts'
import { createEngineHandlers } from './handlers/integration-engine.ts'
import { createLinkHandlers } from './handlers/links.ts'
import { createMessageHandlers } from './handlers/messages.ts'
import { createOperationsHandlers, type ReadinessCheck } from './handlers/operations.ts'
import { createProviderHandlers } from './handlers/providers.ts'
import { createSettingsHandlers } from './handlers/settings.ts'
import { createStatsHandlers } from './handlers/stats.ts'
import { createTemplateHandlers } from './handlers/templates.ts'
import { createWebhookHandlers } from './handlers/webhooks.ts'
import type { Route } from './route.ts'
import { createRoutes } from './routes.ts'
import { createHttpServer, type HttpServer } from './server.ts'
import { createAuthenticate } from './steps/authenticate.ts'
import { createCheckTenant } from './steps/check-tenant.ts'
import { createIdempotently } from './steps/idempotency.ts'
import { createCallerLimit } from './steps/rate-limit.ts'

export interface HttpOptions {
  readonly core: Core
  readonly providers: readonly ProviderDefinition[]
  readonly adapter: (provider: string) => ProviderAdapter
  readonly adminKey: string
  /** Of each client's key. */
  readonly clientRequestsPerSecond: number
  readonly publicUrl: () => string
  readonly checks: Readonly<Record<string, ReadinessCheck>>
  /** Path -> provider, for platform webhooks under other names. */
  readonly webhookAliases: Readonly<Record<string, string>>
  /** See {@link WebhookHandlerDeps.keep}. */
  readonly keepWebhook: ((webhook: RawWebhook) => Promise<void>) | undefined
  readonly stop: AbortSignal
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => Date
}

export function createHttp(options: HttpOptions): HttpServer {
  const { core, providers, adapter, metrics, log, now } = options
  const webhookDeps = {
    intake: core.webhooks,
    adapter,
    notes: core.webhookNotes,
    keep: options.keepWebhook,
    log,
    metrics,
  }
  const idempotently = createIdempotently({ requests: core.requests, log })
  const verifying = { adapter, capabilities: core.capabilities, catalog: core.catalog }
  const routes: readonly Route[] = createRoutes({
    events: createEventHandlers({
      accept: core.acceptEvent,
      message: core.messages.get,
      rejected: core.rejected,
      now,
    }),
    activity: createActivityHandlers({ activity: core.activity, now, stop: options.stop }),
    messages: createMessageHandlers({
      messages: core.messages,
      catalog: core.catalog,
      resolve: core.resolveByHand,
    }),
    agentMessages: createAgentMessageHandlers({
      accept: core.acceptMessage,
      message: core.messages.get,
      idempotently,
    }),
    conversations: createConversationHandlers({ conversations: core.conversations, settings: core.settings.get }),
    bulks: createBulkHandlers({ accept: core.acceptBulk, store: core.bulks, idempotently }),
    actions: createActionHandlers(core.actions),
    contacts: createContactHandlers(core.contacts),
    links: createLinkHandlers({ links: core.links, rules: core.linkRules }),
    settings: createSettingsHandlers({
      settings: core.settings,
      connections: core.connections,
      platformConnection: core.platformConnection,
      reasonKeys: core.reasonKeys,
      flowProblems: core.flowProblems,
      ...verifying,
    }),
    providers: createProviderHandlers(providers),
    connections: createConnectionHandlers({
      connections: core.connections,
      platformConnection: core.platformConnection,
      providers,
      adapter,
      publicUrl: options.publicUrl,
      mended: core.connectionMended,
      removed: core.connectionRemoved,
      events: core.connectionEvents,
    }),
    apiKeys: createApiKeyHandlers({ apiKeys: core.apiKeys, now }),
    audit: createAuditHandlers(core.audit),
    stats: createStatsHandlers(core.stats),
    erasure: createErasureHandlers({ erasures: core.erasures, settings: core.settings.get }),
    templates: createTemplateHandlers({
      connections: core.connections,
      settings: core.settings,
      platformConnection: core.platformConnection,
      reasonKeys: core.reasonKeys,
      store: core.templateStore,
      sync: core.templateSync,
      ...verifying,
    }),
    doctor: createDoctorHandlers({ connections: core.connections, doctor: core.doctor, adapter, now }),
    engine: createEngineHandlers(core.engineTurns),
    operations: createOperationsHandlers({ checks: options.checks, metrics }),
    description: createDescriptionHandlers(() => routes),
    webhooks: Object.fromEntries(
      providers.map((provider) => [provider.id, createWebhookHandlers(webhookDeps, provider)]),
    ),
    webhookAliases: options.webhookAliases,
  })
  return createHttpServer({
    routes,
    authenticate: createAuthenticate({ adminKey: options.adminKey, apiKeys: core.apiKeys }),
    limitCaller: createCallerLimit(options.clientRequestsPerSecond),
    checkTenant: createCheckTenant(core.ownerOf),
    stop: options.stop,
    log,
    metrics,
  })
}
