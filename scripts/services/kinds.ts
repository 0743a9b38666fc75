import { programsOfMariadb, startMariadb } from './mariadb.ts'
import { probeAmqp, probeMysql } from './probe.ts'
import { programsOfRabbitmq, startRabbitmq } from './rabbitmq.ts'

export type RunningService = {
  url: string
  how: string
  stop(): Promise<void>
  /** Shell command that runs rabbitmqctl for it; undefined where the one of this machine has to do. */
  rabbitmqctl?: string | undefined
}

/** Everything that differs between the two services. */
export type ServiceKind = {
  name: string
  variable: 'TEST_MYSQL_URL' | 'TEST_AMQP_URL'
  example: string
  /** What a developer's machine usually offers. */
  localUrl: string
  probe(url: string): Promise<void>
  compose: { service: string; portVariable: string; url(port: number): string }
  debianPackage: string
  /** The programs a private instance needs; an entry is undefined when it is not installed. */
  programs(): Record<string, string | undefined>
  /** A throw-away instance on a free port, in a temporary folder. */
  startPrivate(): Promise<RunningService>
}

export const mysql: ServiceKind = {
  name: 'MySQL or MariaDB',
  variable: 'TEST_MYSQL_URL',
  example: 'mysql://user:password@host:3306',
  localUrl: 'mysql://root@127.0.0.1:3306',
  probe: probeMysql,
  compose: { service: 'mysql', portVariable: 'MYSQL_PORT', url: (port) => `mysql://root:gateway@127.0.0.1:${port}` },
  debianPackage: 'mariadb-server',
  programs: programsOfMariadb,
  startPrivate: startMariadb,
}

export const rabbitmq: ServiceKind = {
  name: 'RabbitMQ',
  variable: 'TEST_AMQP_URL',
  example: 'amqp://user:password@host:5672',
  localUrl: 'amqp://guest:guest@127.0.0.1:5672',
  probe: probeAmqp,
  compose: {
    service: 'rabbitmq',
    portVariable: 'AMQP_PORT',
    url: (port) => `amqp://gateway:gateway@127.0.0.1:${port}`,
  },
  debianPackage: 'rabbitmq-server',
  programs: programsOfRabbitmq,
  startPrivate: startRabbitmq,
}
