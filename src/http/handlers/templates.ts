/** Templates at the providers of connections: listed, read anew, verified, registered. */

import { z } from 'zod'
import type { Connection, ConnectionStore } from '../../core/accounts/connections.ts'
import type { AccountSettings, SettingsStore } from '../../core/accounts/settings.ts'
import { type Failure, failureKind } from '../../core/contract/failures.ts'
import type { ProviderAdapter } from '../../core/contract/provider.ts'
import type { TemplateCatalog } from '../../core/notifications/template-catalog.ts'
import { registerBuiltIns } from '../../core/templates/register.ts'
import type { TemplateSync } from '../../core/templates/sync.ts'
import type { TemplateStore } from '../../core/templates/template-store.ts'
import { type VerifyDeps, verifyTemplate } from '../../core/templates/verify.ts'
import { wantedFor } from '../../core/templates/wanted.ts'
import type { Caller } from '../caller.ts'
import { HttpProblem } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'
import { assertUsable, findConnection } from './named-connection.ts'

export interface TemplateHandlerDeps extends VerifyDeps {
  readonly connections: ConnectionStore
  readonly settings: Pick<SettingsStore, 'get'>
  readonly platformConnection: () => Promise<Connection | undefined>
  readonly adapter: (provider: string) => ProviderAdapter
  readonly catalog: TemplateCatalog
  readonly reasonKeys: readonly string[]
  readonly store: TemplateStore
  readonly sync: TemplateSync
}

const language = z.string().regex(/^[a-z]{2,3}([_-]\w{2,8})?$/)

export const verifySchema = z
  .strictObject({
    accountId: z.int().positive().max(2_147_483_647),
    /** Absent: the one that the account sends through. */
    connectionId: z
      .string()
      .regex(/^\d{1,15}$/)
      .optional(),
    /** Absent: only that it may be used at all. */
    reason: z.string().optional(),
    name: z
      .string()
      .regex(/^[a-z0-9_]{1,512}$/)
      .optional(),
    language: language.default('en'),
    /** The provider's id, instead of name and language. */
    id: z
      .string()
      .regex(/^\d{1,32}$/)
      .optional(),
  })
  .refine(({ name, id }) => (name === undefined) !== (id === undefined), {
    path: ['name'],
    message: 'name or id must be given, and not both',
  })

export const registerSchema = z.strictObject({ languages: z.array(language).min(1).max(10).optional() })

export function createTemplateHandlers(deps: TemplateHandlerDeps) {
  const shown = async (connection: Connection): Promise<object> => ({
    items: await deps.store.list(connection.id),
    ...(await deps.sync.reading(connection.id)),
  })
  return {
    async list({ params }: RequestFacts): Promise<Reply> {
      return { status: 200, body: await shown(await findConnection(deps.connections, params.id)) }
    },

    /** Reads them from the provider now. */
    async sync({ params }: RequestFacts): Promise<Reply> {
      const connection = await findConnection(deps.connections, params.id)
      const list = await deps.sync.read(connection)
      if (!list) throw new HttpProblem(409, 'the templates of this provider cannot be listed')
      if ('failure' in list) throw unanswered(list.failure)
      return { status: 200, body: await shown(connection) }
    },

    async verify({ body, caller }: RequestFacts<z.infer<typeof verifySchema>>): Promise<Reply> {
      const connection = await connectionFor(deps, caller, body)
      if (body.reason !== undefined && !deps.reasonKeys.includes(body.reason)) throw noReason(body.reason)
      const wanted = body.reason === undefined ? undefined : wantedFor(deps.catalog, body.reason, body.language)
      const name = body.name === undefined ? { vendorId: body.id ?? '' } : { name: body.name, language: body.language }
      const verdict = await verifyTemplate(deps, connection, name, wanted)
      if (!verdict.asked) throw verdict.failure ? unanswered(verdict.failure) : cannotBeAsked
      const problems = verdict.misfits.map(({ text, fix }) => ({ text, fix }))
      // Of the platform's templates nobody else sees more than whether they fit.
      const isOwn = connection.accountId === body.accountId
      const template = isOwn ? (verdict.template ?? null) : undefined
      return { status: 200, body: { ok: problems.length === 0, problems, ...(isOwn ? { template } : {}) } }
    },

    async register({ params, body }: RequestFacts<z.infer<typeof registerSchema>>): Promise<Reply> {
      const connection = await findConnection(deps.connections, params.id)
      const languages = body.languages ?? (await deps.settings.get(connection.accountId)).languages
      const results = await registerBuiltIns(deps.adapter(connection.provider), deps.catalog, connection, languages)
      if (!results) throw new HttpProblem(409, 'this provider keeps no templates that could be registered')
      // The registry shows at once what the provider made of them.
      await deps.sync.read(connection)
      const items = results.map(({ name, language: of, registration }) => ({
        name,
        language: of,
        result: registration.result,
        ...(registration.result === 'registered' ? { status: registration.status } : {}),
        ...(registration.result === 'refused' ? { detail: wordsOf(registration.failure) } : {}),
      }))
      return { status: 200, body: { items } }
    },
  }
}

const cannotBeAsked = new HttpProblem(409, 'the templates of this provider cannot be listed')

const noReason = (reason: string) =>
  new HttpProblem(400, 'the body is not valid', { errors: [{ path: 'reason', message: `${reason} is no reason` }] })

const wordsOf = ({ code, detail }: Failure): string =>
  [failureKind(code).text, detail && `The provider says: ${detail}`].filter(Boolean).join(' ')

/** Not reached or busy: it may be asked again; anything else has to be mended first. */
export function unanswered(failure: Failure, more = ''): HttpProblem {
  const isPassing = ['not_sent_retry', 'throttled', 'in_doubt'].includes(failureKind(failure.code).class)
  const detail = `The templates could not be read from the provider. ${wordsOf(failure)}${more && ` ${more}`}`
  return new HttpProblem(isPassing ? 503 : 422, detail)
}

/** @throws {HttpProblem} 422 when the account may not use it; 400 when it has none */
async function connectionFor(
  deps: TemplateHandlerDeps,
  caller: Caller,
  { accountId, connectionId }: { readonly accountId: number; readonly connectionId?: string | undefined },
): Promise<Connection> {
  const settings: AccountSettings = await deps.settings.get(accountId)
  const naming = { caller, accountId, present: settings.connectionId }
  if (connectionId !== undefined) await assertUsable(deps, naming, connectionId, 'connectionId')
  const id = connectionId === undefined ? settings.connectionId : Number(connectionId)
  const connection = id === undefined ? await deps.platformConnection() : await deps.connections.get(id)
  if (connection && connection.state !== 'deleted') return connection
  const errors = [{ path: 'connectionId', message: 'the account has no connection to verify it at' }]
  throw new HttpProblem(400, 'the body is not valid', { errors })
}
