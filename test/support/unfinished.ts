/** What is left to do in the rows, and how the silence after which a doubt is decided is made to pass. */

import type { Database } from '../../src/core/storage/database.ts'

const work: Readonly<Record<string, string>> = {
  'messages that wait or are being sent': "wa_outgoing_messages WHERE state IN ('queued', 'waiting', 'sending')",
  'reports to apply': 'wa_dlr_messages WHERE due_at IS NOT NULL',
  'replies to apply': 'wa_customer_reply_messages WHERE due_at IS NOT NULL',
  'decisions to push': 'ndr_actions WHERE due_at IS NOT NULL',
  'activity events that wait for order details': 'activity_waiting',
  'activity events to publish': 'activity_events WHERE due_at IS NOT NULL',
}

/** One line per kind of work of which something is left; doubts are not among them. */
export async function unfinished(database: Database): Promise<string[]> {
  const counts = await Promise.all(
    Object.entries(work).map(async ([name, from]) => ({ name, n: await countRows(database, from) })),
  )
  return counts.filter(({ n }) => n > 0).map(({ name, n }) => `${n} ${name}`)
}

/** @param from table and condition, as after SQL's FROM */
export async function countRows(database: Database, from: string): Promise<number> {
  const [row] = await database.select<{ n: number }>(`SELECT COUNT(*) AS n FROM ${from}`)
  return Number(row?.n ?? 0)
}

export const inDoubt = "wa_outgoing_messages WHERE state = 'in_doubt'"

/**
 * Moves the attempts in doubt half an hour into the past and makes them due, so that the gateway itself decides about
 * them. Only for when every report of them that will come has been applied.
 */
export async function ageDoubts(database: Database): Promise<void> {
  // Each of its own, as the gateway works on the same rows: one that loses a deadlock is repeated.
  const write = (sql: string) => database.transaction((tx) => tx.write(sql))
  await write(
    `UPDATE wa_send_attempts SET started_at = started_at - INTERVAL 30 MINUTE
     WHERE wa_outgoing_message_id IN (SELECT id FROM ${inDoubt})`,
  )
  await write(
    `UPDATE wa_outgoing_messages SET due_at = UTC_TIMESTAMP(3), updated_at = updated_at WHERE state = 'in_doubt'`,
  )
}
