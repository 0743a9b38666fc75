import type { Executor } from '../storage/database.ts'
import { sqlTime } from '../storage/time.ts'

/**
 * Nothing will leave through the connection any more: what waits for it is out of time at once, with the reason, and is
 * ended as such messages are. What is in doubt stays so: it may have been taken.
 */
export async function endWaiting(tx: Executor, connectionId: number, now: Date): Promise<number> {
  const reason = 'the sender connection was deleted'
  return tx.write(
    `UPDATE wa_outgoing_messages SET due_at = $2, expires_at = $2, failure_code = $3, failure_reason = $4
     WHERE whatsappSenderConnectionId = $1 AND state IN ('queued', 'waiting')`,
    [connectionId, sqlTime(now), 'connection_deleted', reason],
  )
}
