/** What a variant runs on: a database each, one virtual host, one provider; everything goes away afterwards. */

import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'amqplib'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import { openVhost } from '../scripts/services/vhost.ts'
import type { Services } from '../scripts/services.ts'
import { declareTopology } from '../src/consumers/broker.ts'
import { pidOfListener } from './cpu.ts'
import { type BrokerEnds, openBrokerEnds } from './load/broker.ts'
import type { Options, VariantName } from './options.ts'
import { results } from './programs.ts'
import { type Provider, startProvider } from './provider/provider.ts'

export interface Stage {
  readonly options: Options
  /** For log files. */
  readonly folder: string
  readonly databaseUrls: Readonly<Record<VariantName, string>>
  /** The gateway's database, for what no API does. */
  readonly database: Connection
  /** One more connection to it. */
  connect(): Promise<Connection>
  /** Of the embedded gateway. */
  readonly sqliteFile: string
  readonly amqpUrl: string
  readonly broker: BrokerEnds
  readonly provider: Provider
  readonly pids: { readonly database: number | undefined; readonly broker: number | undefined }
  /** Statements that the database server has executed for its clients. */
  statements(): Promise<number>
  /** What decides how much a commit costs. */
  readonly durability: string
  close(): Promise<void>
}

export type OpenStage = (options: Options) => Promise<Stage>

type Cleanup = () => Promise<unknown>

/**
 * Builds a stage; what was built is taken down again when a later part fails.
 * @param onClose told, before anything is built, what takes it down
 */
export async function openStage(
  options: Options,
  services: Services,
  onClose: (close: () => Promise<void>) => void,
): Promise<Stage> {
  const cleanups: Cleanup[] = []
  const takeDown = async () => {
    for (const cleanup of cleanups.reverse()) await cleanup().catch((error) => console.error(String(error)))
  }
  let closing: Promise<void> | undefined
  /** An interruption fails the work under way, which then closes too: both wait for the same end. */
  const close = () => {
    closing ??= takeDown()
    return closing
  }
  onClose(close)
  try {
    return await build(options, services, cleanups, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function build(
  options: Options,
  services: Services,
  cleanups: Cleanup[],
  close: () => Promise<void>,
): Promise<Stage> {
  const id = `fdr_bench_${randomBytes(3).toString('hex')}`
  const folder = makeFolder(tmpdir(), cleanups)
  const admin = await mysql.createConnection(`${services.mysqlUrl}/`)
  cleanups.push(() => admin.end())
  const vhost = await openVhost(services, id, console.log)
  cleanups.push(vhost.drop)
  const databaseUrls = {
    gateway: await createDatabase(admin, services.mysqlUrl, `${id}_gateway`, cleanups),
    floor: await createDatabase(admin, services.mysqlUrl, `${id}_floor`, cleanups),
  }
  const connect = () => connectTo(databaseUrls.gateway, admin, cleanups)
  const database = await connect()
  await declare(vhost.url)
  const broker = await openBrokerEnds(vhost.url)
  cleanups.push(broker.close)
  const provider = await startProvider(options, folder)
  cleanups.push(provider.stop)
  return {
    options,
    folder,
    databaseUrls,
    database,
    connect,
    // Temporary files may be in memory.
    sqliteFile: join(makeFolder(results, cleanups), 'gateway.sqlite'),
    amqpUrl: vhost.url,
    broker,
    provider,
    pids: { database: listenerOf(services.mysqlUrl, 3306), broker: listenerOf(services.amqpUrl, 5672) },
    statements: () => statementsOf(admin),
    durability: await durabilityOf(admin),
    close,
  }
}

function makeFolder(parent: string, cleanups: Cleanup[]): string {
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'fdr-bench-'))
  cleanups.push(async () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function createDatabase(admin: Connection, server: string, name: string, cleanups: Cleanup[]): Promise<string> {
  await admin.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`)
  cleanups.push(() => admin.query(`DROP DATABASE ${name}`))
  return `${server}/${name}`
}

async function connectTo(uri: string, admin: Connection, cleanups: Cleanup[]): Promise<Connection> {
  const connection = await mysql.createConnection({ uri, dateStrings: true, timezone: 'Z' })
  connection.on('error', () => {})
  // Whatever it is at may take long, and nobody waits for it any more.
  cleanups.push(() => admin.query(`KILL ${connection.threadId}`))
  return connection
}

async function declare(url: string): Promise<void> {
  const connection = await connect(url)
  await declareTopology(connection)
  await connection.close()
}

const listenerOf = (url: string, defaultPort: number) => pidOfListener(Number(new URL(url).port || defaultPort))

async function statementsOf(admin: Connection): Promise<number> {
  const [rows] = await admin.query<RowDataPacket[]>("SHOW GLOBAL STATUS LIKE 'Questions'")
  return Number(rows[0]?.Value)
}

/** A throw-away server of ours is set to what production has; one that is not ours is taken as it is. */
async function durabilityOf(admin: Connection): Promise<string> {
  if (process.env.TEST_SERVICES === 'private') await admin.query('SET GLOBAL innodb_flush_log_at_trx_commit = 1')
  const [rows] = await admin.query<RowDataPacket[]>(
    'SELECT VERSION() AS version, @@innodb_flush_log_at_trx_commit AS flushed, @@log_bin AS binlog',
  )
  const row = rows[0]
  return `${row?.version}, innodb_flush_log_at_trx_commit=${row?.flushed}, log_bin=${row?.binlog}`
}
