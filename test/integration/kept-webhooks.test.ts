import { expect } from 'chai'
import { type App, startApp } from '../../src/app.ts'
import { names } from '../../src/consumers/topology.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { readEnv } from '../../src/env.ts'
import { configDir } from '../../src/paths.ts'
import { meta } from '../../src/providers/meta/definition.ts'
import { openBroker, type TestBroker } from '../support/broker.ts'
import { startProxy, type TestProxy, throughProxy } from '../support/proxy.ts'
import { aSilentMessage, aStatus, aWebhook, type FirstMessage, postWebhook } from '../support/stories.ts'
import { adminKey, startWorld, until, type World } from '../support/world.ts'

const mysqlUrl = process.env.TEST_MYSQL_URL ?? 'mysql://root@127.0.0.1:3306'
const forgetful = { ...meta, capabilities: { ...meta.capabilities, retriesWebhooks: false } }

describe('webhooks while the database is away', function () {
  this.timeout(60_000)
  let broker: TestBroker
  let proxy: TestProxy
  let world: World | undefined
  const apps: App[] = []

  before(async () => {
    broker = await openBroker()
  })
  beforeEach(async () => {
    proxy = await startProxy(mysqlUrl)
  })
  afterEach(async () => {
    proxy.heal()
    for (const app of apps.splice(0)) await app.stop()
    await world?.close()
    world = undefined
    await proxy.close()
  })
  after(() => broker?.close())

  /** A gateway behind the proxy, of one provider. */
  const start = async (retriesWebhooks: boolean, env: Record<string, string>) => {
    const providers = [retriesWebhooks ? meta : forgetful]
    const databaseUrl = (url: string) => throughProxy(url, proxy)
    world = await startWorld({ storage: 'mysql', providers, databaseUrl, env })
    return world
  }
  /** Another process with the same database and broker. */
  const startAnother = async ({ env }: World) => {
    const app = await startApp({
      env: readEnv({ ...env, ROLES: 'http,consumers' }),
      log: createLogger('silent'),
      configDir,
      secretsKeys: env.SECRETS_KEYS ?? '',
      adminKey,
      providers: [forgetful],
    })
    apps.push(app)
  }
  const read = ({ sent }: FirstMessage) => aWebhook({ statuses: [aStatus(sent, 'read')] })
  const isRead =
    (from: World, { id }: FirstMessage) =>
    async () =>
      (await from.call<{ status: string }>('GET', `/v1/messages/${id}`)).body.status === 'read'

  it('are kept in the queue, answered 200, and stored by whoever sees the database again', async () => {
    const here = await start(false, { AMQP_URL: broker.url, ROLES: 'http' })
    const message = await aSilentMessage(here)
    proxy.cut()
    const answers = await Promise.all([postWebhook(here, read(message)), postWebhook(here, 'not json')])
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200])
    expect(await broker.depth(names.inboundQueue)).to.equal(2)
    proxy.heal()
    await startAnother(here)
    await until('the report is applied', isRead(here, message), 20_000)
    await until('the other one is parked', async () => {
      const parked = await here.rows('SELECT id FROM rejected_events')
      return parked.length === 1
    })
    for (const app of apps.splice(0)) await app.stop()
    expect(await broker.depth(names.inboundQueue), 'all were acknowledged').to.equal(0)
  })

  it('are stored by the process that kept them, once the database is back', async () => {
    const here = await start(false, { AMQP_URL: broker.url })
    const message = await aSilentMessage(here)
    proxy.cut()
    expect((await postWebhook(here, read(message))).status).to.equal(200)
    proxy.heal()
    await until('the report is applied', isRead(here, message), 20_000)
    const metrics = await here.call<string>('GET', '/metrics')
    expect(metrics.body).to.match(/fdr_webhooks_total\{provider="meta",result="kept"\} 1/)
  })

  it('are not accepted when their signature is wrong', async () => {
    const here = await start(false, { AMQP_URL: broker.url, ROLES: 'http' })
    const message = await aSilentMessage(here)
    proxy.cut()
    const answer = await postWebhook(here, read(message), { signature: `sha256=${'0'.repeat(64)}` })
    expect(answer.status).to.equal(401)
    expect(await broker.depth(names.inboundQueue)).to.equal(0)
  })

  it('are answered 503 for a provider that sends them again', async () => {
    const here = await start(true, { AMQP_URL: broker.url })
    const message = await aSilentMessage(here)
    proxy.cut()
    expect((await postWebhook(here, read(message))).status).to.equal(503)
    proxy.heal()
    expect((await postWebhook(here, read(message))).status).to.equal(200)
    await until('the report is applied', isRead(here, message), 20_000)
  })

  it('are answered 503 without a broker', async () => {
    const here = await start(false, {})
    const message = await aSilentMessage(here)
    proxy.cut()
    expect((await postWebhook(here, read(message))).status).to.equal(503)
  })
})
