import type { ConfirmChannel, GetMessage } from 'amqplib'
import { expect } from 'chai'
import { openBroker as openConnection } from '../../src/consumers/broker.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { createMetrics } from '../../src/core/observe/metrics.ts'
import { openBroker } from '../support/broker.ts'
import { anFdrEventFor } from '../support/fixtures.ts'
import type { GatewayProcess } from '../support/process.ts'
import { callGateway, prepareSurroundings, type Surroundings } from '../support/surroundings.ts'
import { until } from '../support/world.ts'

interface Page {
  readonly items: { readonly id: string; readonly event: { readonly eventSubType: string } }[]
}

describe('activity events in RabbitMQ', function () {
  this.timeout(60_000)
  let around: Surroundings
  let gateway: GatewayProcess
  let published: GetMessage[]
  let shown: Page['items']

  before(async () => {
    around = await prepareSurroundings()
    await around.broker.bindActivity()
    gateway = await around.gateway()
    await playConversation()
    shown = (await callGateway<Page>(gateway, 'GET', '/v1/activity?limit=1000')).body.items
    published = []
    await until('every event is published', async () => {
      published.push(...(await around.broker.takeActivity()))
      return published.length >= shown.length
    })
  })
  after(() => around?.close())

  /** First message, date button, date; until the last activity event of it is there. */
  async function playConversation() {
    const { broker, provider, count } = around
    await broker.publish(anFdrEventFor(1, 'Customer unavailable'))
    const [first] = await until('first message', () => provider.accepted().length > 0 && provider.accepted())
    await provider.idle()
    await provider.tap(first?.wamid ?? '', { title: 'Select new delivery date' })
    const [, dates] = await until('dates', () => provider.accepted().length > 1 && provider.accepted())
    await provider.tap(dates?.wamid ?? '', { index: 0 })
    await until('thanks', () => provider.accepted().length > 2)
    await provider.idle()
    const isApplied = async () => (await count('wa_dlr_messages WHERE due_at IS NULL')) === 9
    await until('three reports for each of three messages are applied', isApplied)
  }

  const types = () => published.map(({ properties }) => String(properties.type))

  it('tells every step of a conversation', () => {
    expect(types()).to.include.members(['inqueue', 'sent', 'delivered', 'read', 'Select new delivery date'])
    expect(published.length).to.be.greaterThanOrEqual(6)
  })

  it('names the step in the routing key', () => {
    const keys = new Set(published.map(({ fields }) => fields.routingKey))
    expect([...keys].sort()).to.deep.equal([
      'customer_notification.customer_reply',
      'customer_notification.delivered',
      'customer_notification.inqueue',
      'customer_notification.read',
      'customer_notification.select_new_delivery_date',
      'customer_notification.sent',
    ])
  })

  it('publishes each event once, with an id of its own, kept by the broker', () => {
    const ids = published.map(({ properties }) => String(properties.messageId))
    expect(new Set(ids).size).to.equal(ids.length)
    for (const { properties, fields } of published) {
      expect(properties.messageId).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(properties).to.include({ deliveryMode: 2, contentType: 'application/json' })
      expect(fields.redelivered).to.equal(false)
    }
  })

  it('publishes byte for byte what the API shows', () => {
    const byId = new Map(published.map(({ properties, content }) => [properties.messageId, content.toString('utf8')]))
    for (const { id, event } of shown) expect(byId.get(id), event.eventSubType).to.equal(JSON.stringify(event))
    expect(published.length).to.equal(shown.length)
  })

  it('marks as published what the broker confirmed', async () => {
    await until(
      'nothing is left to publish',
      async () => (await around.count('activity_events WHERE published_at IS NULL OR due_at IS NOT NULL')) === 0,
    )
  })
})

describe('a connection to RabbitMQ', function () {
  this.timeout(30_000)

  it('confirms a publish of 6 KB at once: small packets are not held back', async () => {
    const around = await prepareBroker()
    try {
      const times = await timePublishes(around.channel, 21)
      // Held back by Nagle's algorithm, each one would take 40 ms.
      expect(times[10]).to.be.lessThan(30)
    } finally {
      await around.close()
    }
  })
})

/** The connection that consumers and publishers of the gateway use. */
async function prepareBroker() {
  const broker = await openBroker()
  const opened: ConfirmChannel[] = []
  const connection = await openConnection({
    url: broker.url,
    purpose: 'activity',
    log: createLogger('silent'),
    metrics: createMetrics(),
    setup: async (model) => void opened.push(await model.createConfirmChannel()),
  })
  const channel = await until('connected', () => opened[0])
  return {
    channel,
    async close() {
      await connection.close()
      await broker.close()
    },
  }
}

/** Milliseconds, sorted. */
async function timePublishes(channel: ConfirmChannel, times: number): Promise<number[]> {
  const { queue } = await channel.assertQueue('', { exclusive: true })
  const taken: number[] = []
  for (let n = 0; n < times; n++) {
    const startedAt = performance.now()
    channel.sendToQueue(queue, Buffer.alloc(6_000, 'x'), { persistent: true })
    await channel.waitForConfirms()
    taken.push(performance.now() - startedAt)
  }
  return taken.sort((a, b) => a - b)
}
