/**
 * What the route table cannot say of a route: what it is for, and what it answers. One row a route, by the route's name
 * ({@link nameOf}); that none is missing is tested.
 */

import { z } from 'zod'
import { agentMessageEvent } from '../../core/notifications/kinds/agent-message.ts'
import * as accounts from '../answers/accounts.ts'
import * as connections from '../answers/connections.ts'
import * as events from '../answers/events.ts'
import * as messages from '../answers/messages.ts'
import * as operation from '../answers/operations.ts'
import { asItCame } from '../answers/parts.ts'
import { stats } from '../answers/stats.ts'
import type { Route } from '../route.ts'

/** A schema = JSON; a media type = that; null = no body. Several where the caller may choose. */
type Answer = z.ZodType | string | null
type Answers = readonly [status: number, ...answers: Answer[]]

export interface Operation {
  readonly summary: string
  readonly answers: readonly Answers[]
  /** Errors besides those that follow from the route's row. */
  readonly refusals?: readonly number[]
  /** What a raw body is: its schema by media type. */
  readonly takes?: Readonly<Record<string, z.ZodType>>
  /** Does it take the header `Idempotency-Key`? */
  readonly idempotency?: 'optional' | 'required'
}

export const nameOf = ({ method, path }: Pick<Route, 'method' | 'path'>): string => `${method.toUpperCase()} ${path}`

const json = 'application/json'
const text = 'text/plain'
const html = 'text/html'
const ndjson = 'application/x-ndjson'
const takes = { [json]: asItCame }
/** A line names the query's account, or none. */
const line = z.strictObject(agentMessageEvent.shape).partial({ accountId: true })
const lines = { [ndjson]: z.string(), [json]: z.array(line) }
const settingsPath = '/v1/accounts/:accountId/settings'
const channelPath = '/v1/accounts/:accountId/channels/:channelId/settings'

// biome-ignore format: one row a route
const operations: Readonly<Record<string, Operation>> = {
  'POST /v1/events':                             { summary: 'Takes an event, the same JSON as by RabbitMQ (docs/asyncapi.yaml)', answers: [[202, events.accepted]], refusals: [422], takes },
  'GET /v1/rejected-events':                     { summary: 'Events and webhooks that could not be used, newest first', answers: [[200, events.rejectedEvents]] },
  'POST /v1/rejected-events/:id/replay':         { summary: 'Takes a parked event once more', answers: [[202, events.accepted]], refusals: [409, 422] },
  'GET /v1/activity':                            { summary: 'Activity events after a cursor, oldest first', answers: [[200, messages.activityPage]] },
  'GET /v1/activity/stream':                     { summary: 'The same as server-sent events; Last-Event-ID goes on where it ended', answers: [[200, 'text/event-stream']] },
  'GET /v1/messages':                            { summary: 'Messages, newest first', answers: [[200, messages.messages]] },
  'POST /v1/messages':                           { summary: 'Sends one message that a person wrote', answers: [[202, messages.message]], refusals: [409, 410, 422], idempotency: 'optional' },
  'POST /v1/messages/bulk':                      { summary: 'Sends up to 10,000 messages, a line each', answers: [[202, events.bulkAnswer, ndjson]], refusals: [409, 410, 422], takes: lines, idempotency: 'required' },
  'GET /v1/bulks/:id':                           { summary: 'How far a bulk has come', answers: [[200, events.bulk]] },
  'GET /v1/bulks/:id/errors':                    { summary: 'Lines of a bulk that led to no message', answers: [[200, events.bulkErrors]] },
  'POST /v1/bulks/:id/cancel':                   { summary: 'Ends a bulk: what is not under way is not sent', answers: [[200, events.bulk]] },
  'GET /v1/conversations/:phone':                { summary: 'All that was written with a phone', answers: [[200, messages.conversations]] },
  'GET /v1/messages/:id':                        { summary: 'A message with all that happened to it', answers: [[200, messages.timeline]] },
  'POST /v1/messages/:id/resolve':               { summary: 'Decides what a message is whose fate is not known', answers: [[200, messages.timeline]], refusals: [409] },
  'GET /v1/actions':                             { summary: 'Decisions on their way to the courier side, newest first', answers: [[200, messages.actions]] },
  'POST /v1/actions/:id/retry':                  { summary: 'Pushes a refused decision again', answers: [[200, messages.action]], refusals: [409] },
  'GET /v1/contacts/:phone':                     { summary: 'What accounts know of a customer', answers: [[200, accounts.contact]] },
  'PUT /v1/contacts/:phone/consent':             { summary: 'Keeps what a customer wants to be written', answers: [[200, accounts.contact]] },
  'GET /v1/templates':                           { summary: 'The built-in templates, as they are registered', answers: [[200, connections.builtInTemplates]] },
  [`GET ${settingsPath}`]:                       { summary: 'Settings of an account as they hold', answers: [[200, accounts.settings]] },
  [`PUT ${settingsPath}`]:                       { summary: 'Replaces the settings of an account', answers: [[200, accounts.settings]], refusals: [409, 422] },
  [`GET ${channelPath}`]:                        { summary: 'Settings of a channel as they hold', answers: [[200, accounts.settings]] },
  [`PUT ${channelPath}`]:                        { summary: 'Replaces the settings of a channel, which override its account\'s', answers: [[200, accounts.settings]], refusals: [409, 422] },
  'GET /v1/providers':                           { summary: 'Providers, and what connections of each are entered with', answers: [[200, connections.providers]] },
  'GET /v1/connections':                         { summary: 'Sender connections, without their secrets', answers: [[200, connections.connections]] },
  'POST /v1/connections':                        { summary: 'Enters a sender connection, which its provider is asked about', answers: [[201, connections.checkedConnection]], refusals: [409, 422] },
  'GET /v1/connections/:id':                     { summary: 'One sender connection', answers: [[200, connections.connection]] },
  'PATCH /v1/connections/:id':                   { summary: 'Changes a sender connection: what is given replaces what was', answers: [[200, connections.checkedConnection]], refusals: [409, 422] },
  'DELETE /v1/connections/:id':                  { summary: 'Deletes a sender connection', answers: [[204, null]], refusals: [409] },
  'GET /v1/connections/:id/events':              { summary: 'What the provider told about a connection, newest first', answers: [[200, connections.connectionEvents]] },
  'GET /v1/connections/:id/doctor':              { summary: 'What is wrong with a connection, and what to do about it', answers: [[200, connections.examination]] },
  'POST /v1/connections/:id/subscribe':          { summary: 'Asks the provider for webhooks about the connection\'s account', answers: [[200, connections.subscribed]], refusals: [409, 422] },
  'GET /v1/connections/:id/templates':           { summary: 'Templates at the provider, as they were read last', answers: [[200, connections.templates]] },
  'POST /v1/connections/:id/templates/sync':     { summary: 'Reads the templates from the provider now', answers: [[200, connections.templates]], refusals: [409, 422] },
  'POST /v1/connections/:id/templates/register': { summary: 'Registers the built-in templates with the provider', answers: [[200, connections.registered]], refusals: [409] },
  'POST /v1/templates/verify':                   { summary: 'Asks the provider whether a template can be used', answers: [[200, connections.verdict]], refusals: [409, 422] },
  'GET /v1/api-keys':                            { summary: 'Keys of clients, newest first; never the keys themselves', answers: [[200, accounts.apiKeys]] },
  'POST /v1/api-keys':                           { summary: 'Makes a key, which is shown once', answers: [[201, accounts.newApiKey]], refusals: [409] },
  'DELETE /v1/api-keys/:id':                     { summary: 'Ends a key, and tells which keys made with it still work', answers: [[200, accounts.revokedApiKey]] },
  'GET /v1/audit':                               { summary: 'Who changed what, newest first', answers: [[200, accounts.audit]] },
  'GET /v1/stats':                               { summary: 'How many messages, how fast, and what they cost', answers: [[200, stats]] },
  'POST /v1/contacts/erase':                     { summary: 'Erases a person', answers: [[200, accounts.erased]] },
  'GET /v1/integration-engine':                  { summary: 'How reading the integration engine goes', answers: [[200, operation.engineStatus]], refusals: [404] },
  'POST /v1/integration-engine/refresh':         { summary: 'Reads the integration engine at once', answers: [[202, operation.engineStatus]], refusals: [404] },
  'GET /track/whatsapp/:token':                  { summary: 'A link that a customer opens', answers: [[302, null], [404, html], [410, html]] },
  'GET /health/live':                            { summary: 'Does the process live?', answers: [[200, operation.live]] },
  'GET /health/ready':                           { summary: 'Can the process do its job?', answers: [[200, operation.ready]] },
  'GET /api/v1/whatsapp/health':                 { summary: 'The same under the name that others know', answers: [[200, operation.ready]] },
  'GET /metrics':                                { summary: 'Metrics for Prometheus', answers: [[200, text]] },
  'GET /openapi.json':                           { summary: 'This document', answers: [[200, asItCame]] },
  'GET /docs':                                   { summary: 'This document for people', answers: [[200, html]] },
}

const handshake: Operation = { summary: 'The handshake of a provider', answers: [[200, text]] }
const delivery: Operation = { summary: 'Webhooks of a provider', answers: [[200, null]], takes }
const call: Operation = { summary: 'What a dialogue at the provider tells', answers: [[200, operation.taken]], takes }

/** Undefined for a route that nobody described. */
export function operationOf(route: Pick<Route, 'method' | 'path' | 'auth'>): Operation | undefined {
  if (route.auth !== 'provider') return operations[nameOf(route)]
  if (route.method === 'get') return handshake
  return /:key\/./.test(route.path) ? call : delivery
}
