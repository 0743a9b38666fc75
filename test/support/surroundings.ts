/** Everything that gateway processes live between: a database, a broker, and the simulator of all others. */

import { freePort } from '../../scripts/services/processes.ts'
import { newKeyRing } from '../../src/core/accounts/secret-box.ts'
import { loadTemplateCatalog } from '../../src/core/notifications/template-catalog.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { configDir } from '../../src/paths.ts'
import { createSimulator, type Simulator } from '../../src/providers/simulator/simulator.ts'
import { openBroker, type TestBroker } from './broker.ts'
import { simulatorAccount } from './fixtures.ts'
import { endGatewayProcesses, type GatewayProcess, startGatewayProcess } from './process.ts'
import type { Reachable } from './stories.ts'
import { type Answer, adminKey, callApi, createStorage, type Method, until } from './world.ts'

type Env = Readonly<Record<string, string>>

export interface Surroundings {
  readonly database: Database
  readonly broker: TestBroker
  readonly provider: Simulator
  readonly env: Env
  /**
   * Starts a gateway. The first one gets the webhooks, and so does whoever comes after it at its port; with `port: 0`
   * it listens elsewhere.
   */
  gateway(env?: Env): Promise<GatewayProcess>
  count(sql: string): Promise<number>
  close(): Promise<void>
}

export interface SurroundingsOptions {
  readonly simulator?: Parameters<typeof createSimulator>[0]
}

/** Accounts 379 and the platform's connection are there; no gateway is running yet. */
export async function prepareSurroundings({ simulator }: SurroundingsOptions = {}): Promise<Surroundings> {
  const storage = await createStorage('mysql')
  const broker = await openBroker()
  const database = openDatabase({ url: storage.url })
  await migrate(database)
  const provider = await createSimulator({ statusDelaysMs: { sent: 1, delivered: 1, read: 1 }, ...simulator }).start()
  const port = await freePort()
  const env = environment({ databaseUrl: storage.url, amqpUrl: broker.url, port, providerUrl: provider.url })
  enterAccount(provider, `http://127.0.0.1:${port}/webhooks/meta`)
  let isFurnished = false
  return {
    database,
    broker,
    provider,
    env,
    async gateway(changes = {}) {
      const gateway = await startGatewayProcess({ ...env, ...changes })
      await until('the gateway is connected to everything', () => isReady(gateway), 60_000)
      if (!isFurnished) await enableAccount(gateway)
      isFurnished = true
      return gateway
    },
    count: async (sql) => Number((await database.select<{ n: number }>(`SELECT COUNT(*) AS n FROM ${sql}`))[0]?.n),
    async close() {
      await endGatewayProcesses()
      await provider.close()
      await database.close()
      await storage.drop()
      await broker.close()
    },
  }
}

export const isReady = async (gateway: GatewayProcess): Promise<boolean> =>
  (await callGateway(gateway, 'GET', '/health/ready')).status === 200

const verifyToken = 'test-verify-token'

function environment(facts: { databaseUrl: string; amqpUrl: string; port: number; providerUrl: string }): Env {
  const { credentials } = simulatorAccount
  return {
    DATABASE_URL: facts.databaseUrl,
    AMQP_URL: facts.amqpUrl,
    PORT: String(facts.port),
    ADMIN_API_KEY: adminKey,
    SECRETS_KEYS: newKeyRing(),
    META_BASE_URL: facts.providerUrl,
    NDR_API_URL: facts.providerUrl,
    PORTAL_URL: `${facts.providerUrl}/portal`,
    WHATSAPP_ACCESS_TOKEN: credentials.accessToken,
    WHATSAPP_PHONE_NUMBER_ID: credentials.phoneNumberId,
    WHATSAPP_BUSINESS_ACCOUNT_ID: credentials.wabaId,
    WHATSAPP_APP_SECRET: credentials.appSecret,
    WHATSAPP_BUSINESS_PHONE: '+911140001234',
    WHATSAPP_WEBHOOK_VERIFY_TOKEN: verifyToken,
  }
}

function enterAccount(provider: Simulator, webhookUrl: string): void {
  const catalog = loadTemplateCatalog(configDir)
  const templates = catalog.keys.flatMap((key) =>
    catalog.languages.map((language) => structuredClone(catalog.registrationForm(key, language))),
  )
  provider.addAccount({ ...simulatorAccount.account, templates: templates as never, webhookUrl, verifyToken })
}

async function enableAccount(gateway: GatewayProcess): Promise<void> {
  const settings = { accountSlug: 'acme-store', isWhatsappEnabled: true }
  const { status } = await callGateway(gateway, 'PUT', '/v1/accounts/379/settings', settings)
  if (status !== 200) throw new Error(`settings were answered ${status}: ${JSON.stringify(troubles(gateway))}`)
}

/** What a healthy process never logs. */
export const troubles = ({ log, noise }: GatewayProcess): unknown[] => [
  ...log.filter(({ level }) => level >= 50),
  ...noise,
]

/** Calls the API of a gateway process as the administrator. */
export const callGateway = <T = Record<string, unknown>>(
  { url }: GatewayProcess,
  method: Method,
  path: string,
  body?: unknown,
): Promise<Answer<T>> => callApi(url, method, path, body)

/** A gateway process as what is furnished with connections and accounts. */
export const through = ({ provider }: Surroundings, gateway: GatewayProcess): Reachable => ({
  provider,
  call: (method, path, body) => callGateway(gateway, method, path, body),
})

/** Events that a gateway process took in so far, by outcome. */
export async function eventOutcomes(gateway: GatewayProcess): Promise<Record<string, number>> {
  const { body } = await callGateway(gateway, 'GET', '/metrics')
  const lines = String(body).matchAll(/^fdr_events_total\{outcome="(\w+)"\} (\d+)$/gm)
  const counts = Array.from(lines, ([, outcome = '', count]) => [outcome, Number(count)] as const)
  return Object.fromEntries(counts.filter(([, count]) => count > 0))
}

export const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0)
