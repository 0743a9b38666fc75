import type { Database, Executor } from '../storage/database.ts'
import { updateWhereIn } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import { rank } from './outgoing-message.ts'

/** Rows in one transaction: it holds them, and reports and claims wait meanwhile. */
const groupSize = 500
/** Groups at one time; what is left is ended at the next. */
const mostGroups = 20

/**
 * Nothing will leave through the connection any more: what waits for it is out of time at once, with the reason, and is
 * ended as such messages are. What may have been taken is a doubt, or one again.
 */
export async function endWaiting(database: Database, connectionId: number, now: Date): Promise<void> {
  for (let group = 0; group < mostGroups; group++) {
    const count = await database.transaction((tx) => endGroup(database, tx, connectionId, now))
    if (count < groupSize) return
  }
}

async function endGroup(database: Database, tx: Executor, connectionId: number, now: Date): Promise<number> {
  // Held in the order of ids, as everywhere.
  const waiting = await tx.select<{ id: number; mark: number }>(
    `SELECT id, possible_duplicate AS mark FROM wa_outgoing_messages
     WHERE whatsappSenderConnectionId = $1 AND state IN ('queued', 'waiting') AND (expires_at IS NULL OR expires_at > $2)
     ORDER BY id LIMIT ${groupSize}${database.forUpdate}`,
    [connectionId, sqlTime(now)],
  )
  const ids = (isMarked: boolean) => waiting.filter(({ mark }) => (Number(mark) === 1) === isMarked).map(({ id }) => id)
  const [dueAt, table] = [sqlTime(now), 'wa_outgoing_messages']
  const reason = { failure_code: 'connection_deleted', failure_reason: 'the sender connection was deleted' }
  const outOfTime = { due_at: dueAt, expires_at: dueAt, ...reason, updated_at: dueAt }
  const doubtful = { state: 'in_doubt', status_rank: rank.unclear, due_at: dueAt, updated_at: dueAt }
  await updateWhereIn(tx, table, outOfTime, 'id', ids(false))
  await updateWhereIn(tx, table, doubtful, 'id', ids(true))
  return waiting.length
}
