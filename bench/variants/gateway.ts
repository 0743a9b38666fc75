/** The real gateway: built output, its own process, everything switched on. */

import { request } from 'undici'
import { freePort, logTail, runProgram } from '../../scripts/services/processes.ts'
import { newKeyRing } from '../../src/core/accounts/secret-box.ts'
import { pidOfListener } from '../cpu.ts'
import { launch, root, waitUntil } from '../programs.ts'
import { account } from '../provider/provider.ts'
import type { Stage } from '../stage.ts'
import type { Variant } from './variant.ts'

const buildMs = 180_000
const adminKey = 'bench-admin-key-000000'
/** The account of the event in test/fixtures. */
const eventAccount = 379
const platformAccount = 5

/** Builds the gateway, makes its tables and enters one connection at the provider. */
export async function prepareGateway(stage: Stage): Promise<Variant> {
  await build()
  const port = await freePort()
  const env = {
    DATABASE_URL: stage.databaseUrls.gateway,
    AMQP_URL: stage.amqpUrl,
    PORT: String(port),
    ADMIN_API_KEY: adminKey,
    SECRETS_KEYS: newKeyRing(),
    META_BASE_URL: stage.provider.url,
  }
  await runProgram(process.execPath, ['dist/migrate.js'], { timeoutMs: buildMs, env: { ...process.env, ...env } })
  const first = await start(stage, env, port)
  const path = await furnish(port, stage.options.concurrency).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${logTail(first.logFile)}`)
  })
  await first.stop()
  return { name: 'gateway', start: async () => ({ ...(await start(stage, env, port)), webhooks: { port, path } }) }
}

/** @throws {Error} with the compiler's words, which it writes to standard output */
async function build(): Promise<void> {
  await runProgram(process.execPath, ['scripts/bootstrap.mjs', 'build'], { timeoutMs: buildMs }).catch(
    (error: { stdout?: string; stderr?: string }) => {
      throw new Error(`${error.stdout}${error.stderr}`)
    },
  )
}

async function start(stage: Stage, env: Record<string, string>, port: number) {
  const { profileDir } = stage.options
  const nodeArgs = profileDir ? ['--cpu-prof', `--cpu-prof-dir=${profileDir}`] : []
  const started = launch([`${root}dist/main.js`], { folder: stage.folder, env, nodeArgs })
  await waitUntil('the gateway', started.logFile, started.process.hasExited, () => isReady(port))
  const pid = pidOfListener(port)
  return { pid, logFile: started.logFile, stop: started.process.stop }
}

async function isReady(port: number): Promise<true | undefined> {
  const answer = await request(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined)
  await answer?.body.dump()
  return answer?.statusCode === 200 ? true : undefined
}

/** Resolves with the path of the connection's webhook. */
async function furnish(port: number, concurrency: number): Promise<string> {
  const connection = {
    accountId: platformAccount,
    provider: 'meta',
    name: 'Bench',
    businessPhone: '+911140000777',
    credentials: account,
    limits: { messagesPerSecond: 10_000, concurrency },
  }
  const created = await call<{ webhook: { callbackUrl: string } }>(
    port,
    'POST',
    '/v1/connections?verify=false',
    connection,
  )
  const settings = { accountSlug: 'acme-store', isWhatsappEnabled: true }
  await call(port, 'PUT', `/v1/accounts/${eventAccount}/settings`, settings)
  return new URL(created.webhook.callbackUrl).pathname
}

async function call<T>(port: number, method: 'POST' | 'PUT', path: string, body: object): Promise<T> {
  const answer = await request(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await answer.body.text()
  if (answer.statusCode >= 300) throw new Error(`${method} ${path} was answered ${answer.statusCode}: ${text}`)
  return JSON.parse(text) as T
}
