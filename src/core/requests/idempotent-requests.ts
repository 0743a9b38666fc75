/** Requests that callers name by a key of their own: each is worked on once, and answered the same ever after. */

import { randomUUID } from 'node:crypto'
import type { Database } from '../storage/database.ts'
import { insertRows } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'

export interface Answered {
  readonly status: number
  readonly answer: object
}

/** The right to work on a request, until it is answered, released or not renewed for too long. */
export interface Run {
  /** Holds it for another while; nothing happens when somebody else has taken it up. */
  renew(): Promise<void>
  finish(answered: Answered): Promise<void>
  /** It came to nothing, or nobody knows: the same request may be tried again at once, and no other under its key. */
  release(): Promise<void>
}

export type Begun =
  | { readonly state: 'begun'; readonly run: Run }
  /** Somebody works on it. */
  | { readonly state: 'running' }
  /** The key was used for something else. */
  | { readonly state: 'other_request' }
  /** It was answered, and the answer was cleared since: it told of a person. */
  | { readonly state: 'cleared' }
  | ({ readonly state: 'answered' } & Answered)

export interface IdempotentRequests {
  /**
   * @param key unique to caller and request, at most 64 characters
   * @param requestHash tells requests apart, at most 64 characters
   */
  begin(key: string, requestHash: string): Promise<Begun>
  /** Forgets some of those that are old. Resolves with how many. */
  forgetOld(): Promise<number>
}

/** How long a request waits whose process vanished; longer than two renewals. */
const runLeaseMs = 60_000
const keptMs = 48 * 3_600_000
const forgottenAtOnce = 500

interface RequestRow {
  id: number
  request_hash: string
  holder: string
  held_until: string
  status: number | null
  answer: string | null
}

export function createIdempotentRequests(database: Database, now: () => Date): IdempotentRequests {
  const leaseEnd = () => sqlTime(new Date(now().getTime() + runLeaseMs))
  const runOf = (id: number, holder: string): Run => {
    const write = (sql: string, values: readonly (string | number | null)[] = []) =>
      database.write(`${sql} WHERE id = $1 AND holder = $2 AND status IS NULL`, [id, holder, ...values])
    return {
      renew: async () => void (await write('UPDATE idempotent_requests SET held_until = $3', [leaseEnd()])),
      finish: async ({ status, answer }) =>
        void (await write('UPDATE idempotent_requests SET status = $3, answer = $4', [status, JSON.stringify(answer)])),
      release: async () => void (await write('UPDATE idempotent_requests SET held_until = $3', [sqlTime(now())])),
    }
  }
  const takeUp = async ({ id, holder: before }: RequestRow, holder: string): Promise<boolean> => {
    const changed = await database.write(
      `UPDATE idempotent_requests SET holder = $3, held_until = $4
       WHERE id = $1 AND holder = $2 AND status IS NULL AND held_until <= $5`,
      [id, before, holder, leaseEnd(), sqlTime(now())],
    )
    return changed > 0
  }
  return {
    async begin(key, requestHash) {
      const holder = randomUUID()
      const created_at = sqlTime(now())
      const row = { request_key: key, request_hash: requestHash, holder, held_until: leaseEnd(), created_at }
      await insertRows(database, 'idempotent_requests', [row], database.keepExisting)
      const [found] = await database.select<RequestRow>(
        'SELECT id, request_hash, holder, held_until, status, answer FROM idempotent_requests WHERE request_key = $1',
        [key],
      )
      // Forgotten this very moment.
      if (!found) return { state: 'running' }
      if (found.holder === holder) return { state: 'begun', run: runOf(found.id, holder) }
      if (found.request_hash !== requestHash) return { state: 'other_request' }
      if (found.status !== null && found.answer === null) return { state: 'cleared' }
      if (found.status !== null)
        return { state: 'answered', status: found.status, answer: JSON.parse(found.answer ?? '{}') as object }
      if ((fromSqlTime(found.held_until) ?? now()) > now()) return { state: 'running' }
      return (await takeUp(found, holder)) ? { state: 'begun', run: runOf(found.id, holder) } : { state: 'running' }
    },
    async forgetOld() {
      const until = sqlTime(new Date(now().getTime() - keptMs))
      const old = await database.select<{ id: number }>(
        `SELECT id FROM idempotent_requests WHERE created_at < $1 ORDER BY created_at LIMIT ${forgottenAtOnce}`,
        [until],
      )
      for (const { id } of old) await database.write('DELETE FROM idempotent_requests WHERE id = $1', [id])
      return old.length
    },
  }
}
