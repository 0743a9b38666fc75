/** What a version after this one may have done to the tables: one more migration, which expands. */

import type { Database } from '../../src/core/storage/database.ts'

export const laterMigration = '999-of-a-later-version'

/** Tables that every message and every report writes to. */
const hotTables = ['wa_outgoing_messages', 'wa_send_attempts', 'wa_dlr_messages', 'activity_events', 'wa_conversations']

export async function expandTables(database: Database): Promise<void> {
  for (const table of hotTables) {
    await database.write(`ALTER TABLE ${table} ADD COLUMN later_note VARCHAR(64)`)
    await database.write(`ALTER TABLE ${table} ADD COLUMN later_count INTEGER NOT NULL DEFAULT 0`)
    await database.write(`CREATE INDEX ${table}_later ON ${table} (later_count, id)`)
  }
  await database.write('CREATE TABLE later_things (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(64) NOT NULL)')
  await database.write('INSERT INTO schema_migrations (name) VALUES ($1)', [laterMigration])
}
