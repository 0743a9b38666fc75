/** Says what is wrong with the installation and with each connection; the exit code is 1 when anything is. */

import { connect } from 'amqplib'
import { createAdapters } from './app.ts'
import type { ConnectionCheck } from './core/contract/provider.ts'
import { type Core, createCore } from './core/core.ts'
import { installationFindings } from './core/doctor/installation.ts'
import { createLogger } from './core/observe/logger.ts'
import { createMetrics } from './core/observe/metrics.ts'
import { type Database, openDatabase } from './core/storage/database.ts'
import { type Env, EnvError, loadDotEnv, readEnv } from './env.ts'
import { resolveSecretsKeys } from './local-keys.ts'
import { configDir } from './paths.ts'
import { providers } from './providers/index.ts'
import { createAgent, createHttpClient } from './providers/shared/http-client.ts'

const write = (line: string) => process.stdout.write(`${line}\n`)

function show(title: string, checks: readonly ConnectionCheck[]): void {
  write(`\n${title}`)
  for (const { name, ok, detail, fix } of checks) {
    write(`  ${ok ? 'ok ' : 'BAD'}  ${name}: ${detail}`)
    if (fix) write(`       ${fix}`)
  }
}

async function main(): Promise<number> {
  loadDotEnv()
  const env = readEnv(process.env)
  const database = openDatabase({ url: env.DATABASE_URL })
  const agent = createAgent()
  try {
    const core = await coreOf(env, database, agent).catch((error: unknown) => wordsOf(error))
    const isUsable = typeof core !== 'string'
    const findings = installationFindings({
      databaseProblem: isUsable ? undefined : core,
      brokerProblem: env.AMQP_URL ? await brokerProblem(env.AMQP_URL) : null,
      publicUrl: env.PUBLIC_URL,
      ndrApiUrl: env.NDR_API_URL,
      isEnabled: env.ENABLE_WHATSAPP_NOTIFICATIONS,
    })
    show('Installation', findings)
    const ofConnections = isUsable ? await examineAll(core) : []
    return [...findings, ...ofConnections].filter(({ ok }) => !ok).length
  } finally {
    await agent.close().catch(() => {})
    await database.close()
  }
}

/** Nothing is joined or started: the doctor only looks. */
function coreOf(env: Env, database: Database, agent: ReturnType<typeof createAgent>): Promise<Core> {
  const http = createHttpClient({ connectMs: 5_000, totalMs: 30_000, maxBytes: 1024 * 1024, dispatcher: agent })
  return createCore({
    database,
    providers,
    adapter: createAdapters(providers, env, http),
    http,
    configDir,
    secretsKeys: resolveSecretsKeys(env),
    hasBroker: env.AMQP_URL !== undefined,
    wms: undefined,
    isEnabled: env.ENABLE_WHATSAPP_NOTIFICATIONS,
    ndrApiUrl: env.NDR_API_URL,
    integrationEngine: undefined,
    portalUrl: env.PORTAL_URL,
    retention: { bodies: env.RETENTION_DAYS, metadata: env.METADATA_RETENTION_DAYS },
    publicUrl: () => env.PUBLIC_URL ?? `http://localhost:${env.PORT}`,
    log: createLogger('silent'),
    metrics: createMetrics(),
    now: () => new Date(),
    random: Math.random,
    onChange: () => {},
  })
}

async function examineAll({ connections, doctor }: Core): Promise<ConnectionCheck[]> {
  const all: ConnectionCheck[] = []
  for (const connection of await connections.list()) {
    const checks = await doctor.examine(connection)
    show(`Connection ${connection.id}: ${connection.name} (account ${connection.accountId})`, checks)
    all.push(...checks)
  }
  return all
}

const brokerProblem = (url: string): Promise<string | undefined> =>
  connect(url, { timeout: 5_000 }).then(
    async (model) => {
      await model.close()
      return undefined
    },
    (error: unknown) => wordsOf(error),
  )

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message || error.name : String(error))

main().then(
  (bad) => {
    write(bad === 0 ? '\ndoctor: ok' : `\ndoctor: ${bad} to mend`)
    process.exitCode = bad === 0 ? 0 : 1
  },
  (error: unknown) => {
    const isPlain = error instanceof EnvError
    process.stderr.write(`${isPlain ? 'The environment is not complete:\n' : ''}${wordsOf(error)}\n`)
    process.exitCode = 1
  },
)
