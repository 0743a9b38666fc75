import { connect } from 'amqplib'
import { expect } from 'chai'
import { localRabbitmqctl } from '../../scripts/services/rabbitmq.ts'
import { openVhost, runRabbitmqctl } from '../../scripts/services/vhost.ts'
import { declareTopology, openBroker as openConnection } from '../../src/consumers/broker.ts'
import { names } from '../../src/consumers/topology.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { createMetrics } from '../../src/core/observe/metrics.ts'
import { openBroker, type TestBroker } from '../support/broker.ts'
import { until } from '../support/world.ts'

const withoutVhost = () => {
  const url = new URL(process.env.TEST_AMQP_URL ?? 'amqp://guest:guest@127.0.0.1:5672')
  url.pathname = ''
  return url.href
}

describe('the virtual host of the tests', function () {
  this.timeout(30_000)
  let broker: TestBroker

  before(async () => {
    broker = await openBroker()
  })
  after(() => broker?.close())

  const isThere = async (name: string) =>
    broker
      .use((channel) => channel.checkExchange(name))
      .then(
        () => true,
        () => false,
      )

  it('is made, can be used, and is gone afterwards', async function () {
    const rabbitmqctl = process.env.TEST_RABBITMQCTL ?? localRabbitmqctl(withoutVhost())
    if (!broker.ctl || !rabbitmqctl) return this.skip()
    const name = `fdr_test_${process.env.TEST_RUN_ID ?? 'manual'}_own`
    const vhost = await openVhost({ amqpUrl: withoutVhost(), rabbitmqctl }, name, () => {})
    expect(vhost.isOwn).to.equal(true)
    await (await connect(vhost.url)).close()
    await vhost.drop()
    expect(await runRabbitmqctl(rabbitmqctl, '--quiet', 'list_vhosts')).not.to.contain(name)
  })

  it('is shared where rabbitmqctl cannot be used, and that is said', async () => {
    const said: string[] = []
    const vhost = await openVhost({ amqpUrl: withoutVhost(), rabbitmqctl: 'false' }, 'unused', (line) =>
      said.push(line),
    )
    expect(vhost).to.include({ isOwn: false, url: withoutVhost() })
    expect(said.join()).to.contain('no virtual host of our own')
  })

  it('where it is shared, everything that the gateway made is deleted, and nothing else', async function () {
    if (broker.vhost === '/') return this.skip()
    await broker.use((channel) => channel.assertExchange(names.activity, 'topic', { durable: true }))
    const shared = await openVhost({ amqpUrl: broker.url }, 'unused', () => {})
    expect(shared).to.include({ isOwn: false, url: broker.url })
    await declareAll(broker.url)
    expect(await isThere(names.events)).to.equal(true)
    await shared.drop()
    expect(await Promise.all([names.events, names.control, names.activity].map(isThere))).to.deep.equal([
      false,
      false,
      true,
    ])
  })
})

/** What a gateway does at its start. */
async function declareAll(url: string): Promise<void> {
  let isDeclared = false
  const setup = async (model: Parameters<typeof declareTopology>[0]) => {
    await declareTopology(model)
    isDeclared = true
  }
  const connection = await openConnection({
    url,
    purpose: 'events',
    log: createLogger('silent'),
    metrics: createMetrics(),
    setup,
  })
  await until('everything is declared', () => isDeclared)
  await connection.close()
}
