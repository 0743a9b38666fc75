/** Starts what the play needs: the gateway on an embedded database, and the simulator around it. */

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { destination } from 'pino'
import { type App, startApp } from '../app.ts'
import { createLogger } from '../core/observe/logger.ts'
import { readEnv } from '../env.ts'
import { resolveKeys } from '../local-keys.ts'
import { configDir } from '../paths.ts'
import { secretNames } from '../providers/index.ts'
import { createSimulator, type Simulator } from '../providers/simulator/simulator.ts'
import { type Api, createApi } from './api.ts'

export interface Stage {
  readonly api: Api
  readonly simulator: Simulator
  /** Database, keys and log of this run. */
  readonly folder: string
  readonly logPath: string
  /** Ends both; the folder goes as well unless somebody should look into it. */
  close(options: { keepFolder: boolean }): Promise<void>
}

/** A pace that a reader can follow; milliseconds from the step before. */
const statusDelaysMs = { sent: 400, delivered: 500, read: 600 }

/** @throws {Error} that says which part could not be made ready */
export async function setStage(): Promise<Stage> {
  const folder = await named('temporary folder', mkdtemp(join(tmpdir(), 'fdr-demo-')))
  const simulator = await named('simulator', createSimulator({ statusDelaysMs }).start())
  const logPath = join(folder, 'gateway.log')
  const adminKey = `demo-${randomBytes(6).toString('hex')}`
  const app = await named('gateway', startGateway(simulator, { folder, logPath, adminKey }))
  return {
    api: createApi(app.url, adminKey),
    simulator,
    folder,
    logPath,
    async close({ keepFolder }) {
      await app.stop()
      await simulator.close()
      if (!keepFolder) await rm(folder, { recursive: true, force: true })
    },
  }
}

interface Place {
  readonly folder: string
  readonly logPath: string
  readonly adminKey: string
}

/** With settings of its own: whatever the environment or a `.env` says, nothing outside this machine is called. */
async function startGateway(simulator: Simulator, { folder, logPath, adminKey }: Place): Promise<App> {
  const env = readEnv({
    DATABASE_URL: `sqlite:${join(folder, 'gateway.sqlite')}`,
    PORT: '0',
    ADMIN_API_KEY: adminKey,
    META_BASE_URL: simulator.url,
    NDR_API_URL: simulator.url,
    PORTAL_URL: `${simulator.url}/portal`,
  })
  const log = createLogger(env.LOG_LEVEL, { stream: destination({ dest: logPath, sync: true }), secretNames })
  return startApp({ env, log, configDir, secretsKeys: resolveKeys(env).secretsKeys, adminKey })
}

const named = <T>(part: string, starting: Promise<T>): Promise<T> =>
  starting.catch((error: unknown) => {
    throw new Error(`the ${part} could not be made ready: ${error instanceof Error ? error.message : String(error)}`)
  })
