import { expect } from 'chai'
import { names } from '../../src/consumers/topology.ts'
import { failedDeliveryKey } from '../support/broker.ts'
import type { GatewayProcess, LogLine } from '../support/process.ts'
import { aCustomer, type Customer, eventFor, type NotifiedReason } from '../support/stories.ts'
import { callGateway, prepareSurroundings, type Surroundings } from '../support/surroundings.ts'
import { until } from '../support/world.ts'

const correlationId = 'wms-event-0815'
const warn = 40

describe('a healthy run, from the start to the stop', function () {
  this.timeout(120_000)
  let around: Surroundings
  let gateway: GatewayProcess
  let conversationId: string

  before(async () => {
    around = await prepareSurroundings()
    await around.broker.bindActivity()
    gateway = await around.gateway({ LOG_LEVEL: 'debug' })
    conversationId = await chooseNewDate()
    await cancelOrder()
    await until('all decisions are pushed', () => around.provider.ndrCalls().length === 2)
    await until('everything is told', async () => (await unfinished()) === 0)
    await gateway.kill('SIGTERM')
  })
  after(() => around?.close())

  it('logs no warning and no error, and writes nothing else', () => {
    expect(gateway.log.filter(({ level }) => level >= warn)).to.deep.equal([])
    expect(gateway.noise).to.deep.equal([])
  })

  it('can be followed by one name from the event to the last activity event', () => {
    const told = about(conversationId).map(({ msg }) => msg)
    expect([...new Set(told)]).to.include.members([
      'event taken in',
      'message accepted',
      'delivery report applied',
      'reply applied',
      'decision pushed',
      'activity event published',
    ])
    expect(
      told.filter((msg) => msg === 'message accepted'),
      'the message and two answers',
    ).to.have.length(3)
  })

  it('takes over the name that the caller gave the event, where it is taken in', () => {
    const [taken] = gateway.log.filter((line) => line.correlationId === correlationId)
    expect(taken).to.include({ msg: 'event taken in', outcome: 'queued', conversationId })
  })

  it('says in each line about a message which conversation it belongs to', () => {
    const nameless = gateway.log.filter((line) => 'messageId' in line && line.conversationId === undefined)
    expect(nameless).to.deep.equal([])
  })

  it('publishes each activity event of the conversation once, in order', () => {
    const published = about(conversationId).filter(({ msg }) => msg === 'activity event published')
    expect(published.map(({ sequence }) => sequence)).to.deep.equal(published.map((_, index) => index + 1))
    expect(published.length).to.be.above(10)
  })

  const about = (id: string): LogLine[] => gateway.log.filter((line) => line.conversationId === id)

  const unfinished = () => around.count('activity_events WHERE published_at IS NULL')

  /** Delivered twice, as brokers do. Resolves with the id of the conversation. */
  async function chooseNewDate(): Promise<string> {
    const customer = aCustomer()
    const body = eventFor(customer, { reason: 'customer_unavailable' })
    await around.broker.use(async (channel) => {
      for (let times = 0; times < 2; times++)
        channel.publish(names.events, failedDeliveryKey, Buffer.from(JSON.stringify(body)), {
          persistent: true,
          ...(times === 0 ? { correlationId } : {}),
        })
      await channel.waitForConfirms()
    })
    await tap(await told(customer, 1), { title: 'Select new delivery date' })
    await tap(await told(customer, 2), { index: 1 })
    await told(customer, 3)
    const found = await around.database.select<{ id: number }>('SELECT MIN(id) AS id FROM wa_outgoing_messages')
    return String(found[0]?.id)
  }

  async function cancelOrder(): Promise<void> {
    const customer = aCustomer()
    const reason: NotifiedReason = 'rejected_by_customer'
    const answer = await callGateway(gateway, 'POST', '/v1/events', eventFor(customer, { reason }))
    expect(answer.status).to.equal(202)
    await tap(await told(customer, 1), { title: 'Cancel my order' })
    await told(customer, 2)
  }

  /** The newest message to a customer, once there are so many. */
  async function told({ waId }: Customer, count: number): Promise<string> {
    const newest = await until(`${count} messages are taken`, () => {
      const sent = around.provider.accepted().filter(({ to }) => to === waId)
      return sent.length >= count ? sent.at(-1) : undefined
    })
    await around.provider.idle()
    return newest.wamid
  }

  const tap = (wamid: string, choice: Parameters<Surroundings['provider']['tap']>[1]) =>
    around.provider.tap(wamid, choice)
})
