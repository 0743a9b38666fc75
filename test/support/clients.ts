/** Clients: whoever calls the API with a key of an account. */

import { expect } from 'chai'
import { type Scope, scopes } from '../../src/core/accounts/api-keys.ts'
import type { RawAnswer } from './ask.ts'
import { http, type Reachable } from './stories.ts'
import type { Method, World } from './world.ts'

export interface Key {
  readonly id: string
  readonly key: string
  readonly name: string
  readonly prefix: string
  readonly accountId: number
  readonly scopes: readonly Scope[]
  readonly expiresAt: string | null
  readonly lastUsedAt: string | null
  readonly createdBy: string
  readonly state: 'active' | 'expired' | 'revoked'
}

/** A key of an account, with every scope unless told. */
export async function aKey(world: Reachable, accountId: number, changes: object = {}): Promise<Key> {
  const body = { accountId, name: 'Test', scopes, ...changes }
  const answer = await world.call<Key>('POST', '/v1/api-keys', body)
  expect(answer.status, JSON.stringify(answer.body)).to.equal(201)
  return answer.body
}

export const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

/** Calls the API with a key. */
export const withKey = (world: World, key: string, method: Method, path: string, body?: object): Promise<RawAnswer> =>
  http(world, method, path, {
    headers: { ...bearer(key), 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

export const bodyOf = <T = Record<string, unknown>>({ text }: RawAnswer): T => JSON.parse(text) as T
