import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunningService } from './kinds.ts'
import { temporaryFolder, untilAnswers } from './private-server.ts'
import { probeAmqp } from './probe.ts'
import { findProgram, freePort, spawnOwned } from './processes.ts'

/** Debian's /usr/sbin/rabbitmq-server changes user and folder first; the real one lies here. */
const debianFolder = '/usr/lib/rabbitmq/bin'

export const programsOfRabbitmq = () => ({
  'rabbitmq-server': findProgram('rabbitmq-server', [debianFolder]),
  epmd: findProgram('epmd'),
})

/** The rabbitmqctl of this machine, if the broker can be one of this machine. It works for root and for the broker's user. */
export const localRabbitmqctl = (amqpUrl: string): string | undefined =>
  ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(amqpUrl).hostname) ? findProgram('rabbitmqctl') : undefined

/** The port mapper runs in the broker's group, in the foreground, on its own port: it shares none and leaves none behind. */
const serverScript = '"$1" -port "$ERL_EPMD_PORT" -address 127.0.0.1 & exec "$2"'

/** A broker of our own: guest/guest on 127.0.0.1, everything in a temporary folder. Throws when it does not start. */
export const startRabbitmq = async (): Promise<RunningService> => {
  const { 'rabbitmq-server': program = 'rabbitmq-server', epmd = 'epmd' } = programsOfRabbitmq()
  const folder = await temporaryFolder('rabbitmq')
  const port = await freePort()
  const logFile = join(folder, 'log')
  await writeConfiguration(folder, port)
  const own = await environment(folder, port)
  const env = { ...process.env, ...own }
  const server = spawnOwned('sh', ['-c', serverScript, 'rabbitmq', epmd, program], { env, folder, logFile })
  const url = `amqp://guest:guest@127.0.0.1:${port}`
  await untilAnswers(server, () => probeAmqp(url), logFile)
  const how = `a RabbitMQ of our own on port ${port}`
  return { url, how, stop: server.stop, rabbitmqctl: rabbitmqctlWith(own) }
}

/** The program of the package itself: Debian's wrapper would change user and look for another cookie. */
const rabbitmqctlWith = (own: NodeJS.ProcessEnv): string | undefined => {
  const program = findProgram('rabbitmqctl', [debianFolder])
  const settings = ['HOME', 'ERL_EPMD_PORT', 'RABBITMQ_NODENAME', 'RABBITMQ_CONF_ENV_FILE']
  return program && ['env', ...settings.map((name) => `'${name}=${own[name]}'`), `'${program}'`].join(' ')
}

const writeConfiguration = async (folder: string, port: number): Promise<void> => {
  const settings = [`listeners.tcp.local = 127.0.0.1:${port}`, 'disk_free_limit.absolute = 50MB', 'log.console = true']
  await writeFile(join(folder, 'rabbitmq.conf'), `${settings.join('\n')}\n`)
  await writeFile(join(folder, 'enabled_plugins'), '[].\n')
  await writeFile(join(folder, 'rabbitmq-env.conf'), '')
}

/** HOME holds the Erlang cookie, so that the broker has its own; each file and port is named, so that none is shared. */
const environment = async (folder: string, port: number): Promise<NodeJS.ProcessEnv> => ({
  HOME: folder,
  ERL_EPMD_PORT: String(await freePort()),
  ERL_EPMD_ADDRESS: '127.0.0.1',
  RABBITMQ_NODENAME: `fdr_test_${port}@localhost`,
  RABBITMQ_DIST_PORT: String(await freePort()),
  RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
  RABBITMQ_LOG_BASE: join(folder, 'logs'),
  RABBITMQ_PID_FILE: join(folder, 'pid'),
  RABBITMQ_CONF_ENV_FILE: join(folder, 'rabbitmq-env.conf'),
  RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
  RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
  RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
    '-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none',
})
