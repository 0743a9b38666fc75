/** Brings the tables of `DATABASE_URL` up to date. */

import { openDatabase } from './core/storage/database.ts'
import { laterMigrations, migrate } from './core/storage/migrate.ts'
import { makeFolder } from './core/storage/sqlite/folder.ts'
import { loadDotEnv, readEnv } from './env.ts'

/** Building an index on a large table takes its time. */
const migrationMs = 3_600_000

loadDotEnv()
const { DATABASE_URL: url } = readEnv(process.env)
makeFolder(url)
const database = openDatabase({ url, queryMs: migrationMs, silenceS: migrationMs / 1_000 })
const done = await migrate(database)
const later = await laterMigrations(database)
await database.close()
process.stdout.write(done.length > 0 ? `applied: ${done.join(', ')}\n` : 'nothing to do\n')
if (later.length > 0)
  process.stdout.write(`a later version has migrated this database, and this one works with it: ${later.join(', ')}\n`)
