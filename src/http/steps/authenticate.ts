import { createHash, timingSafeEqual } from 'node:crypto'
import { HttpProblem } from '../problem.ts'
import type { Auth } from '../route.ts'

export type Authenticate = (auth: Auth, authorization: string | undefined) => void

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Compares secrets without telling by time how much of them agrees; digests, since lengths may differ. */
export const constantTimeEqual = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))

/** Makes the step that checks who calls. */
export function createAuthenticate(adminKey: string): Authenticate {
  return (auth, authorization = '') => {
    if (auth !== 'admin') return
    const [, key = ''] = /^Bearer (\S+)$/i.exec(authorization) ?? []
    // An empty key, such as a file that was cut short gives, must not be met by sending none.
    if (key === '' || !constantTimeEqual(key, adminKey)) throw new HttpProblem(401, 'a valid bearer key is needed')
  }
}
