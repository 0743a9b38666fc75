import type { OwnedThing, OwnerOf } from '../../core/accounts/owners.ts'
import { accountOf, type Caller } from '../caller.ts'
import { HttpProblem, notFound } from '../problem.ts'
import type { RequestFacts, Tenant } from '../route.ts'
import { rowId } from './validate.ts'

/** A request as it was validated. */
type Request = RequestFacts<unknown, Readonly<Record<string, unknown>>>

/**
 * Resolves with the request as its handler may have it: about the caller's account and no other.
 * @throws {HttpProblem} 404 where it is about another one, in the very words for what does not exist
 */
export type CheckTenant = (tenant: Tenant, request: Request) => Promise<Request>

/** Makes the one step that keeps clients apart. The administrator passes it unchanged. */
export function createCheckTenant(ownerOf: OwnerOf): CheckTenant {
  return async (tenant, request) => {
    const account = accountOf(request.caller)
    if (account === undefined) return request
    switch (tenant) {
      case 'shared':
        return request
      case 'filter':
        if ((request.query.accountId ?? account) !== account) throw notFound('account')
        return { ...request, query: { ...request.query, accountId: account } }
      case 'path':
        if (Number(request.params.accountId) !== account) throw notFound('account')
        return request
      case 'body':
        if ((request.body as { accountId?: unknown }).accountId !== account) throw notFound('account')
        return request
      default:
        await assertOwner(ownerOf, tenant, request.params.id, account)
        return request
    }
  }
}

async function assertOwner(ownerOf: OwnerOf, thing: OwnedThing, id: string | undefined, account: number) {
  const row = rowId(id)
  if (row === undefined || (await ownerOf(thing, row)) !== account) throw notFound(thing)
}

/** Fields that an account does not decide about itself. @throws {HttpProblem} 403 when a client gives one */
export function checkReserved(reserved: readonly string[], caller: Caller, body: unknown): void {
  if (caller.kind !== 'client' || typeof body !== 'object' || body === null) return
  const given = reserved.filter((name) => (body as Record<string, unknown>)[name] !== undefined)
  if (given.length === 0) return
  const errors = given.map((path) => ({ path, message: 'is set by the administrator only' }))
  throw new HttpProblem(403, 'the body sets what only the administrator may set', { errors })
}
