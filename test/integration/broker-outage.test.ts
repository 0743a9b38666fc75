import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { names } from '../../src/consumers/topology.ts'
import { anFdrEvent, type FdrEventJson } from '../support/fixtures.ts'
import { type GatewayProcess, startGatewayProcess } from '../support/process.ts'
import { startProxy, type TestProxy, throughProxy } from '../support/proxy.ts'
import { scaled } from '../support/scale.ts'
import { callGateway, isReady, prepareSurroundings, type Surroundings, troubles } from '../support/surroundings.ts'
import { until } from '../support/world.ts'

/** How soon the gateway has to be back at work; on a busy machine it may take longer. */
const backMs = scaled(30_000, 10_000)

let nextPhone = 9_870_010_000
const anEvent = () => anFdrEvent({ customerContactNumber: String(nextPhone++) })
const phoneOf = (event: FdrEventJson) => `91${event.response_data.customerContactNumber}`
const isAccepted = ({ provider }: Surroundings, event: FdrEventJson) =>
  provider.accepted().some(({ to }) => to === phoneOf(event))

describe('RabbitMQ closes what it had opened', function () {
  this.timeout(120_000)
  let around: Surroundings
  let gateway: GatewayProcess

  before(async () => {
    around = await prepareSurroundings()
    await around.broker.bindActivity()
    gateway = await around.gateway()
  })
  after(() => around?.close())

  // A connection that is still being made anew would declare the queue again in the middle of the next test.
  afterEach(() => until('everything is back', () => ['events', 'activity', 'control'].every(isBack), backMs))

  const takesEvents = async () => {
    const event = anEvent()
    await until('an event is taken and sent', async () => {
      // What comes while the queue is made anew may be lost; the same event once more is known.
      await around.broker.publish(event).catch(() => {})
      await sleep(500)
      return isAccepted(around, event)
    })
  }
  const lost = (purpose: string) =>
    gateway.log.filter((line) => line.purpose === purpose && line.msg.startsWith('lost')).length
  const isBack = (purpose: string) =>
    gateway.log.findLast((line) => line.purpose === purpose)?.msg === 'connected to the broker'

  it('all connections: consumption goes on', async function () {
    const { ctl, vhost } = around.broker
    if (!ctl) return this.skip()
    await ctl('close_all_connections', '--vhost', vhost, 'closed by a test')
    await until('the gateway noticed', () => lost('events') > 0 && lost('activity') > 0 && lost('control') > 0)
    await takesEvents()
  })

  it('the channel of the consumers only: consumption goes on', async function () {
    const { ctl, vhost } = around.broker
    if (!ctl) return this.skip()
    const before = lost('events')
    await ctl('eval', closeConsumers(vhost))
    await until('the gateway noticed', () => lost('events') > before)
    await takesEvents()
  })

  it('the queue of events: it is made again, and consumption goes on', async () => {
    const before = lost('events')
    await around.broker.use((channel) => channel.deleteQueue(names.eventQueue))
    await until('the gateway noticed', () => lost('events') > before)
    await until('it is back', () => isBack('events'), backMs)
    await takesEvents()
  })

  it('the exchange of activity events, and with it the channel that publishes: publishing goes on', async () => {
    const before = lost('activity')
    await around.broker.use((channel) => channel.deleteExchange(names.activity))
    await takesEvents()
    await until('the gateway noticed', () => lost('activity') > before)
    await until('it is back', () => isBack('activity'), backMs)
    await around.broker.bindActivity()
    await around.broker.takeActivity()
    await takesEvents()
    await until('events arrive again', async () => (await around.broker.takeActivity()).length > 0, backMs)
  })

  it('is the same process all along, without an error in its log', () => {
    expect(gateway.isRunning()).to.equal(true)
    expect(troubles(gateway)).to.deep.equal([])
  })
})

/** The broker closes every channel with a consumer as if that had acknowledged what it never got. */
const closeConsumers = (vhost: string) => `
  [rabbit_channel:do(Pid, {'basic.ack', 999999, false}) || Pid <- rabbit_channel:list(),
   begin
     Info = rabbit_channel:info(Pid, [vhost, consumer_count]),
     proplists:get_value(vhost, Info) =:= <<"${vhost}">> andalso proplists:get_value(consumer_count, Info) > 0
   end].`

describe('RabbitMQ cannot be reached', function () {
  this.timeout(180_000)
  let around: Surroundings
  let proxy: TestProxy
  let gateway: GatewayProcess

  before(async () => {
    around = await prepareSurroundings()
    await around.broker.bindActivity()
    proxy = await startProxy(around.broker.url)
    gateway = await around.gateway({ AMQP_URL: throughProxy(around.broker.url, proxy) })
  })
  after(async () => {
    await around?.close()
    await proxy?.close()
  })

  const unpublished = () => around.count('activity_events WHERE published_at IS NULL')
  const publishedIds = async (into: Set<string>) => {
    for (const { properties } of await around.broker.takeActivity()) into.add(String(properties.messageId))
    return into
  }

  /** Messages are sent and reported while the broker is away; afterwards every activity event arrives. */
  const outage = async (fail: () => void, goOn: () => Promise<unknown>) => {
    const known = await around.count('activity_events')
    fail()
    const events = [anEvent(), anEvent(), anEvent()]
    for (const event of events) {
      expect((await callGateway(gateway, 'POST', '/v1/events', event)).body.outcome).to.equal('queued')
    }
    const isReported = async () => (await around.count('activity_events')) === known + 3 * 4
    await until('all is reported', isReported)
    expect(await unpublished()).to.equal(3 * 4)
    await goOn()
    proxy.heal()
    const ids = new Set<string>()
    await until('all are published', async () => (await unpublished()) === 0, 30_000)
    await until('all have arrived', async () => (await publishedIds(ids)).size >= 3 * 4)
    const rows = await around.database.select<{ event_id: string }>(
      `SELECT event_id FROM activity_events ORDER BY id DESC LIMIT ${3 * 4}`,
    )
    expect([...ids].sort()).to.deep.equal(rows.map((row) => row.event_id).sort())
  }

  const isNoticed = () => until('it says that it is not ready', async () => !(await isReady(gateway)))

  it('its connections are cut: activity events wait and are published afterwards', async () => {
    await outage(() => proxy.cut(), isNoticed)
    await until('it is ready again', () => isReady(gateway), backMs)
  })

  it('it falls silent, then breaks: what it had not confirmed is published again', async () => {
    await outage(
      () => proxy.blackhole(),
      async () => {
        proxy.cut()
        await isNoticed()
      },
    )
  })

  it('events that were published meanwhile are taken', async () => {
    proxy.cut()
    const events = [anEvent(), anEvent(), anEvent()]
    await around.broker.publish(...events)
    proxy.heal()
    await until('all are sent', () => events.every((event) => isAccepted(around, event)), backMs)
  })

  it('it takes connections and says nothing: they are given up and made anew', async () => {
    proxy.cut()
    proxy.blackhole()
    await until('events, activity and control tried again', () => proxy.deadConnections() >= 3)
    proxy.heal()
    await until('it is ready', () => isReady(gateway), backMs)
  })

  it('a start without a broker works: it is found later', async () => {
    await gateway.kill('SIGTERM')
    proxy.cut()
    gateway = await startGatewayProcess({ ...around.env, AMQP_URL: throughProxy(around.broker.url, proxy) })
    expect(await isReady(gateway)).to.equal(false)
    expect((await callGateway(gateway, 'POST', '/v1/events', anEvent())).status).to.equal(202)
    proxy.heal()
    await until('it is ready', () => isReady(gateway), backMs)
  })

  it('is without an error in its log', () => expect(troubles(gateway)).to.deep.equal([]))
})

describe('the database cannot be reached', function () {
  this.timeout(180_000)
  let around: Surroundings
  let proxy: TestProxy
  let gateway: GatewayProcess

  before(async () => {
    around = await prepareSurroundings({
      simulator: { webhooks: { retryBaseMs: 100, retryMaxMs: 400, attempts: 200 } },
    })
    await around.broker.bindActivity()
    proxy = await startProxy(around.env.DATABASE_URL ?? '')
    gateway = await around.gateway({ DATABASE_URL: throughProxy(around.env.DATABASE_URL ?? '', proxy) })
    await around.broker.publish(anEvent())
    await until('it works', () => around.provider.accepted().length === 1)
    await around.provider.idle()
  })
  after(async () => {
    await around?.close()
    await proxy?.close()
  })

  afterEach(async () => {
    proxy.heal()
    await until('it is ready', () => isReady(gateway), 15_000)
  })

  const answersTo = (kind: string) =>
    around.provider.webhooks().flatMap(({ kinds, status }) => (kinds.includes(kind) ? [status] : []))
  const rowsOf = (event: FdrEventJson) =>
    around.count(`wa_outgoing_messages WHERE customer_phone = '+${phoneOf(event)}' AND state = 'accepted'`)

  it('its connections are cut: webhooks are answered 503 until they can be stored', async () => {
    proxy.cut()
    await around.provider.say('+919810012345', 'Hello?')
    await until('it was tried again', () => answersTo('text').length >= 3)
    expect(new Set(answersTo('text'))).to.deep.equal(new Set([503]))
    proxy.heal()
    await until('it is stored', () => answersTo('text').at(-1) === 200)
    expect(await around.count('wa_customer_reply_messages')).to.equal(1)
  })

  it('events stay with the broker and are accepted afterwards, each once', async () => {
    proxy.cut()
    const events = [anEvent(), anEvent(), anEvent()]
    await around.broker.publish(...events)
    await until('it says that it is not ready', async () => !(await isReady(gateway)))
    const refusals = () => gateway.log.filter(({ msg }) => msg === 'a message could not be stored yet').length
    await until('it tried', () => refusals() >= 3)
    expect(
      events.some((event) => isAccepted(around, event)),
      'sent without a row',
    ).to.equal(false)
    proxy.heal()
    await until('all are sent', () => events.every((event) => isAccepted(around, event)), 20_000)
    expect(around.provider.stats().maxAcceptedPerRecipient).to.equal(1)
  })

  it('an event by HTTP is answered 503: whoever sent it tries again', async () => {
    proxy.cut()
    expect((await callGateway(gateway, 'POST', '/v1/events', anEvent())).status).to.equal(503)
  })

  it('the outcome of a call that was under way is written down afterwards', async () => {
    const event = anEvent()
    around.provider.addRule({
      phone: phoneOf(event),
      delayMs: 500,
      webhooks: { suppress: ['sent', 'delivered', 'read'] },
    })
    await around.broker.publish(event)
    await until('the call is under way', () => isAccepted(around, event))
    proxy.cut()
    const isKept = () => gateway.log.some(({ msg }) => msg === 'outcome of a send could not be stored yet')
    await until('it could not be written', isKept)
    proxy.heal()
    await until('it is known to be accepted', async () => (await rowsOf(event)) === 1)
  })

  it('it answers nothing at all: every call ends by its deadline', async () => {
    const event = anEvent()
    proxy.blackhole()
    const startedAt = Date.now()
    const answers = await Promise.all([
      callGateway(gateway, 'POST', '/v1/events', event),
      callGateway(gateway, 'GET', '/v1/messages'),
      callGateway(gateway, 'GET', '/health/ready'),
    ])
    expect(answers.map(({ status }) => status)).to.deep.equal([503, 503, 503])
    // A statement has 10 s, and so has the wait for a connection before it.
    expect(Date.now() - startedAt).to.be.lessThan(25_000)
    proxy.heal()
    await until('it is ready', () => isReady(gateway), 15_000)
    expect((await callGateway(gateway, 'POST', '/v1/events', event)).status).to.equal(202)
    await until('it is sent', () => isAccepted(around, event))
  })

  it('is the same process all along: nothing was thrown that nobody caught', () => {
    expect(gateway.isRunning()).to.equal(true)
    // The database library has words of its own for transactions that it could not roll back.
    expect(gateway.noise.filter((line) => !/^(Rolling back|Committing) transaction /.test(line))).to.deep.equal([])
    expect(gateway.log.filter(({ level, msg }) => level >= 60 || msg.startsWith('lost the broker'))).to.deep.equal([])
  })
})
