/** Sender connections: entered, changed, shown without their secrets. */

import { z } from 'zod'
import { mergeCredentials, TooManyConnectionsError } from '../../core/accounts/change-connection.ts'
import type { ConnectionEvents } from '../../core/accounts/connection-events.ts'
import type { ConnectionPage } from '../../core/accounts/connection-reader.ts'
import { type Connection, webhookUrlOf } from '../../core/accounts/connections.ts'
import { fieldErrors } from '../../core/accounts/credential-fields.ts'
import { SenderTakenError } from '../../core/accounts/number-proof.ts'
import type {
  ConnectionCheck,
  ProviderAdapter,
  ProviderConnection,
  ProviderDefinition,
} from '../../core/contract/provider.ts'
import { isMirrored } from '../../core/engine/engine-entry.ts'
import { maskSecret } from '../../core/observe/redact.ts'
import { actorOf, type Caller, hasScope } from '../caller.ts'
import { HttpProblem, notFound } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'
import { mappingErrors, mappingShape, shownMappings } from './connection-fields.ts'
import { assertUsable, findConnection, type UsableDeps } from './named-connection.ts'

export interface ConnectionHandlerDeps extends UsableDeps {
  readonly providers: readonly ProviderDefinition[]
  readonly adapter: (provider: string) => ProviderAdapter
  readonly publicUrl: () => string
  /** A connection was changed by somebody who may have mended it. */
  readonly mended: (connectionId: number) => Promise<void>
  /** A connection was deleted. */
  readonly removed: (connectionId: number) => Promise<void>
  readonly events: ConnectionEvents
}

const credential = z.string().min(1).max(4_096)

export const connectionSchema = z.strictObject({
  accountId: z.int().positive().max(2_147_483_647),
  provider: z.string(),
  name: z.string().min(1).max(128),
  businessPhone: z.string().regex(/^\+\d{6,15}$/, 'must be E.164, e.g. +911140001234'),
  fallbackConnectionId: z
    .string()
    .regex(/^\d{1,18}$/)
    .nullable()
    .optional(),
  limits: z
    .strictObject({ messagesPerSecond: z.number().positive().max(10_000), concurrency: z.int().min(1).max(1_000) })
    .partial()
    .optional(),
  credentials: z.record(z.string(), credential),
  ...mappingShape,
})

/** The body of PATCH: what is given replaces what was; credentials field by field, and null takes one away. */
export const connectionChanges = connectionSchema
  .omit({ accountId: true, provider: true })
  .extend({ credentials: z.record(z.string(), credential.nullable()), state: z.enum(['active', 'paused']) })
  .partial()

export const createConnectionHandlers = (deps: ConnectionHandlerDeps) => ({
  async list({ query, caller }: RequestFacts<undefined, ConnectionPage>): Promise<Reply> {
    const found = await deps.connections.page(query)
    const items = found.map((connection) => shownConnection(deps, connection, caller))
    const last = found.length === query.limit ? found.at(-1) : undefined
    return { status: 200, body: { items, next: last ? String(last.id) : null } }
  },

  async get({ params, caller }: RequestFacts): Promise<Reply> {
    const connection = await findConnection(deps.connections, params.id)
    return { status: 200, body: shownConnection(deps, connection, caller) }
  },

  /** What the provider told about the connection's account, number and templates. */
  async listEvents({ params, query }: RequestFacts<undefined, { limit: number; cursor?: number }>): Promise<Reply> {
    const connection = await findConnection(deps.connections, params.id)
    const items = await deps.events.list(connection.id, query.limit, query.cursor)
    const next = items.length === query.limit ? (items.at(-1)?.id ?? null) : null
    return { status: 200, body: { items, next } }
  },

  async post({
    body,
    query,
    caller,
  }: RequestFacts<z.infer<typeof connectionSchema>, { verify: boolean }>): Promise<Reply> {
    const provider = deps.providers.find((candidate) => candidate.id === body.provider)
    if (!provider) throw new HttpProblem(400, `there is no provider ${body.provider}`)
    assertFields(provider, body.credentials, body)
    await assertFallback(deps, { caller, accountId: body.accountId, present: undefined }, body)
    const checks = query.verify ? await check(deps, provider.id, body) : []
    const proved = { provedSenderId: provedIn(checks, provider, body.credentials) }
    const draft = { ...body, ...proved, fallbackConnectionId: fallbackIdOf(body) }
    const created = await deps.connections.create(draft, actorOf(caller)).catch(refusedToProblem(caller))
    return { status: 201, body: { ...shownConnection(deps, created, caller), checks } }
  },

  async patch({
    params,
    body,
    query,
    caller,
  }: RequestFacts<z.infer<typeof connectionChanges>, { verify: boolean }>): Promise<Reply> {
    const existing = await findConnection(deps.connections, params.id)
    const provider = deps.providers.find((candidate) => candidate.id === existing.provider)
    if (!provider) throw notFound('connection')
    if (isMirrored(existing) && Object.keys(body).some((name) => name !== 'state')) throw changedThere()
    const credentials = mergeCredentials(existing.credentials, body.credentials ?? {})
    assertFields(provider, credentials, body)
    const { accountId, fallbackConnectionId: present } = existing
    await assertFallback(deps, { caller, accountId, present }, body)
    const isVerified = query.verify && body.credentials !== undefined
    const templates = body.templates ?? existing.templates
    const webhookUrl = webhookUrlOf(existing, deps.publicUrl())
    const checks = isVerified ? await check(deps, provider.id, { credentials, templates }, { webhookUrl }) : []
    const { name, businessPhone, limits, state, dialogueResults } = body
    const fallback = body.fallbackConnectionId === undefined ? {} : { fallbackConnectionId: fallbackIdOf(body) }
    const changes = {
      ...defined({ name, businessPhone, limits, state, templates: body.templates, dialogueResults }),
      ...defined({ credentials: body.credentials, provedSenderId: provedIn(checks, provider, credentials) }),
      ...fallback,
    }
    const accept = (merged: Connection['credentials']) => assertFields(provider, merged, body)
    const changed = await deps.connections
      .patch(existing.id, changes, actorOf(caller), accept)
      .catch(refusedToProblem(caller))
    if (!changed) throw notFound('connection')
    await deps.mended(changed.id)
    return { status: 200, body: { ...shownConnection(deps, changed, caller), checks } }
  },

  async remove({ params, caller }: RequestFacts): Promise<Reply> {
    const existing = await findConnection(deps.connections, params.id)
    if (isMirrored(existing)) throw changedThere()
    if (existing.managedBy)
      throw new HttpProblem(409, `the connection is described by the ${existing.managedBy}, and is deleted there`)
    if (!(await deps.connections.remove(existing.id, actorOf(caller)))) throw notFound('connection')
    await deps.removed(existing.id)
    return { status: 204 }
  },
})

const changedThere = () =>
  new HttpProblem(409, 'the connection comes from the integration engine; change it there, or pause it here')

type ConnectionBody = z.infer<typeof connectionChanges>

const defined = <T extends object>(values: T) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

const fallbackIdOf = ({ fallbackConnectionId: id }: Pick<ConnectionBody, 'fallbackConnectionId'>) =>
  id ? Number(id) : undefined

const check = (
  { adapter }: ConnectionHandlerDeps,
  provider: string,
  { credentials, templates = {} }: Pick<z.infer<typeof connectionSchema>, 'credentials' | 'templates'>,
  existing: Pick<ProviderConnection, 'webhookUrl'> = {},
): Promise<ConnectionCheck[]> => adapter(provider).check({ id: 'new', credentials, templates, ...existing })

/** The sender that the provider showed with these credentials when it was asked. */
const provedIn = (
  checks: readonly ConnectionCheck[],
  { senderIdField = '' }: ProviderDefinition,
  credentials: Readonly<Record<string, string>>,
): string | undefined => (checks.some(({ provesNumber }) => provesNumber) ? credentials[senderIdField] : undefined)

function assertFields(
  provider: ProviderDefinition,
  credentials: Readonly<Record<string, string>>,
  body: ConnectionBody,
): void {
  const unknown = 'is no credential of this provider'
  const wrong = fieldErrors(provider.credentialFields, credentials, 'credentials', unknown)
  if (wrong.length > 0) throw new HttpProblem(400, 'the credentials are not valid', { errors: wrong })
  const errors = mappingErrors(provider, body)
  if (errors.length > 0) throw new HttpProblem(400, 'the body is not valid', { errors })
}

const refusedToProblem =
  (caller: Caller) =>
  (error: unknown): never => {
    if (error instanceof TooManyConnectionsError) throw new HttpProblem(409, error.message)
    if (!(error instanceof SenderTakenError)) throw error
    const isHidden = error.isForeign && caller.kind === 'client'
    throw new HttpProblem(409, isHidden ? 'the sender cannot be used here; ask who runs the gateway' : error.message)
  }

async function assertFallback(
  deps: ConnectionHandlerDeps,
  naming: Parameters<typeof assertUsable>[1],
  { fallbackConnectionId: id }: Pick<ConnectionBody, 'fallbackConnectionId'>,
): Promise<void> {
  if (id) await assertUsable(deps, naming, id, 'fallbackConnectionId')
}

function shownConnection(
  { providers, publicUrl }: ConnectionHandlerDeps,
  connection: Connection,
  caller: Caller,
): object {
  const definition = providers.find((provider) => provider.id === connection.provider)
  const fields = definition?.credentialFields ?? []
  const isOpen = (name: string) => fields.some((field) => field.name === name && !field.sensitive)
  const credentials = Object.entries(connection.credentials).map(([name, value]) => [
    name,
    isOpen(name) ? value : maskSecret(value),
  ])
  const { id, accountId, provider, name, businessPhone, limits, quality, fallbackConnectionId, state, stateReason } =
    connection
  return {
    id: String(id),
    accountId,
    provider,
    name,
    businessPhone,
    limits,
    quality: quality ?? null,
    fallbackConnectionId: fallbackConnectionId === undefined ? null : String(fallbackConnectionId),
    state,
    stateReason: stateReason ?? null,
    managedBy: connection.managedBy ?? null,
    numberProvedAt: connection.numberProvedAt?.toISOString() ?? null,
    credentials: Object.fromEntries(credentials),
    ...shownMappings(definition, connection),
    // Who knows these can speak as the provider, where it signs nothing: not for those who only look.
    webhook: hasScope(caller, 'manage') ? shownWebhook(connection, definition, publicUrl()) : null,
  }
}

const shownWebhook = (connection: Connection, definition: ProviderDefinition | undefined, publicUrl: string) => ({
  callbackUrl: webhookUrlOf(connection, publicUrl),
  // Where nothing is signed nobody asks for it, and it stays our secret.
  verifyToken: definition?.capabilities.webhookProof === 'url' ? null : connection.verifyToken,
})
