/** A database and a broker of our own, which may be killed and come back with what they had confirmed. */

import { mkdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { programsOfMariadb } from '../../scripts/services/mariadb.ts'
import { untilAnswers } from '../../scripts/services/private-server.ts'
import { probeAmqp, probeMysql } from '../../scripts/services/probe.ts'
import { freePort, type OwnedProcess, runProgram, spawnOwned } from '../../scripts/services/processes.ts'
import { programsOfRabbitmq } from '../../scripts/services/rabbitmq.ts'

export interface PrivateServer {
  readonly name: string
  readonly url: string
  /** SIGKILL, and a start with the same data; resolves when it answers again. */
  killAndRestart(): Promise<void>
  stop(): Promise<void>
}

export interface PrivateServices {
  readonly mysqlUrl: string
  readonly amqpUrl: string
  readonly servers: readonly [PrivateServer, PrivateServer]
  stop(): Promise<void>
}

/** @throws {Error} when MariaDB or RabbitMQ is not installed, or does not start */
export async function startPrivateServices(folder: string): Promise<PrivateServices> {
  mkdirSync(folder, { recursive: true })
  const database = await startMariadb(join(folder, 'mariadb'))
  const broker = await startRabbitmq(join(folder, 'rabbitmq'))
  const stop = async () => {
    await Promise.all([database.stop(), broker.stop()])
  }
  return { mysqlUrl: database.url, amqpUrl: broker.url, servers: [database, broker], stop }
}

interface ServerOptions {
  readonly name: string
  readonly url: string
  readonly folder: string
  readonly spawn: () => OwnedProcess
  readonly probe: () => Promise<void>
}

async function startServer({ name, url, folder, spawn, probe }: ServerOptions): Promise<PrivateServer> {
  const start = async () => {
    const server = spawn()
    await untilAnswers(server, probe, join(folder, 'log'))
    return server
  }
  let current = await start()
  return {
    name,
    url,
    async killAndRestart() {
      const pid = Number(await readFile(join(folder, 'pid'), 'utf8'))
      // The whole group, or what the broker's start script began would go on.
      process.kill(-pid, 'SIGKILL')
      await current.exited
      await current.stop()
      current = await start()
    },
    stop: () => current.stop(),
  }
}

const needed = (programs: Record<string, string | undefined>, name: string): string => {
  const path = programs[name]
  if (!path) throw new Error(`--kill-services needs an installed ${name}`)
  return path
}

async function startMariadb(folder: string): Promise<PrivateServer> {
  mkdirSync(folder)
  const programs = programsOfMariadb()
  const common = ['--no-defaults', `--datadir=${join(folder, 'data')}`, `--user=${userInfo().username}`]
  const install = [...common, '--auth-root-authentication-method=normal', '--skip-test-db']
  await runProgram(needed(programs, 'mariadb-install-db'), install, { timeoutMs: 120_000 })
  const port = await freePort()
  const url = `mysql://root@127.0.0.1:${port}`
  const args = [
    ...common,
    ...['socket', 'pid'].map((name) => `--${name === 'pid' ? 'pid-file' : name}=${join(folder, name)}`),
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--character-set-server=utf8mb4',
    '--max-connections=400',
    // What was committed must survive the kill, as in production; 2 writes it out of the process at each commit.
    '--innodb-flush-log-at-trx-commit=2',
  ]
  const logFile = join(folder, 'log')
  const spawn = () => spawnOwned(needed(programs, 'mariadbd'), args, { logFile })
  return startServer({ name: 'database', url, folder, spawn, probe: () => probeMysql(url) })
}

/** The port mapper runs in the broker's group and ends with it; `$$` stays the broker's own process id. */
const brokerScript = 'echo $$ > "$3"; "$1" -port "$ERL_EPMD_PORT" -address 127.0.0.1 & exec "$2"'

async function startRabbitmq(folder: string): Promise<PrivateServer> {
  mkdirSync(folder)
  const programs = programsOfRabbitmq()
  const port = await freePort()
  const settings = [`listeners.tcp.local = 127.0.0.1:${port}`, 'disk_free_limit.absolute = 50MB', 'log.console = true']
  await writeFile(join(folder, 'rabbitmq.conf'), `${settings.join('\n')}\n`)
  await writeFile(join(folder, 'enabled_plugins'), '[].\n')
  await writeFile(join(folder, 'rabbitmq-env.conf'), '')
  const env = { ...process.env, ...(await brokerEnvironment(folder, port)) }
  const url = `amqp://guest:guest@127.0.0.1:${port}`
  const logFile = join(folder, 'log')
  const args = [needed(programs, 'epmd'), needed(programs, 'rabbitmq-server'), join(folder, 'pid')]
  const spawn = () => spawnOwned('sh', ['-c', brokerScript, 'rabbitmq', ...args], { env, logFile })
  return startServer({ name: 'broker', url, folder, spawn, probe: () => probeAmqp(url) })
}

const brokerEnvironment = async (folder: string, port: number): Promise<NodeJS.ProcessEnv> => ({
  HOME: folder,
  ERL_EPMD_PORT: String(await freePort()),
  ERL_EPMD_ADDRESS: '127.0.0.1',
  RABBITMQ_NODENAME: `fdr_crash_${port}@localhost`,
  RABBITMQ_DIST_PORT: String(await freePort()),
  RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
  RABBITMQ_LOG_BASE: join(folder, 'logs'),
  RABBITMQ_CONF_ENV_FILE: join(folder, 'rabbitmq-env.conf'),
  RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
  RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
  RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
    '-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none',
})
