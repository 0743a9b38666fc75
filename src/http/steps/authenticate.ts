import { createHash, timingSafeEqual } from 'node:crypto'
import type { ApiKeys } from '../../core/accounts/api-keys.ts'
import { type Caller, hasScope } from '../caller.ts'
import { HttpProblem } from '../problem.ts'
import type { Auth } from '../route.ts'

/** Tells who calls. @throws {HttpProblem} 401 when nobody who is known, 403 when nobody who may */
export type Authenticate = (auth: Auth, authorization: string | undefined) => Promise<Caller>

export interface AuthenticateDeps {
  readonly adminKey: string
  readonly apiKeys: Pick<ApiKeys, 'check'>
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Compares secrets without telling by time how much of them agrees; digests, since lengths may differ. */
export const constantTimeEqual = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))

/** Makes the step that checks who calls. */
export function createAuthenticate({ adminKey, apiKeys }: AuthenticateDeps): Authenticate {
  const callerOf = async (key: string): Promise<Caller> => {
    // An empty key, such as a file that was cut short gives, must not be met by sending none.
    if (key !== '' && constantTimeEqual(key, adminKey)) return { kind: 'admin' }
    const apiKey = await apiKeys.check(key)
    if (!apiKey) throw new HttpProblem(401, 'a valid bearer key is needed')
    return { kind: 'client', apiKey }
  }
  return async (auth, authorization = '') => {
    if (auth === 'public' || auth === 'provider') return { kind: 'nobody' }
    const [, key = ''] = /^Bearer (\S+)$/i.exec(authorization) ?? []
    const caller = await callerOf(key)
    if (auth === 'admin' && caller.kind !== 'admin') throw new HttpProblem(403, "the administrator's key is needed")
    if (auth !== 'admin' && !hasScope(caller, auth)) throw new HttpProblem(403, `the key lacks the scope ${auth}`)
    return caller
  }
}
