import { expect } from 'chai'
import { names } from '../../src/consumers/topology.ts'
import { someBrokenEvents } from '../support/broken-events.ts'
import { anFdrEvent } from '../support/fixtures.ts'
import type { GatewayProcess } from '../support/process.ts'
import { callGateway, eventOutcomes, prepareSurroundings, type Surroundings, sumOf } from '../support/surroundings.ts'
import { until } from '../support/world.ts'

const goodCount = 800
const brokenCount = 190
const skippedCount = 10
const all = goodCount + brokenCount + skippedCount

/** Runs inside the gateway: tells at its end what every object there has inherited. */
const tellPollution = `process.on('exit', () => {
  const inherited = []
  for (const key in {}) inherited.push(key)
  console.log('every object has: ' + JSON.stringify(inherited))
})`

/** The same order at every run. */
function shuffled<T>(items: readonly T[]): T[] {
  let state = 1
  const keyed = items.map((item) => {
    state = (state * 48_271) % 2_147_483_647
    return { item, key: state }
  })
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
}

describe('broken events among good ones', function () {
  this.timeout(90_000)
  const good = Array.from({ length: goodCount }, (_, n) => anFdrEvent({ customerContactNumber: `98300${10_000 + n}` }))
  const skipped = Array.from({ length: skippedCount }, () => anFdrEvent({ account_id: 380 }))
  const broken = someBrokenEvents(brokenCount)
  let around: Surroundings
  let gateway: GatewayProcess

  before(async () => {
    around = await prepareSurroundings({ simulator: { keepBodies: false } })
    await around.broker.bindActivity()
    gateway = await around.gateway({
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(tellPollution)}`,
    })
    await around.broker.publish(...shuffled([...good, ...skipped, ...broken.map(({ body }) => body)]))
    await until('all good ones are accepted', () => around.provider.stats().accepted >= goodCount, 60_000)
    await until('all are taken in', async () => sumOf(await eventOutcomes(gateway)) >= all, 30_000)
  })
  after(() => around?.close())

  it('every good one reaches its customer, once', () => {
    const { accepted, recipients, maxAcceptedPerRecipient, refused } = around.provider.stats()
    expect({ accepted, recipients, maxAcceptedPerRecipient, refused }).to.deep.equal({
      accepted: goodCount,
      recipients: goodCount,
      maxAcceptedPerRecipient: 1,
      refused: {},
    })
  })

  it('every broken one is parked, with its reason', async () => {
    const expected: Record<string, number> = {}
    for (const { kind } of uniqueBodies(broken)) expected[kind.reason] = (expected[kind.reason] ?? 0) + 1
    const rows = await around.database.select<{ reason: string; n: number }>(
      'SELECT reason, COUNT(*) AS n FROM rejected_events GROUP BY reason',
    )
    expect(Object.fromEntries(rows.map(({ reason, n }) => [reason, Number(n)]))).to.deep.equal(expected)
  })

  it('an event that nobody is to be told of is kept, with the reason', async () => {
    const where =
      "wa_outgoing_messages WHERE account_id = 380 AND state = 'skipped' AND failure_code = 'whatsapp_disabled'"
    expect(await around.count(where)).to.equal(skippedCount)
  })

  it('each was taken in exactly once: nothing came round again', async () => {
    expect(await eventOutcomes(gateway)).to.deep.equal({
      queued: goodCount,
      parked: brokenCount,
      skipped: skippedCount,
    })
  })

  it('the next event goes through at once', async () => {
    const startedAt = Date.now()
    await around.broker.publish(anFdrEvent({ customerContactNumber: '9840010000' }))
    await until('it is accepted', () => around.provider.accepted(1)[0]?.to === '919840010000')
    expect(Date.now() - startedAt).to.be.lessThan(2_000)
  })

  it('the process is well and had nothing to complain of', async () => {
    expect(gateway.isRunning()).to.equal(true)
    expect((await callGateway(gateway, 'GET', '/health/ready')).status).to.equal(200)
    expect(gateway.log.filter(({ level }) => level >= 40)).to.deep.equal([])
  })

  it('no object of the process was polluted', async () => {
    expect((await gateway.kill('SIGTERM')).code).to.equal(0)
    expect(gateway.noise).to.deep.equal(['every object has: []'])
  })

  it('nothing is left in the queue, and nothing was taken for what crashes us', async () => {
    expect(await around.broker.depth(names.eventQueue)).to.equal(0)
    expect(await around.broker.depth(names.parkedQueue)).to.equal(0)
  })
})

/** The same body is kept once. */
const uniqueBodies = <T extends { readonly body: Buffer }>(events: readonly T[]): T[] => [
  ...new Map(events.map((event) => [event.body.toString('base64'), event])).values(),
]

describe('a row of events that are too large together', function () {
  this.timeout(60_000)

  it('is parked, and what comes after it goes through', async () => {
    const around = await prepareSurroundings()
    try {
      // Published before anybody listens, so that they come in one group: more than a statement of the database holds.
      const first = await around.gateway()
      await first.kill('SIGTERM')
      await around.broker.publish(...Array.from({ length: 24 }, (_, n) => Buffer.alloc(1_000_000, `junk ${n} `)))
      await around.broker.publish(anFdrEvent())
      await around.gateway()
      await until('the good one is accepted', () => around.provider.accepted().length > 0, 20_000)
      expect(await around.count('rejected_events')).to.equal(24)
    } finally {
      await around.close()
    }
  })
})
