/** Who calls, as far as their key tells. */

import type { ApiKey, Scope } from '../core/accounts/api-keys.ts'

export type Caller =
  /** Of a route that asks for no key. */
  { readonly kind: 'nobody' } | { readonly kind: 'admin' } | { readonly kind: 'client'; readonly apiKey: ApiKey }

/** As the audit names them. */
export const actorOf = (caller: Caller): string => (caller.kind === 'client' ? caller.apiKey.prefix : caller.kind)

/** The account that the caller is bound to; undefined for whoever is bound to none. */
export const accountOf = (caller: Caller): number | undefined =>
  caller.kind === 'client' ? caller.apiKey.accountId : undefined

export const hasScope = (caller: Caller, scope: Scope): boolean =>
  caller.kind === 'admin' || (caller.kind === 'client' && caller.apiKey.scopes.includes(scope))
