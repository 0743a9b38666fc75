import type { Executor } from '../storage/database.ts'
import { selectIn } from '../storage/rows.ts'

/**
 * `message/connection` of the attempts that were made: a message that went on through another connection may be reported
 * and answered through both.
 */
export async function earlierConnections(tx: Executor, ids: readonly number[]): Promise<ReadonlySet<string>> {
  const head = 'SELECT wa_outgoing_message_id AS id, connection_id AS connection FROM wa_send_attempts'
  const rows = await selectIn<{ id: number; connection: number }>(tx, `${head} WHERE wa_outgoing_message_id`, ids)
  return new Set(rows.map(({ id, connection }) => `${Number(id)}/${Number(connection)}`))
}
