/**
 * When a connection's webhooks last proved themselves, and when one last did not: by that an app secret shows whether it
 * is right. All that a forged webhook ever changes is one time in one row, at most once a minute.
 */

import { LRUCache } from 'lru-cache'
import type { Connection } from '../accounts/connections.ts'
import type { Database } from '../storage/database.ts'
import { insertRows } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'

export type WebhookNote = 'accepted' | 'refused'

export interface WebhookTimes {
  readonly acceptedAt: Date | undefined
  readonly refusedAt: Date | undefined
}

export interface WebhookNotes {
  /** Those of the connections whose note is due: written never, a minute ago, or with other credentials. */
  due(connections: readonly Connection[], note: WebhookNote): readonly Connection[]
  /** Writes the time down; best effort. */
  write(connections: readonly Connection[], note: WebhookNote): Promise<void>
  get(connectionId: number): Promise<WebhookTimes>
  /** New credentials have proved nothing yet. */
  forget(connectionId: number): Promise<void>
}

const noteEveryMs = 60_000

export function createWebhookNotes(database: Database, now: () => Date): WebhookNotes {
  const written = new LRUCache<string, { readonly atMs: number; readonly credentials: string }>({ max: 20_000 })
  const keyOf = ({ id }: Connection, note: WebhookNote) => `${id}/${note}`
  const isDue = (connection: Connection, note: WebhookNote) => {
    const last = written.get(keyOf(connection, note))
    if (!last || performance.now() - last.atMs >= noteEveryMs) return true
    return last.credentials !== JSON.stringify(connection.credentials)
  }
  return {
    due: (connections, note) => connections.filter((connection) => isDue(connection, note)),
    async write(connections, note) {
      for (const connection of connections) {
        // First, so that a flood waits for no answer of the database to be over.
        const credentials = JSON.stringify(connection.credentials)
        written.set(keyOf(connection, note), { atMs: performance.now(), credentials })
        await writeTime(database, connection.id, note, now())
      }
    },
    async get(connectionId) {
      const [row] = await database.select<{ accepted_at: string | null; refused_at: string | null }>(
        'SELECT accepted_at, refused_at FROM wa_webhook_notes WHERE connection_id = $1',
        [connectionId],
      )
      return {
        acceptedAt: fromSqlTime(row?.accepted_at ?? null) ?? undefined,
        refusedAt: fromSqlTime(row?.refused_at ?? null) ?? undefined,
      }
    },
    async forget(connectionId) {
      await database.write('DELETE FROM wa_webhook_notes WHERE connection_id = $1', [connectionId])
    },
  }
}

async function writeTime(database: Database, connectionId: number, note: WebhookNote, now: Date): Promise<void> {
  const column = note === 'accepted' ? 'accepted_at' : 'refused_at'
  const update = `UPDATE wa_webhook_notes SET ${column} = $2 WHERE connection_id = $1`
  if ((await database.write(update, [connectionId, sqlTime(now)])) > 0) return
  await insertRows(
    database,
    'wa_webhook_notes',
    [{ connection_id: connectionId, [column]: sqlTime(now) }],
    database.keepExisting,
  )
}
