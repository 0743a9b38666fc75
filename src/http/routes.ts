/** THE table: one row a route, one column a check; a missing check is a visible hole. */

import { z } from 'zod'
import { settingsSchema } from '../core/accounts/settings-schema.ts'
import { mostBulkBytes } from '../core/bulks/bulk-lines.ts'
import { agentMessageSchema } from '../core/notifications/kinds/agent-message.ts'
import { maxEventBytes } from '../core/notifications/parse-event.ts'
import type { createActionHandlers } from './handlers/actions.ts'
import type { createActivityHandlers } from './handlers/activity.ts'
import type { createAgentMessageHandlers } from './handlers/agent-messages.ts'
import { apiKeySchema, type createApiKeyHandlers } from './handlers/api-keys.ts'
import type { createAuditHandlers } from './handlers/audit.ts'
import { type createBulkHandlers, mostBulksAtOnce } from './handlers/bulks.ts'
import { connectionChanges, connectionSchema, type createConnectionHandlers } from './handlers/connections.ts'
import { consentSchema, type createContactHandlers } from './handlers/contacts.ts'
import type { createConversationHandlers } from './handlers/conversations.ts'
import type { createDescriptionHandlers } from './handlers/description.ts'
import type { createDoctorHandlers } from './handlers/doctor.ts'
import { type createErasureHandlers, erasureSchema } from './handlers/erasure.ts'
import type { createEventHandlers } from './handlers/events.ts'
import type { createEngineHandlers } from './handlers/integration-engine.ts'
import type { createLinkHandlers } from './handlers/links.ts'
import { type createMessageHandlers, resolveSchema } from './handlers/messages.ts'
import type { createOperationsHandlers } from './handlers/operations.ts'
import type { createProviderHandlers } from './handlers/providers.ts'
import type { createSettingsHandlers } from './handlers/settings.ts'
import { type createStatsHandlers, statsQuery } from './handlers/stats.ts'
import { type createTemplateHandlers, registerSchema, verifySchema } from './handlers/templates.ts'
import type { createWebhookHandlers } from './handlers/webhooks.ts'
import type { Route } from './route.ts'

export interface Handlers {
  readonly events: ReturnType<typeof createEventHandlers>
  readonly activity: ReturnType<typeof createActivityHandlers>
  readonly messages: ReturnType<typeof createMessageHandlers>
  readonly agentMessages: ReturnType<typeof createAgentMessageHandlers>
  readonly bulks: ReturnType<typeof createBulkHandlers>
  readonly conversations: ReturnType<typeof createConversationHandlers>
  readonly actions: ReturnType<typeof createActionHandlers>
  readonly links: ReturnType<typeof createLinkHandlers>
  readonly settings: ReturnType<typeof createSettingsHandlers>
  readonly providers: ReturnType<typeof createProviderHandlers>
  readonly connections: ReturnType<typeof createConnectionHandlers>
  readonly contacts: ReturnType<typeof createContactHandlers>
  readonly apiKeys: ReturnType<typeof createApiKeyHandlers>
  readonly audit: ReturnType<typeof createAuditHandlers>
  readonly erasure: ReturnType<typeof createErasureHandlers>
  readonly doctor: ReturnType<typeof createDoctorHandlers>
  readonly templates: ReturnType<typeof createTemplateHandlers>
  readonly stats: ReturnType<typeof createStatsHandlers>
  readonly engine: ReturnType<typeof createEngineHandlers>
  readonly operations: ReturnType<typeof createOperationsHandlers>
  readonly description: ReturnType<typeof createDescriptionHandlers>
  /** Per provider id. */
  readonly webhooks: Readonly<Record<string, ReturnType<typeof createWebhookHandlers>>>
  /** Aliases of the platform's webhook: path -> provider id. */
  readonly webhookAliases: Readonly<Record<string, string>>
}

const cursor = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const limit = (most: number, usual = 50) => z.coerce.number().int().min(1).max(most).default(usual)
const page = z.object({ limit: limit(200), cursor: cursor.optional() })
const word = z.string().min(1).max(64)
const ofAccount = { accountId: z.coerce.number().int().positive().max(2_147_483_647).optional() }
const accountPage = page.extend(ofAccount)
const activityPage = z.object({ after: cursor.default(0), limit: limit(1_000), ...ofAccount })
const messageFilter = accountPage.extend({
  orderNumber: word.optional(),
  shipmentId: word.optional(),
  subjectId: word.optional(),
  phone: word.optional(),
  kind: word.optional(),
  createdBy: word.optional(),
  status: z
    .enum(['queued', 'accepted', 'sent', 'delivered', 'read', 'failed', 'expired', 'skipped', 'unknown'])
    .optional(),
})
const actionFilter = accountPage.extend({
  state: z.enum(['pending', 'pushing', 'taken', 'refused']).optional(),
})
/** All that an account can have come on one page: whoever turns none sees them as before. */
const connectionPage = accountPage.extend({ limit: limit(200, 200) })
const accountFilter = z.object(ofAccount)
const conversationPage = z.object({ limit: limit(200), cursor: z.string().max(40).optional(), ...ofAccount })
const verify = z.object({
  verify: z
    .enum(['true', 'false'])
    .default('true')
    .transform((text) => text === 'true'),
})
const anyQuery = z.record(z.string(), z.string())

/** Providers send up to 3 MB in one request. */
const webhookBytes = 4 * 1024 * 1024
const eventBytes = maxEventBytes + 1
/** What a column of text holds is twice that; words of one's own for every answer are a few KB. */
const settingsBytes = 32 * 1024
/** Anybody may ask for a link; far more than customers do. */
const linksPerSecond = 500
/** So may anybody for what the API is. */
const descriptionsPerSecond = 50

/** What an account is called elsewhere is not its own choice. */
const reserved = ['accountSlug']

const settingsPath = '/v1/accounts/:accountId/settings'
const channelPath = '/v1/accounts/:accountId/channels/:channelId/settings'

// biome-ignore format: one row a route
export const createRoutes = ({ events, activity, messages, agentMessages, bulks, conversations, actions, links, settings, providers, connections, contacts, doctor, templates, stats, apiKeys, audit, erasure, engine, operations, description, webhooks, webhookAliases }: Handlers): Route[] => [
  ...Object.entries(webhooks).flatMap(([provider, handlers]) => [
    ...webhookRoutes(`/webhooks/${provider}/:key`, handlers),
    ...(handlers.isSigned ? webhookRoutes(`/webhooks/${provider}`, handlers) : []),
    ...handlers.subpaths.map((subpath) => webhookRoute(`/webhooks/${provider}/:key/${subpath}`, handlers, handlers.receiveCall)),
  ]),
  ...Object.entries(webhookAliases).flatMap(([path, provider]) => webhookRoutes(path, webhooks[provider])),
  { method: 'post',   path: '/v1/events',                      auth: 'admin',                            body: 'raw', maxBytes: eventBytes,       handler: events.post },
  { method: 'get',    path: '/v1/rejected-events',             auth: 'read',   tenant: 'filter',         query: accountPage,                      handler: events.listRejected },
  { method: 'post',   path: '/v1/rejected-events/:id/replay',  auth: 'send',   tenant: 'rejected event',                                          handler: events.replay },
  { method: 'get',    path: '/v1/activity',                    auth: 'read',   tenant: 'filter',         query: activityPage,                     handler: activity.page },
  { method: 'get',    path: '/v1/activity/stream',             auth: 'read',   tenant: 'filter',         query: activityPage,                     handler: activity.stream },
  { method: 'get',    path: '/v1/messages',                    auth: 'read',   tenant: 'filter',         query: messageFilter,                    handler: messages.list },
  { method: 'post',   path: '/v1/messages',                    auth: 'send',   tenant: 'body',           body: agentMessageSchema,                handler: agentMessages.post },
  { method: 'post',   path: '/v1/messages/bulk',               auth: 'send',   tenant: 'filter',         query: accountFilter, body: 'raw', maxBytes: mostBulkBytes, atOnce: mostBulksAtOnce, handler: bulks.post },
  { method: 'get',    path: '/v1/bulks/:id',                   auth: 'read',   tenant: 'bulk',                                                    handler: bulks.get },
  { method: 'get',    path: '/v1/bulks/:id/errors',            auth: 'read',   tenant: 'bulk',           query: page,                             handler: bulks.errors },
  { method: 'post',   path: '/v1/bulks/:id/cancel',            auth: 'send',   tenant: 'bulk',                                                    handler: bulks.cancel },
  { method: 'get',    path: '/v1/conversations/:phone',        auth: 'read',   tenant: 'filter',         query: conversationPage,                 handler: conversations.get },
  { method: 'get',    path: '/v1/messages/:id',                auth: 'read',   tenant: 'message',                                                 handler: messages.get },
  { method: 'post',   path: '/v1/messages/:id/resolve',        auth: 'send',   tenant: 'message',        body: resolveSchema,                     handler: messages.resolve },
  { method: 'get',    path: '/v1/actions',                     auth: 'read',   tenant: 'filter',         query: actionFilter,                     handler: actions.list },
  { method: 'post',   path: '/v1/actions/:id/retry',           auth: 'send',   tenant: 'action',                                                  handler: actions.retry },
  { method: 'get',    path: '/v1/contacts/:phone',             auth: 'read',   tenant: 'filter',         query: accountFilter,                    handler: contacts.get },
  { method: 'put',    path: '/v1/contacts/:phone/consent',     auth: 'manage', tenant: 'body',           body: consentSchema,                     handler: contacts.putConsent },
  { method: 'get',    path: '/v1/templates',                   auth: 'read',   tenant: 'shared',                                                  handler: messages.templates },
  { method: 'get',    path: settingsPath,                      auth: 'read',   tenant: 'path',                                                    handler: settings.get },
  { method: 'put',    path: settingsPath,                      auth: 'manage', tenant: 'path',           query: verify, body: settingsSchema, reserved, maxBytes: settingsBytes, handler: settings.put },
  { method: 'get',    path: channelPath,                       auth: 'read',   tenant: 'path',                                                    handler: settings.get },
  { method: 'put',    path: channelPath,                       auth: 'manage', tenant: 'path',           query: verify, body: settingsSchema, reserved, maxBytes: settingsBytes, handler: settings.put },
  { method: 'get',    path: '/v1/providers',                   auth: 'read',   tenant: 'shared',                                                  handler: providers.list },
  { method: 'get',    path: '/v1/connections',                 auth: 'read',   tenant: 'filter',         query: connectionPage,                   handler: connections.list },
  { method: 'post',   path: '/v1/connections',                 auth: 'manage', tenant: 'body',           query: verify, body: connectionSchema,   handler: connections.post },
  { method: 'get',    path: '/v1/connections/:id',             auth: 'read',   tenant: 'connection',                                              handler: connections.get },
  { method: 'patch',  path: '/v1/connections/:id',             auth: 'manage', tenant: 'connection',     query: verify, body: connectionChanges,  handler: connections.patch },
  { method: 'delete', path: '/v1/connections/:id',             auth: 'manage', tenant: 'connection',                                              handler: connections.remove },
  { method: 'get',    path: '/v1/connections/:id/events',      auth: 'read',   tenant: 'connection',     query: page,                             handler: connections.listEvents },
  { method: 'get',    path: '/v1/connections/:id/doctor',      auth: 'read',   tenant: 'connection',                                              handler: doctor.examine },
  { method: 'post',   path: '/v1/connections/:id/subscribe',   auth: 'manage', tenant: 'connection',                                              handler: doctor.subscribe },
  { method: 'get',    path: '/v1/connections/:id/templates',   auth: 'read',   tenant: 'connection',                                              handler: templates.list },
  { method: 'post',   path: '/v1/connections/:id/templates/sync', auth: 'manage', tenant: 'connection',                                           handler: templates.sync },
  { method: 'post',   path: '/v1/connections/:id/templates/register', auth: 'manage', tenant: 'connection', body: registerSchema,                 handler: templates.register },
  { method: 'post',   path: '/v1/templates/verify',            auth: 'manage', tenant: 'body',           body: verifySchema,                      handler: templates.verify },
  { method: 'get',    path: '/v1/api-keys',                    auth: 'manage', tenant: 'filter',         query: accountPage,                      handler: apiKeys.list },
  { method: 'post',   path: '/v1/api-keys',                    auth: 'manage', tenant: 'body',           body: apiKeySchema,                      handler: apiKeys.post },
  { method: 'delete', path: '/v1/api-keys/:id',                auth: 'manage', tenant: 'API key',                                                 handler: apiKeys.revoke },
  { method: 'get',    path: '/v1/audit',                       auth: 'read',   tenant: 'filter',         query: accountPage,                      handler: audit.list },
  { method: 'get',    path: '/v1/stats',                       auth: 'read',   tenant: 'filter',         query: statsQuery,                       handler: stats.get },
  { method: 'post',   path: '/v1/contacts/erase',              auth: 'manage', tenant: 'body',           body: erasureSchema,                     handler: erasure.erase },
  { method: 'get',    path: '/v1/integration-engine',          auth: 'admin',                                                                     handler: engine.status },
  { method: 'post',   path: '/v1/integration-engine/refresh',  auth: 'admin',                                                                     handler: engine.refresh },
  { method: 'get',    path: '/track/whatsapp/:token',          auth: 'public',                           perSecond: linksPerSecond,               handler: links.follow },
  { method: 'get',    path: '/health/live',                    auth: 'public',                                                                    handler: operations.live },
  { method: 'get',    path: '/health/ready',                   auth: 'public',                                                                    handler: operations.ready },
  { method: 'get',    path: '/api/v1/whatsapp/health',         auth: 'public',                                                                    handler: operations.ready },
  { method: 'get',    path: '/metrics',                        auth: 'admin',                                                                     handler: operations.metrics },
  { method: 'get',    path: '/openapi.json',                   auth: 'public',                           perSecond: descriptionsPerSecond,        handler: description.openApi },
  { method: 'get',    path: '/docs',                           auth: 'public',                           perSecond: descriptionsPerSecond,        handler: description.page },
]

type WebhookHandlers = Handlers['webhooks'][string]

function webhookRoutes(path: string, handlers: WebhookHandlers | undefined): Route[] {
  if (!handlers) return []
  const handshake: Route = { method: 'get', path, auth: 'provider', query: anyQuery, handler: handlers.handshake }
  return [...(handlers.isSigned ? [handshake] : []), webhookRoute(path, handlers, handlers.receive)]
}

const webhookRoute = (path: string, { admit }: WebhookHandlers, handler: Route['handler']): Route => ({
  method: 'post',
  path,
  auth: 'provider',
  admit,
  body: 'raw',
  maxBytes: webhookBytes,
  handler,
})
