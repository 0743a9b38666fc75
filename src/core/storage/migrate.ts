/** Brings the tables up to date; safe to run from several processes at once. */

import { type QueryInterface, QueryTypes, type Sequelize, type Transaction } from 'sequelize'
import { type InputMigrations, SequelizeStorage, Umzug } from 'umzug'
import type { Database } from './database.ts'
import { isLocked, isTableMissing } from './database-errors.ts'
import * as firstTables from './migrations/001-first-tables.ts'
import * as doubtsAndPauses from './migrations/002-doubts-and-pauses.ts'
import * as newsAndPricing from './migrations/003-news-and-pricing.ts'
import * as contacts from './migrations/004-contacts.ts'
import * as decisionsAndClicks from './migrations/005-decisions-and-clicks.ts'
import * as orderedActivity from './migrations/006-ordered-activity.ts'
import * as mappedProviders from './migrations/007-mapped-providers.ts'
import * as apiKeys from './migrations/008-api-keys.ts'
import * as shipmentEnds from './migrations/010-shipment-ends.ts'
import * as doctorAndTemplates from './migrations/011-doctor-and-templates.ts'
import * as templatesDue from './migrations/012-templates-due.ts'
import * as integrationEngine from './migrations/013-integration-engine.ts'
import * as timeOfEnds from './migrations/014-time-of-ends.ts'
import * as consents from './migrations/015-consents.ts'
import * as quietHoursAndGuards from './migrations/016-quiet-hours-and-guards.ts'
import * as stats from './migrations/017-stats.ts'
import * as agentMessages from './migrations/018-agent-messages.ts'
import * as provedNumbers from './migrations/019-proved-numbers.ts'
import * as retentionAndErasure from './migrations/020-retention-and-erasure.ts'
import * as unhinderedClearing from './migrations/021-unhindered-clearing.ts'

const migrations = [
  { name: '001-first-tables', up: ({ context }) => firstTables.up(context) },
  { name: '002-doubts-and-pauses', up: ({ context }) => doubtsAndPauses.up(context) },
  { name: '003-news-and-pricing', up: ({ context }) => newsAndPricing.up(context) },
  { name: '004-contacts', up: ({ context }) => contacts.up(context) },
  { name: '005-decisions-and-clicks', up: ({ context }) => decisionsAndClicks.up(context) },
  { name: '006-ordered-activity', up: ({ context }) => orderedActivity.up(context) },
  { name: '007-mapped-providers', up: ({ context }) => mappedProviders.up(context) },
  { name: '008-api-keys', up: ({ context }) => apiKeys.up(context) },
  { name: '010-shipment-ends', up: ({ context }) => shipmentEnds.up(context) },
  { name: '011-doctor-and-templates', up: ({ context }) => doctorAndTemplates.up(context) },
  { name: '012-templates-due', up: ({ context }) => templatesDue.up(context) },
  { name: '013-integration-engine', up: ({ context }) => integrationEngine.up(context) },
  { name: '014-time-of-ends', up: ({ context }) => timeOfEnds.up(context) },
  { name: '015-consents', up: ({ context }) => consents.up(context) },
  { name: '016-quiet-hours-and-guards', up: ({ context }) => quietHoursAndGuards.up(context) },
  { name: '017-stats', up: ({ context }) => stats.up(context) },
  { name: '018-agent-messages', up: ({ context }) => agentMessages.up(context) },
  { name: '019-proved-numbers', up: ({ context }) => provedNumbers.up(context) },
  { name: '020-retention-and-erasure', up: ({ context }) => retentionAndErasure.up(context) },
  { name: '021-unhindered-clearing', up: ({ context }) => unhinderedClearing.up(context) },
] satisfies InputMigrations<QueryInterface>

/** Named locks belong to the whole server: another installation's database on it has its own. */
const lockName = `CONCAT('fdr_gateway_migrate_', MD5(DATABASE()))`
/** Waited for in parts, each shorter than the deadline of a statement. */
const lockWaitSeconds = 5
const lockTries = 12
const busy = 'another process has been migrating for a minute; try again when it is done'

/** Runs what is pending and resolves with the names of the migrations that ran. */
export async function migrate(database: Database): Promise<string[]> {
  const umzug = new Umzug({
    migrations,
    context: database.sequelize.getQueryInterface(),
    storage: new SequelizeStorage({ sequelize: database.sequelize, modelName: 'schema_migrations' }),
    logger: undefined,
  })
  const run = async () => (await umzug.up()).map((migration) => migration.name)
  return database.dialect === 'mysql' ? alone(database, run) : inOneTransaction(database, run)
}

/** Names of migrations that a later version ran; this version neither knows nor minds what they added. */
export async function laterMigrations(database: Database): Promise<string[]> {
  const known = new Set(namesOf(migrations))
  return (await appliedNames(database)).filter((name) => !known.has(name)).sort()
}

export class MigrationsPendingError extends Error {
  override readonly name = 'MigrationsPendingError'
}

/**
 * Changes nothing.
 * @throws {MigrationsPendingError} where the tables are not there, or older than this version
 */
export async function requireMigrated(database: Database): Promise<void> {
  const applied = new Set(await appliedNames(database))
  const pending = namesOf(migrations).filter((name) => !applied.has(name))
  if (pending.length === 0) return
  const what = applied.size === 0 ? 'has no tables yet' : `lacks ${pending.join(', ')}`
  throw new MigrationsPendingError(`The database ${what}: run \`npm run migrate\` with the same DATABASE_URL first.`)
}

async function appliedNames(database: Database): Promise<string[]> {
  const rows = await database.select<{ name: string }>('SELECT name FROM schema_migrations').catch((error) => {
    if (isTableMissing(error)) return []
    throw error
  })
  return namesOf(rows)
}

const namesOf = (named: readonly { readonly name: string }[]): string[] => named.map(({ name }) => name)

/**
 * SQLite has no named locks, but changes of tables are part of a transaction: whoever else migrates waits for its end,
 * and one that is cut off leaves nothing. Statements outside of Sequelize's own transactions share one connection, so
 * they are all in it.
 */
async function inOneTransaction<T>({ sequelize }: Database, work: () => Promise<T>): Promise<T> {
  await begin(sequelize)
  try {
    const result = await work()
    await sequelize.query('COMMIT')
    return result
  } catch (error) {
    await sequelize.query('ROLLBACK')
    throw error
  }
}

/** Each try waits for the ten seconds that the driver gives a statement. */
const beginTries = 6

async function begin(sequelize: Sequelize): Promise<void> {
  for (let tries = 0; tries < beginTries; tries++) {
    try {
      await sequelize.query('BEGIN IMMEDIATE')
      return
    } catch (error) {
      if (!isLocked(error)) throw error
    }
  }
  throw new Error(busy)
}

/** Two migrators at once would both create the same index; a named lock lets the second one find nothing to do. */
async function alone<T>(database: Database, work: () => Promise<T>): Promise<T> {
  // The lock belongs to the transaction's connection and is let go with it, whatever happens.
  return database.sequelize.transaction(async (transaction) => {
    if (!(await getLock(database, transaction))) throw new Error(busy)
    try {
      return await work()
    } finally {
      await database.sequelize.query(`SELECT RELEASE_LOCK(${lockName})`, { transaction })
    }
  })
}

async function getLock({ sequelize }: Database, transaction: Transaction): Promise<boolean> {
  for (let tries = 0; tries < lockTries; tries++) {
    const [lock] = await sequelize.query<{ got: number | null }>(
      `SELECT GET_LOCK(${lockName}, ${lockWaitSeconds}) AS got`,
      { transaction, type: QueryTypes.SELECT },
    )
    if (lock?.got === 1) return true
  }
  return false
}
