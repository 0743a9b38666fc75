/** Lets the gateway itself make what is copied: rows of a message that is finished, and of one that waits. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { RowDataPacket } from 'mysql2/promise'
import { makeEvent, makeWebhooks } from '../load/bodies.ts'
import { postAll } from '../load/posts.ts'
import { postsOf } from '../phases/webhooks.ts'
import type { Stage } from '../stage.ts'
import type { RunningVariant } from '../variants/variant.ts'
import type { SourceRow } from './copies.ts'

/** Table -> rows of one message. */
export type MessageRows = Readonly<Record<Table, readonly SourceRow[]>>

/** What a message leaves, and how its rows name it. */
const tables = {
  wa_outgoing_messages: 'id',
  wa_send_attempts: 'wa_outgoing_message_id',
  wa_dlr_messages: 'wa_outgoing_message_id',
  activity_events: 'wa_outgoing_message_id',
} as const
export type Table = keyof typeof tables

/** Of the first sender: accepted by the provider, reported as delivered, told of. */
export async function makeFinished(stage: Stage, running: RunningVariant): Promise<MessageRows> {
  const { broker, provider } = stage
  broker.restart()
  await broker.publish([makeEvent(0)])
  await broker.waitFor(1)
  const bodies = makeWebhooks(await provider.taken(), 'delivered')
  broker.restart()
  await postAll(running.webhooks.ports, postsOf(running, bodies), 1)
  await broker.waitFor(1)
  await appears(stage, "SELECT id FROM activity_events WHERE event_sub_type = 'delivered' AND published_at IS NOT NULL")
  return rowsOf(stage, await appears(stage, 'SELECT MAX(id) AS id FROM wa_outgoing_messages HAVING id IS NOT NULL'))
}

/** Of a sender whose connection is paused. */
export async function makeWaiting(stage: Stage, sender: number, connectionId: string): Promise<MessageRows> {
  await stage.broker.publish([makeEvent(sender)])
  const id = await appears(
    stage,
    `SELECT id FROM wa_outgoing_messages WHERE state = 'queued' AND whatsappSenderConnectionId = ${connectionId}`,
  )
  return rowsOf(stage, id)
}

async function rowsOf({ database }: Stage, id: number): Promise<MessageRows> {
  const read = async (table: string, column: string): Promise<SourceRow[]> => {
    const [rows] = await database.query<RowDataPacket[]>(`SELECT * FROM ${table} WHERE ${column} = ? ORDER BY id`, [id])
    return rows
  }
  const found: Partial<Record<Table, readonly SourceRow[]>> = {}
  for (const [table, column] of Object.entries(tables)) found[table as Table] = await read(table, column)
  return found as MessageRows
}

const patienceMs = 60_000

/** Waits for a row; resolves with its id. */
async function appears({ database }: Stage, sql: string): Promise<number> {
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(50)) {
    const [[row]] = await database.query<RowDataPacket[]>(sql)
    if (row) return Number(row.id)
  }
  throw new Error(`nothing came of ${sql}`)
}
