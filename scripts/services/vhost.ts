import { connect } from 'amqplib'
import { topology } from '../../src/consumers/topology.ts'
import { reasonOf } from './describe.ts'
import { probeAmqp } from './probe.ts'
import { runProgram } from './processes.ts'
import type { Say } from './ways.ts'

export type BrokerAccess = {
  amqpUrl: string
  /** Shell command that runs rabbitmqctl for this broker; undefined when there is none. */
  rabbitmqctl?: string | undefined
}

export type Vhost = {
  url: string
  /** False: it is shared with whatever else uses the broker. */
  isOwn: boolean
  drop(): Promise<void>
}

const ctlTimeoutMs = 30_000

/** Runs rabbitmqctl and gives its output. */
export const runRabbitmqctl = (command: string, ...args: string[]): Promise<string> =>
  runProgram('sh', ['-c', `exec ${command} "$@"`, 'rabbitmqctl', ...args], { timeoutMs: ctlTimeoutMs })

/**
 * A virtual host of our own, so that tests neither disturb a gateway that uses the broker nor leave anything in it. A
 * URL that names a virtual host is taken as it is. Where rabbitmqctl cannot be used, the default one is shared, and
 * `drop` deletes what the gateway made in it, except what was there before.
 */
export const openVhost = async (access: BrokerAccess, name: string, say: Say): Promise<Vhost> => {
  const { amqpUrl, rabbitmqctl } = access
  if (namesVhost(amqpUrl)) return shareVhost(amqpUrl)
  try {
    if (!rabbitmqctl) throw new Error('there is no rabbitmqctl for this broker')
    return await createVhost(amqpUrl, rabbitmqctl, name)
  } catch (error) {
    const why = reasonOf(error).split('\n')[0]
    say(`RabbitMQ: no virtual host of our own (${why}); the default one is used and cleaned up afterwards`)
    return shareVhost(amqpUrl)
  }
}

/** Does the URL name a virtual host other than the default one? */
export const namesVhost = (amqpUrl: string): boolean => !['', '/', '/%2F', '/%2f'].includes(new URL(amqpUrl).pathname)

const createVhost = async (amqpUrl: string, rabbitmqctl: string, name: string): Promise<Vhost> => {
  const user = decodeURIComponent(new URL(amqpUrl).username) || 'guest'
  const url = withVhost(amqpUrl, name)
  const drop = async () => {
    await runRabbitmqctl(rabbitmqctl, 'delete_vhost', name)
  }
  await runRabbitmqctl(rabbitmqctl, 'add_vhost', name)
  try {
    await runRabbitmqctl(rabbitmqctl, 'set_permissions', '-p', name, user, '.*', '.*', '.*')
    // Proves that this rabbitmqctl speaks of the broker behind the URL.
    await probeAmqp(url)
  } catch (error) {
    await drop().catch(() => {})
    throw error
  }
  return { url, isOwn: true, drop }
}

const withVhost = (amqpUrl: string, name: string): string => {
  const url = new URL(amqpUrl)
  url.pathname = `/${encodeURIComponent(name)}`
  return url.href
}

const shareVhost = async (url: string): Promise<Vhost> => {
  const before = await existing(url)
  return { url, isOwn: false, drop: () => deleteGatewayObjects(url, before) }
}

type Names = ReadonlySet<string>

const queueNames = topology.queues.map(({ name }) => name)

/** Which of the gateway's queues and exchanges are there. */
const existing = async (url: string): Promise<Names> => {
  const found = new Set<string>()
  await withConnection(url, async (newChannel) => {
    const note = async (name: string, check: (channel: Channel) => Promise<unknown>) => {
      // A check that fails closes its channel.
      const channel = await newChannel()
      await check(channel).then(
        () => found.add(name),
        () => {},
      )
    }
    for (const name of queueNames) await note(name, (channel) => channel.checkQueue(name))
    for (const { name } of topology.exchanges) await note(name, (channel) => channel.checkExchange(name))
  })
  return found
}

/** Deletes the gateway's queues and exchanges, except those named. */
export const deleteGatewayObjects = (url: string, except: Names = new Set()): Promise<void> =>
  withConnection(url, async (newChannel) => {
    const channel = await newChannel()
    for (const name of queueNames) if (!except.has(name)) await channel.deleteQueue(name)
    for (const { name } of topology.exchanges) if (!except.has(name)) await channel.deleteExchange(name)
  })

type Channel = Awaited<ReturnType<Awaited<ReturnType<typeof connect>>['createChannel']>>

const withConnection = async (
  url: string,
  work: (newChannel: () => Promise<Channel>) => Promise<void>,
): Promise<void> => {
  const connection = await connect(url)
  connection.on('error', () => {})
  try {
    await work(async () => {
      const channel = await connection.createChannel()
      channel.on('error', () => {})
      return channel
    })
  } finally {
    await connection.close()
  }
}
