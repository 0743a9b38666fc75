import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { printFigures } from '../support/figures.ts'
import type { GatewayProcess } from '../support/process.ts'
import { startProxy, type TestProxy, throughProxy } from '../support/proxy.ts'
import { scaled } from '../support/scale.ts'
import { aCustomer, anOwnConnection, eventFor, type OwnConnection } from '../support/stories.ts'
import { callGateway, prepareSurroundings, type Surroundings, through } from '../support/surroundings.ts'
import { countRows, unfinished } from '../support/unfinished.ts'
import { until } from '../support/world.ts'

const awaySeconds = scaled(20, 300)
const perSecond = 20
/** Every so many customers answer, so that several messages of one conversation are told about. */
const tapsEvery = 4

interface Arrived {
  readonly id: string
  readonly conversation: string
  readonly sequence: number
  readonly body: string
}

describe(`the broker is away for ${awaySeconds} s under load`, function () {
  this.timeout(180_000 + awaySeconds * 3_000)
  let around: Surroundings
  let proxy: TestProxy
  let gateways: GatewayProcess[]
  let owner: OwnConnection
  let arrived: Arrived[]
  let posted = 0
  let queued = 0

  before(async () => {
    around = await prepareSurroundings({ simulator: { keepBodies: false } })
    await around.broker.bindActivity()
    proxy = await startProxy(around.broker.url)
    const env = { AMQP_URL: throughProxy(around.broker.url, proxy) }
    // Two replicas write about the same conversations; both would publish.
    gateways = [await around.gateway(env), await around.gateway({ ...env, PORT: '0' })]
    const [first] = gateways
    if (!first) throw new Error('no gateway')
    owner = await anOwnConnection(through(around, first))
    await events(5)
    proxy.cut()
    await events(awaySeconds)
    proxy.heal()
    await events(5)
    await until('nothing is left to do', async () => (await unfinished(around.database)).length === 0, 90_000)
    arrived = (await around.broker.takeActivity()).map(({ properties, content }) => ({
      id: String(properties.messageId),
      conversation: String(properties.headers?.conversationId),
      sequence: Number(properties.headers?.sequence),
      body: content.toString('utf8'),
    }))
  })
  after(async () => {
    await around?.close()
    await proxy?.close()
  })

  /** Posts events at the pace, in turn to both replicas, and lets some customers answer. */
  async function events(seconds: number) {
    const end = Date.now() + seconds * 1_000
    for (let next = Date.now(); Date.now() < end; next += 1_000 / perSecond) {
      await sleep(Math.max(0, next - Date.now()))
      const gateway = gateways[posted % gateways.length]
      if (!gateway) continue
      const event = eventFor(aCustomer(), { reason: 'customer_unavailable', account_id: owner.accountId })
      const { body } = await callGateway<{ outcome: string }>(gateway, 'POST', '/v1/events', event)
      posted++
      if (body.outcome === 'queued') queued++
      if (posted % tapsEvery === 0) void tapNewest()
    }
  }

  async function tapNewest() {
    const newest = around.provider.accepted().at(-1)
    if (newest) await around.provider.tap(newest.wamid, { title: 'Reattempt' }).catch(() => {})
  }

  it('no event is lost', async () => {
    expect(queued).to.equal(posted)
    expect(
      await countRows(around.database, "wa_outgoing_messages WHERE kind = 'fdr' AND root_outgoing_message_id IS NULL"),
    ).to.equal(posted)
    expect(
      await countRows(around.database, "wa_outgoing_messages WHERE state = 'accepted' AND status_rank < 7"),
    ).to.equal(0)
  })

  it('every activity event is published, with the body that the table has', async () => {
    const rows = await around.database.select<{ event_id: string; payload: string }>(
      'SELECT event_id, payload FROM activity_events',
    )
    const bodies = new Map(arrived.map(({ id, body }) => [id, body]))
    expect(bodies.size).to.equal(rows.length)
    for (const { event_id, payload } of rows) expect(bodies.get(event_id)).to.equal(payload)
  })

  it('those of one conversation come in the order of their numbers, without a gap', () => {
    const seen = new Set<string>()
    const numbers = new Map<string, number[]>()
    for (const { id, conversation, sequence } of arrived) {
      if (seen.has(id)) continue
      seen.add(id)
      numbers.set(conversation, [...(numbers.get(conversation) ?? []), sequence])
    }
    for (const [conversation, came] of numbers) {
      expect(came, conversation).to.deep.equal(came.map((_, index) => index + 1))
    }
    printFigures({
      'events posted': posted,
      'activity events published': seen.size,
      'of them published again': arrived.length - seen.size,
      conversations: numbers.size,
      'most events of one conversation': Math.max(...[...numbers.values()].map((came) => came.length)),
    })
    expect(numbers.size).to.equal(posted)
  })
})
