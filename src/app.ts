/** The composition root: storage, providers, core and the roles of this process, built once and handed down. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Consumers, startConsumers } from './consumers/consumers.ts'
import { type Control, startControl } from './consumers/control.ts'
import { startInboundKeeper } from './consumers/inbound-queue.ts'
import { startWorker, type Worker } from './consumers/worker.ts'
import { forProvider, platformAccountId } from './core/accounts/connections.ts'
import { SenderTakenError } from './core/accounts/number-proof.ts'
import type { HttpClient, ProviderAdapter, ProviderDefinition } from './core/contract/provider.ts'
import { type Change, type Core, createCore } from './core/core.ts'
import type { Logger } from './core/observe/logger.ts'
import { createMetrics, type Metrics, roundsOf } from './core/observe/metrics.ts'
import { type Database, openDatabase } from './core/storage/database.ts'
import { createDatabaseClock } from './core/storage/database-clock.ts'
import { migrate, requireMigrated } from './core/storage/migrate.ts'
import { makeFolder } from './core/storage/sqlite/folder.ts'
import { type Env, EnvError } from './env.ts'
import { createHttp } from './http/http.ts'
import { adapterSettings, platformConnectionOf } from './providers/environment.ts'
import { providers as allProviders, webhookAliases } from './providers/index.ts'
import { createAgent, createHttpClient } from './providers/shared/http-client.ts'

export interface AppOptions {
  readonly env: Env
  readonly log: Logger
  /** Folder with reasons, flows, templates and languages. */
  readonly configDir: string
  readonly secretsKeys: string
  readonly adminKey: string
  /** Default: all of the registry. */
  readonly providers?: readonly ProviderDefinition[]
  readonly now?: () => Date
  readonly random?: () => number
}

export interface App {
  /** Where the HTTP server listens. */
  readonly url: string
  /** Readiness goes first, then what is under way is finished, then connections are closed. */
  stop(): Promise<void>
}

/** Few and short: looking up may never cost the warehouse system more than a little. */
const wmsOptions = { poolSize: 2, queryMs: 2_000, isReadOnly: true }

/** Starts the roles named in `ROLES`. */
export async function startApp(options: AppOptions): Promise<App> {
  const { env, log, configDir, secretsKeys, adminKey, providers = allProviders, random = Math.random } = options
  const metrics = createMetrics(providers.map(({ id }) => id))
  const stopping = new AbortController()
  const agent = createAgent()
  const httpClient = createHttpClient({ connectMs: 5_000, totalMs: 30_000, maxBytes: 1024 * 1024, dispatcher: agent })
  const adapter = createAdapters(providers, env, httpClient)
  makeFolder(env.DATABASE_URL)
  const database = openDatabase({ url: env.DATABASE_URL })
  if (database.dialect === 'sqlite') await migrate(database)
  else await requireMigrated(database)
  const wms = env.WMS_DATABASE_URL ? openDatabase({ url: env.WMS_DATABASE_URL, ...wmsOptions }) : undefined
  const clock = await createDatabaseClock(database)
  const now = options.now ?? clock.now

  let publicUrl = env.PUBLIC_URL ?? `http://localhost:${env.PORT}`
  let control: Control | undefined
  const core = await createCore({
    database,
    providers,
    adapter,
    http: httpClient,
    configDir,
    secretsKeys,
    hasBroker: env.AMQP_URL !== undefined,
    wms,
    isEnabled: env.ENABLE_WHATSAPP_NOTIFICATIONS,
    ndrApiUrl: env.NDR_API_URL,
    integrationEngine: env.INTEGRATION_ENGINE_URL
      ? { url: env.INTEGRATION_ENGINE_URL, key: env.INTEGRATION_ENGINE_KEY }
      : undefined,
    portalUrl: env.PORTAL_URL,
    retention: { bodies: env.RETENTION_DAYS, metadata: env.METADATA_RETENTION_DAYS },
    publicUrl: () => publicUrl,
    log,
    metrics,
    now,
    random,
    onChange: (change) => control?.announce(change),
  })
  await core.join()
  await enterPlatformConnection(core, env, adapter)
  if (env.AMQP_URL)
    control = await startControl({ url: env.AMQP_URL, log, metrics, onChange: (change) => drop(core, change, log) })

  const upkeep = startUpkeep(core, clock.synchronise, { log, metrics })
  let consumers: Consumers | undefined
  const keepsWebhooks = providers.some(({ capabilities }) => !capabilities.retriesWebhooks)
  const inbound =
    env.AMQP_URL && keepsWebhooks ? await startInboundKeeper({ url: env.AMQP_URL, log, metrics }) : undefined
  const http = createHttp({
    core,
    providers,
    adapter,
    adminKey,
    clientRequestsPerSecond: env.CLIENT_REQUESTS_PER_SECOND,
    publicUrl: () => publicUrl,
    webhookAliases,
    keepWebhook: inbound?.keep,
    checks: {
      process: async () => (stopping.signal.aborted ? 'shutting down' : null),
      database: () => databaseProblem(database),
      broker: async () => consumers?.problem() ?? null,
    },
    stop: stopping.signal,
    log,
    metrics,
    now,
  })
  if (env.ROLES.includes('consumers')) {
    consumers = await startConsumers({
      core,
      amqpUrl: env.AMQP_URL,
      keepsWebhooks,
      log,
      metrics,
      now,
    })
  }
  const port = await http.listen(env.PORT)
  publicUrl = env.PUBLIC_URL ?? `http://localhost:${port}`

  return {
    url: `http://localhost:${port}`,
    async stop() {
      stopping.abort()
      await Promise.all([consumers?.stopTaking(), sleep(env.DRAIN_SECONDS * 1_000)])
      await core.lanes.drain()
      await http.close()
      await core.links.drain()
      await consumers?.stop()
      await Promise.all(upkeep.map((worker) => worker.stop()))
      await core.templates.flushCounts().catch(() => {})
      await core.apiKeys.flushUsed().catch(() => {})
      await core.leave().catch(() => {})
      await control?.close()
      await inbound?.close()
      await agent.close().catch(() => {})
      await database.close()
      await wms?.close()
    },
  }
}

export function createAdapters(providers: readonly ProviderDefinition[], env: Env, http: HttpClient) {
  const adapters = new Map<string, ProviderAdapter>(
    providers.map((provider) => [
      provider.id,
      provider.createAdapter({ http, settings: adapterSettings(provider, env) }),
    ]),
  )
  return (id: string): ProviderAdapter => {
    const adapter = adapters.get(id)
    if (!adapter) throw new Error(`there is no provider ${id}`)
    return adapter
  }
}

/**
 * A small installation describes its one connection in the environment and needs no API call. A phone number that is
 * not given there is asked for beside everything else: a vendor that does not answer holds up nothing.
 */
async function enterPlatformConnection(core: Core, env: Env, adapter: (id: string) => ProviderAdapter): Promise<void> {
  const found = platformConnectionOf(env)
  if (!found) return
  const draft = { ...found, accountId: platformAccountId, managedBy: 'environment' }
  const entered = await core.connections.putManaged(draft).catch((error: unknown) => {
    if (error instanceof SenderTakenError) throw new EnvError(`the platform's connection: ${error.message}`)
    throw error
  })
  if (entered.businessPhone) return
  void adapter(entered.provider)
    .businessPhone(forProvider(entered))
    .then(async (businessPhone) => {
      if (businessPhone) await core.connections.putManaged({ ...draft, businessPhone })
    })
    .catch(() => {})
}

function drop(core: Core, change: Change, log: Logger): void {
  switch (change.what) {
    case 'settings':
      core.settings.drop(change.accountId)
      break
    case 'templates':
      core.templateHealth.drop(change.connectionId)
      break
    case 'api_keys':
      core.apiKeys.drop()
      break
    case 'connections':
      core
        .connectionsChanged(change.only)
        .catch((error) => log.warn({ err: error }, 'lanes could not be told of changed connections'))
  }
}

const upkeepEveryMs = 1_000
const clockEveryMs = 30_000

/** Also a process that only answers HTTP sends what it accepts, so it counts in the pace and needs the right time. */
function startUpkeep(
  core: Core,
  synchroniseClock: () => Promise<void>,
  { log, metrics }: { readonly log: Logger; readonly metrics: Metrics },
): Worker[] {
  const start = (name: string, upkeep: () => Promise<unknown>, everyMs: number) =>
    startWorker({ name, work: () => upkeep().then(() => 0), everyMs, onRound: roundsOf(metrics, name), log })
  return [
    ...Object.entries(core.work.upkeep).map(([name, upkeep]) => start(name, upkeep, upkeepEveryMs)),
    start('clock', synchroniseClock, clockEveryMs),
  ]
}

const readinessMs = 2_000

function databaseProblem(database: Database): Promise<string | null> {
  const answers = database.select('SELECT 1').then(
    () => null,
    () => 'does not answer',
  )
  return Promise.race([answers, sleep(readinessMs, 'does not answer in time')])
}
