/** Which replicas live: each one says so now and then, and counts who else did. */

import { randomUUID } from 'node:crypto'
import type { Database } from '../storage/database.ts'
import { insertRows } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'

export interface Replicas {
  /** Says that this one lives, and counts. */
  beat(): Promise<number>
  /** How many share the work, this one included; at least 1. */
  count(): number
  /** The part of each connection's pace that is this one's, above 0 and at most 1. */
  share(): number
  /** Leaves, so that the others need not wait to find out. */
  leave(): Promise<void>
}

/** A replica that was silent for so long does not count any more. */
const liveMs = 10_000
/** Until then the others have counted a newcomer; before it they still use all of the pace. */
const noticedMs = 2_000
const newcomersShare = 0.02
/** One that was silent for so long is forgotten. */
const forgetMs = 3_600_000

export function createReplicas(database: Database, now: () => Date): Replicas {
  const id = randomUUID()
  const since = (ms: number) => sqlTime(new Date(now().getTime() - ms))
  let count = 1
  let joinedAtMs: number | undefined
  const isNew = () => joinedAtMs === undefined || now().getTime() - joinedAtMs < noticedMs
  return {
    async beat() {
      const changed = await database.write('UPDATE gateway_replicas SET seen_at = $2 WHERE replica_id = $1', [
        id,
        sqlTime(now()),
      ])
      if (changed === 0)
        await insertRows(
          database,
          'gateway_replicas',
          [{ replica_id: id, seen_at: sqlTime(now()) }],
          database.keepExisting,
        )
      await database.write('DELETE FROM gateway_replicas WHERE seen_at < $1', [since(forgetMs)])
      const [row] = await database.select<{ live: number }>(
        'SELECT COUNT(*) AS live FROM gateway_replicas WHERE seen_at >= $1',
        [since(liveMs)],
      )
      count = Math.max(1, Number(row?.live ?? 1))
      joinedAtMs ??= now().getTime()
      return count
    },
    count: () => count,
    share: () => (count > 1 && isNew() ? newcomersShare : 1 / count),
    async leave() {
      await database.write('DELETE FROM gateway_replicas WHERE replica_id = $1', [id])
    },
  }
}
