/** Keys of clients: made, listed, revoked. A key itself is shown once, by the answer that makes it. */

import { z } from 'zod'
import {
  type ApiKey,
  type ApiKeyDraft,
  type ApiKeyFilter,
  type ApiKeys,
  scopes,
  stateOf,
  TooManyKeysError,
} from '../../core/accounts/api-keys.ts'
import { actorOf, type Caller, hasScope } from '../caller.ts'
import { HttpProblem, notFound } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'
import { rowId } from '../steps/validate.ts'

export interface ApiKeyHandlerDeps {
  readonly apiKeys: ApiKeys
  readonly now: () => Date
}

export const apiKeySchema = z.strictObject({
  accountId: z.int().positive().max(2_147_483_647),
  name: z.string().trim().min(1).max(128),
  scopes: z.array(z.enum(scopes)).min(1).transform(inOrder),
  /** ISO 8601, UTC; absent = until it is revoked. */
  expiresAt: z.iso
    .datetime()
    .transform((text) => new Date(text))
    .nullable()
    .default(null),
})

export const createApiKeyHandlers = ({ apiKeys, now }: ApiKeyHandlerDeps) => ({
  async post({ body, caller }: RequestFacts<ApiKeyDraft>): Promise<Reply> {
    if (body.expiresAt && body.expiresAt <= now()) throw invalid('expiresAt', 'is over already')
    const draft = withinOwn(caller, body)
    const { apiKey, key } = await apiKeys.create(draft, actorOf(caller)).catch((error: unknown) => {
      if (error instanceof TooManyKeysError) throw new HttpProblem(409, error.message)
      throw error
    })
    return { status: 201, body: { ...shown(apiKey, now()), key }, headers: { 'cache-control': 'no-store' } }
  },

  async list({ query }: RequestFacts<undefined, ApiKeyFilter>): Promise<Reply> {
    const found = await apiKeys.list(query)
    const next = found.length === query.limit ? String(found.at(-1)?.id) : null
    return { status: 200, body: { items: found.map((apiKey) => shown(apiKey, now())), next } }
  },

  async revoke({ params, caller }: RequestFacts): Promise<Reply> {
    const id = rowId(params.id)
    if (id === undefined || !(await apiKeys.revoke(id, actorOf(caller)))) throw notFound('API key')
    const stillActive = (await apiKeys.activeDescendants(id)).map((apiKey) => shown(apiKey, now()))
    return { status: 200, body: { id: String(id), state: 'revoked', stillActive } }
  },
})

const invalid = (path: string, message: string) =>
  new HttpProblem(400, 'the body is not valid', { errors: [{ path, message }] })

/** Nobody makes a key that may more, or lives longer, than the one that they hold. */
function withinOwn(caller: Caller, draft: ApiKeyDraft): ApiKeyDraft {
  const beyond = draft.scopes.filter((scope) => !hasScope(caller, scope))
  if (beyond.length > 0) throw new HttpProblem(403, `the key lacks the scope ${beyond.join(', ')} itself`)
  const end = caller.kind === 'client' ? caller.apiKey.expiresAt : null
  const isLonger = end !== null && (draft.expiresAt === null || draft.expiresAt > end)
  return isLonger ? { ...draft, expiresAt: end } : draft
}

function inOrder<T extends (typeof scopes)[number]>(given: readonly T[]): T[] {
  return scopes.filter((scope): scope is T => (given as readonly string[]).includes(scope))
}

const shown = (apiKey: ApiKey, at: Date): object => ({ ...apiKey, id: String(apiKey.id), state: stateOf(apiKey, at) })
