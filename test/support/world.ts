/** A gateway with everything around it that it talks to, for tests: real HTTP, a real database, a real broker. */

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import { type App, startApp } from '../../src/app.ts'
import { newKeyRing } from '../../src/core/accounts/secret-box.ts'
import type { ProviderDefinition } from '../../src/core/contract/provider.ts'
import { createLogger, type Logger } from '../../src/core/observe/logger.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { readEnv } from '../../src/env.ts'
import { configDir } from '../../src/paths.ts'
import type { TemplateInput } from '../../src/providers/simulator/inputs.ts'
import { createSimulator, type Simulator } from '../../src/providers/simulator/simulator.ts'
import { checkActivity } from './activity-contract.ts'
import { ask } from './ask.ts'
import { simulatorAccount } from './fixtures.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export type Storage = 'sqlite' | 'mysql'

export interface Answer<T = Record<string, unknown>> {
  readonly status: number
  readonly body: T
}

export interface World {
  readonly url: string
  readonly database: Database
  readonly provider: Simulator
  readonly app: App
  /** Environment of the gateway, to start another process beside it. */
  readonly env: Readonly<Record<string, string>>
  /** Calls the API as the administrator. */
  call<T = Record<string, unknown>>(method: Method, path: string, body?: unknown): Promise<Answer<T>>
  rows<T = Record<string, unknown>>(sql: string): Promise<T[]>
  /** Drops the database, for a test that ends the gateway by itself. */
  dropStorage(): Promise<void>
  close(): Promise<void>
}

export interface WorldOptions {
  readonly storage?: Storage
  readonly env?: Readonly<Record<string, string>>
  readonly simulator?: Parameters<typeof createSimulator>[0]
  readonly now?: () => Date
  /** Default: silent, or as TEST_LOG_LEVEL says. */
  readonly log?: Logger
  /** Default: all of the registry. */
  readonly providers?: readonly ProviderDefinition[]
  /** How the gateway reaches its database, when that is not straight. */
  readonly databaseUrl?: (url: string) => string
  /** Without: accounts 5 and 379 are switched on and the platform's connection exists. */
  readonly isBare?: boolean
}

export const adminKey = 'test-admin-key-000000'

/** Starts simulator and gateway on a database of their own. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const storage = await createStorage(options.storage ?? 'sqlite')
  const provider = await createSimulator({
    statusDelaysMs: { sent: 1, delivered: 1, read: 1 },
    ...(options.now ? { now: () => options.now?.().getTime() ?? Date.now() } : {}),
    ...options.simulator,
  }).start()
  const env = {
    DATABASE_URL: options.databaseUrl?.(storage.url) ?? storage.url,
    PORT: '0',
    ADMIN_API_KEY: adminKey,
    SECRETS_KEYS: newKeyRing(),
    META_BASE_URL: provider.url,
    DIALOG360_BASE_URL: `${provider.url}/dialog360`,
    TWIN24_IAM_URL: `${provider.url}/twin24/iam`,
    TWIN24_NOTIFY_URL: `${provider.url}/twin24/notify`,
    TWIN24_ANALYSE_URL: `${provider.url}/twin24/analyse`,
    NDR_API_URL: provider.url,
    PORTAL_URL: `${provider.url}/portal`,
    ...options.env,
  }
  const database = openDatabase({ url: storage.url })
  await migrate(database)
  const parsed = readEnv(env)
  const app = await startApp({
    env: parsed,
    log: options.log ?? createLogger(process.env.TEST_LOG_LEVEL ?? 'silent'),
    configDir,
    secretsKeys: env.SECRETS_KEYS,
    adminKey,
    ...(options.now ? { now: options.now } : {}),
    ...(options.providers ? { providers: options.providers } : {}),
  })
  const world: World = {
    url: app.url,
    database,
    provider,
    app,
    env,
    call: (method, path, body) => callApi(app.url, method, path, body),
    rows: (sql) => database.select(sql),
    dropStorage: storage.drop,
    async close() {
      await app.stop()
      await provider.close()
      await checkActivity(database).finally(() => database.close())
      await storage.drop()
    },
  }
  if (!options.isBare) await furnish(world)
  return world
}

/** The platform's connection at the simulator, and account 379 switched on. */
async function furnish(world: World): Promise<void> {
  world.provider.addAccount(simulatorAccount.account)
  const created = await world.call<{ webhook: { callbackUrl: string; verifyToken: string } }>(
    'POST',
    '/v1/connections',
    {
      accountId: 5,
      provider: 'meta',
      name: 'Platform',
      businessPhone: '+911140001234',
      credentials: simulatorAccount.credentials,
    },
  )
  if (created.status !== 201) throw new Error(`no connection: ${JSON.stringify(created.body)}`)
  const { callbackUrl, verifyToken } = created.body.webhook
  const { body } = await world.call<{ items: { registration: TemplateInput }[] }>('GET', '/v1/templates')
  const templates = body.items.map(({ registration }) => registration)
  world.provider.addAccount({ ...simulatorAccount.account, templates, webhookUrl: callbackUrl, verifyToken })
  await world.call('PUT', '/v1/accounts/379/settings', { accountSlug: 'acme-store', isWhatsappEnabled: true })
}

/** Calls the API of any gateway as the administrator. */
export async function callApi<T>(url: string, method: Method, path: string, body?: unknown): Promise<Answer<T>> {
  const isText = typeof body === 'string' || Buffer.isBuffer(body)
  const { status, text } = await ask(url, method, path, {
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
  })
  return { status, body: (/^[[{]/.test(text) ? JSON.parse(text) : text) as T }
}

interface TestStorage {
  readonly url: string
  drop(): Promise<void>
}

/** A database of its own. Names carry the run's id, so that leftovers can be found. */
export async function createStorage(kind: Storage): Promise<TestStorage> {
  if (kind === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'fdr-test-'))
    return {
      url: `sqlite:${join(folder, 'gateway.sqlite')}`,
      drop: async () => rmSync(folder, { recursive: true, force: true }),
    }
  }
  const server = process.env.TEST_MYSQL_URL ?? 'mysql://root@127.0.0.1:3306'
  const name = `fdr_test_${process.env.TEST_RUN_ID ?? 'manual'}_${randomBytes(4).toString('hex')}`
  const run = async (sql: string) => {
    const connection = await mysql.createConnection(`${server}/`)
    await connection.query(sql).finally(() => connection.end())
  }
  await run(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`)
  return { url: `${server}/${name}`, drop: () => run(`DROP DATABASE ${name}`) }
}

/** Waits until a condition holds; says what it waited for when it never does. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  ms = 30_000,
): Promise<T> {
  for (const end = Date.now() + ms; ; await sleep(20)) {
    const found = await condition()
    if (found) return found
    if (Date.now() > end) throw new Error(`never happened within ${ms} ms: ${what}`)
  }
}
