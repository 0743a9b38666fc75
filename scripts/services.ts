import { reasonOf, withoutPassword } from './services/describe.ts'
import { mysql, type RunningService, rabbitmq, type ServiceKind } from './services/kinds.ts'
import { localRabbitmqctl } from './services/rabbitmq.ts'
import type { BrokerAccess } from './services/vhost.ts'
import { type Say, ways } from './services/ways.ts'

/** URLs without a database; with their virtual host, if they were given with one. */
export type Services = BrokerAccess & { mysqlUrl: string; stop(): Promise<void> }

type Environment = Record<string, string | undefined>

/**
 * Finds or starts a MySQL/MariaDB and a RabbitMQ for the tests, each in the first way that works: TEST_MYSQL_URL and
 * TEST_AMQP_URL; what runs on this machine; a container; a private instance (installed first, as root on Debian).
 * TEST_SERVICES=local, docker or private allows one way only. `stop` ends what was started here and nothing else.
 * @throws Error with one sentence that says what is missing and what to do about it
 */
export const ensureServices = async (env: Environment = process.env, say: Say = console.log): Promise<Services> => {
  const started: RunningService[] = []
  const stop = async () => {
    await Promise.all(started.map((service) => service.stop()))
  }
  try {
    for (const kind of [mysql, rabbitmq]) started.push(await ensureService(kind, env, say))
  } catch (error) {
    await stop()
    throw error
  }
  const [database, broker] = started
  const amqpUrl = broker?.url ?? ''
  const rabbitmqctl = broker?.rabbitmqctl ?? localRabbitmqctl(amqpUrl)
  return { mysqlUrl: withoutPath(database?.url ?? ''), amqpUrl, rabbitmqctl, stop }
}

const ensureService = async (kind: ServiceKind, env: Environment, say: Say): Promise<RunningService> => {
  const given = env[kind.variable]
  const service = given ? await useGiven(kind, given) : await firstThatWorks(kind, env, say)
  say(`${kind.name}: ${withoutPassword(service.url)} (${service.how})`)
  return service
}

const useGiven = async (kind: ServiceKind, url: string): Promise<RunningService> => {
  await kind.probe(url).catch((error) => {
    throw new Error(`${kind.variable} names ${withoutPassword(url)}, which cannot be used: ${reasonOf(error)}.`)
  })
  return { url, how: `named by ${kind.variable}`, stop: async () => {} }
}

const firstThatWorks = async (kind: ServiceKind, env: Environment, say: Say): Promise<RunningService> => {
  const problems: string[] = []
  for (const way of allowedWays(env.TEST_SERVICES)) {
    try {
      return await way(kind, say)
    } catch (error) {
      problems.push(reasonOf(error))
    }
  }
  throw new Error(
    `The tests need ${kind.name}, and there is none: ${problems.join('; ')}. ` +
      `Start one and set ${kind.variable}=${kind.example}, or start Docker.`,
  )
}

const allowedWays = (only: string | undefined) => {
  if (!only) return Object.values(ways)
  const way = ways[only]
  if (!way) throw new Error(`TEST_SERVICES is ${only}; it can be ${Object.keys(ways).join(', ')} or unset.`)
  return [way]
}

const withoutPath = (url: string): string => url.replace(/^(mysql:\/\/[^/]*).*$/, '$1')
