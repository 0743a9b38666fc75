/** Bulks that were cancelled, and how a message that is not sent because of that tells it. */

import type { Executor } from '../storage/database.ts'
import { selectIn } from '../storage/rows.ts'
import { fromSqlTime } from '../storage/time.ts'

/** The code by which a message tells that it was cancelled. */
export const cancelledCode = 'cancelled'
export const whyCancelled = 'its bulk was cancelled before it could be sent'

/** The bulk that a message belongs to, by its whole key; undefined: to none. */
export function bulkOfKey(idempotencyKey: string): number | undefined {
  const [, id] = /^agent:\d+:bulk:(\d+):/.exec(idempotencyKey) ?? []
  return id === undefined ? undefined : Number(id)
}

/**
 * When these bulks were cancelled; those that were not are left out.
 * @param tail e.g. {@link Database.forUpdate}
 */
export async function readCancelled(
  tx: Executor,
  bulkIds: readonly (number | undefined)[],
  tail = '',
): Promise<Map<number, Date>> {
  const ids = [...new Set(bulkIds.flatMap((id) => id ?? []))].sort((a, b) => a - b)
  const head = 'SELECT id, cancelled_at FROM message_bulks WHERE id'
  const rows = await selectIn<{ id: number; cancelled_at: string | null }>(tx, head, ids, tail)
  return new Map(
    rows.flatMap(({ id, cancelled_at }) => {
      const at = fromSqlTime(cancelled_at)
      return at ? [[Number(id), at] as const] : []
    }),
  )
}
