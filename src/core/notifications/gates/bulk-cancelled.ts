/** A bulk may be cancelled while its lines still come in: nothing of it goes out from then on. */

import { cancelledCode } from '../../bulks/bulk-store.ts'
import { selectIn } from '../../storage/rows.ts'
import type { Gate } from './gate.ts'

/** @param forUpdate holds the bulk, so that a cancellation comes wholly before the group or wholly after it */
export const bulkCancelled = (forUpdate: string): Gate => ({
  async refuse(tx, messages) {
    const ids = [...new Set(messages.flatMap(({ bulkId }) => bulkId ?? []))].sort((a, b) => a - b)
    if (ids.length === 0) return messages.map(() => undefined)
    const head = 'SELECT id, cancelled_at FROM message_bulks WHERE id'
    const rows = await selectIn<{ id: number; cancelled_at: string | null }>(tx, head, ids, forUpdate)
    const cancelled = new Set(rows.filter((row) => row.cancelled_at !== null).map(({ id }) => Number(id)))
    return messages.map(({ bulkId }) =>
      bulkId !== undefined && cancelled.has(bulkId)
        ? { code: cancelledCode, detail: 'its bulk was cancelled' }
        : undefined,
    )
  },
})
