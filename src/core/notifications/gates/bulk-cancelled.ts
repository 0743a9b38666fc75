/** A bulk may be cancelled while its lines still come in: nothing of it goes out from then on. */

import { cancelledCode, readCancelled } from '../../bulks/cancelled.ts'
import type { Gate } from './gate.ts'

/** @param forUpdate holds the bulk, so that a cancellation comes wholly before the group or wholly after it */
export const bulkCancelled = (forUpdate: string): Gate => ({
  async refuse(tx, messages) {
    const cancelled = await readCancelled(
      tx,
      messages.map(({ bulkId }) => bulkId),
      forUpdate,
    )
    return messages.map(({ bulkId }) =>
      bulkId !== undefined && cancelled.has(bulkId)
        ? { code: cancelledCode, detail: 'its bulk was cancelled' }
        : undefined,
    )
  },
})
