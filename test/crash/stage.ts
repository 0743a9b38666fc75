/** Everything around the gateways in a crash run: real database, real broker, a provider that lies, a bad network. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { request } from 'undici'
import { freePort, runProgram } from '../../scripts/services/processes.ts'
import { ensureServices } from '../../scripts/services.ts'
import { newKeyRing } from '../../src/core/accounts/secret-box.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import type { CustomerInput, TemplateInput } from '../../src/providers/simulator/inputs.ts'
import { createSimulator, type Simulator } from '../../src/providers/simulator/simulator.ts'
import { simulatorAccount } from '../support/fixtures.ts'
import { startRelay } from '../support/relay.ts'
import { adminKey, createStorage } from '../support/world.ts'
import { type CrashBroker, openCrashBroker } from './broker.ts'
import { createGatewaySlot, type GatewaySlot } from './gateways.ts'
import { tellLies } from './lies.ts'
import { closeLine, type Line, openLine } from './network.ts'
import type { CrashOptions } from './options.ts'
import { type PrivateServices, startPrivateServices } from './private-services.ts'

export interface Stage {
  readonly database: Database
  readonly broker: CrashBroker
  readonly provider: Simulator
  readonly gateways: readonly [GatewaySlot, GatewaySlot]
  readonly lines: readonly [Line, Line, Line]
  /** Servers of our own, which may be killed. */
  readonly services: PrivateServices | undefined
  readonly folder: string
  close(): Promise<void>
}

const buildMs = 120_000
/** Several records per event of each kind: attempts, reports and their copies, webhooks sent again. */
const recordsPerEvent = 30

/** Starts everything; both gateways are ready, and the account is switched on. */
export async function prepareStage(options: CrashOptions, customers: readonly CustomerInput[]): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'fdr-crash-'))
  await useBuiltGateways()
  const services = options.serviceKills > 0 ? await startPrivateServices(join(folder, 'services')) : undefined
  const found = services ?? (await ensureServices())
  const storage = await useDatabase(found.mysqlUrl)
  const database = openDatabase({ url: storage.url })
  await migrate(database)
  const broker = await openCrashBroker(found.amqpUrl)
  const provider = await createSimulator({
    seed: options.seed,
    statusDelaysMs: { sent: 30, delivered: 60, read: 80 },
    ledgerSize: Math.max(20_000, options.events * recordsPerEvent),
    webhooks: { attempts: 30, retryMaxMs: 3_000, timeoutMs: 5_000 },
  }).start()
  const lines = [
    await openLine('database', storage.url),
    await openLine('broker', broker.url),
    await openLine('provider', provider.url),
  ] as const
  const gateways = await createGateways(folder, lines)
  const webhooks = await startRelay(gateways.map(({ port }) => port))
  for (const gateway of gateways) gateway.start()
  for (const gateway of gateways) await gateway.untilReady()
  await furnish(provider, gateways[0], webhooks.port)
  for (const customer of customers) provider.addCustomer(customer)
  tellLies(provider, true)
  return {
    database,
    broker,
    provider,
    gateways,
    lines,
    services,
    folder,
    async close() {
      await Promise.all(gateways.map((gateway) => gateway.end()))
      await webhooks.close()
      await provider.close()
      for (const line of lines) await closeLine(line)
      await database.close()
      if (options.keep) return void console.log(`kept: ${folder} and ${storage.url}`)
      await broker.close()
      await storage.drop()
      await found.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** They start in a third of the time, so that most of a run is work that can be cut off. */
async function useBuiltGateways(): Promise<void> {
  await runProgram(process.execPath, ['scripts/bootstrap.mjs', 'build'], { timeoutMs: buildMs })
  process.env.TEST_GATEWAY_MAIN = resolve('dist/main.js')
}

const useDatabase = (mysqlUrl: string) => {
  process.env.TEST_MYSQL_URL = mysqlUrl
  process.env.TEST_RUN_ID = 'crash'
  return createStorage('mysql')
}

async function createGateways(folder: string, [database, broker, provider]: Stage['lines']) {
  const env = {
    DATABASE_URL: database.url,
    AMQP_URL: broker.url,
    ADMIN_API_KEY: adminKey,
    SECRETS_KEYS: newKeyRing(),
    META_BASE_URL: provider.url,
    NDR_API_URL: provider.url,
    PORTAL_URL: `${provider.url}/portal`,
  }
  const slot = async (name: string) =>
    createGatewaySlot({ name, port: await freePort(), env, logFile: join(folder, `${name}.log`) })
  return [await slot('gateway-a'), await slot('gateway-b')] as const
}

/** Far above what the run needs: pace is proved elsewhere. */
const limits = { messagesPerSecond: 400, concurrency: 64 }

async function furnish(provider: Simulator, gateway: GatewaySlot, webhookPort: number): Promise<void> {
  const { credentials, account } = simulatorAccount
  provider.addAccount(account)
  const connection = { accountId: 5, provider: 'meta', name: 'Platform', businessPhone: '+911140001234' }
  const created = await call<{ webhook: { callbackUrl: string; verifyToken: string } }>(
    gateway,
    'POST',
    '/v1/connections',
    { ...connection, credentials, limits },
  )
  const { items } = await call<{ items: { registration: TemplateInput }[] }>(gateway, 'GET', '/v1/templates')
  const { callbackUrl, verifyToken } = created.webhook
  const webhookUrl = `http://127.0.0.1:${webhookPort}${new URL(callbackUrl).pathname}`
  provider.addAccount({ ...account, templates: items.map((item) => item.registration), webhookUrl, verifyToken })
  await call(gateway, 'PUT', '/v1/accounts/379/settings', { accountSlug: 'acme-store', isWhatsappEnabled: true })
}

async function call<T>({ port }: GatewaySlot, method: 'GET' | 'POST' | 'PUT', path: string, body?: object): Promise<T> {
  const answer = await request(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await answer.body.text()
  if (answer.statusCode >= 300) throw new Error(`${method} ${path} was answered ${answer.statusCode}: ${text}`)
  return JSON.parse(text) as T
}
