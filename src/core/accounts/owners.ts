/** Whose a thing is that the API names by its id. */

import type { Database } from '../storage/database.ts'

/** Thing, in the words of the API -> its table. */
const tables = {
  message: 'wa_outgoing_messages',
  connection: 'wa_connections',
  action: 'ndr_actions',
  bulk: 'message_bulks',
  'rejected event': 'rejected_events',
  'API key': 'api_keys',
} as const

export type OwnedThing = keyof typeof tables

/** Resolves with the account that it belongs to; undefined when there is no such thing, or nobody's. */
export type OwnerOf = (thing: OwnedThing, id: number) => Promise<number | undefined>

export const createOwnerOf =
  (database: Database): OwnerOf =>
  async (thing, id) => {
    const sql = `SELECT account_id FROM ${tables[thing]} WHERE id = $1`
    const [row] = await database.select<{ account_id: number | null }>(sql, [id])
    return row?.account_id ?? undefined
  }
