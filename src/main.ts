/** Starts the gateway, stops it in order, and says with its exit code how it went. */

import { destination } from 'pino'
import { type App, startApp } from './app.ts'
import { createLogger, type Logger } from './core/observe/logger.ts'
import { isDatabaseFault } from './core/storage/database-errors.ts'
import { MigrationsPendingError } from './core/storage/migrate.ts'
import { EnvError, loadDotEnv, readEnv } from './env.ts'
import { resolveKeys } from './local-keys.ts'
import { configDir } from './paths.ts'
import { secretNames } from './providers/index.ts'

/** Longer than a call of a provider may take would be wasted: what is in flight then is found in doubt. */
const stopMs = 28_000

async function main(): Promise<void> {
  loadDotEnv()
  const env = readEnv(process.env)
  const { secretsKeys, adminKey, newAdminKeyPath } = resolveKeys(env)
  const output = destination({ sync: false })
  const log = createLogger(env.LOG_LEVEL, { stream: output, secretNames })
  const fatal = (what: string) => (error: unknown) => {
    log.fatal({ err: error }, what)
    output.flushSync()
    process.exit(1)
  }
  process.on('uncaughtException', fatal('uncaught exception'))
  process.on('unhandledRejection', fatal('unhandled rejection'))

  const app = await startApp({ env, log, configDir, secretsKeys, adminKey })
  log.info({ url: app.url, roles: env.ROLES, ...(newAdminKeyPath ? { adminKeyIn: newAdminKeyPath } : {}) }, 'ready')
  stopOnSignal(app, log, stopMs + env.DRAIN_SECONDS * 1_000, () => output.flushSync())
}

function stopOnSignal(app: App, log: Logger, patienceMs: number, flush: () => void): void {
  let isStopping = false
  const stop = async (signal: string) => {
    // A terminal sends the same signal to npm and to us, so it may come twice.
    if (isStopping) return
    isStopping = true
    log.info({ signal }, 'stopping')
    setTimeout(() => process.exit(1), patienceMs).unref()
    await app.stop()
    log.info('stopped')
    flush()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal))
}

function told(error: unknown): string {
  if (error instanceof EnvError) return `The environment cannot be used:\n${error.message}`
  if (error instanceof MigrationsPendingError) return error.message
  const { message, stack = '' } = error as Error
  // Not there, no such database, not let in, a folder that cannot be written: where it happened helps nobody.
  if (isDatabaseFault(error)) return `The database that DATABASE_URL names cannot be used: ${message}`
  // Some errors do not say in their stack what they are.
  return stack.includes(message) ? stack : `${message}\n${stack}`
}

main().catch((error: unknown) => {
  process.stderr.write(`${told(error)}\n`)
  process.exit(1)
})
