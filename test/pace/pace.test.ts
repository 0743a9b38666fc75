import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { startApp } from '../../src/app.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { readEnv } from '../../src/env.ts'
import { configDir } from '../../src/paths.ts'
import { mostInASecond, pacePerSecond } from '../support/pace.ts'
import { scaled } from '../support/scale.ts'
import {
  aClock,
  aCustomer,
  activityOf,
  anOwnConnection,
  asAdmin,
  type Customer,
  deliver,
  eventFor,
  inWorld,
  messagesTo,
  type OwnConnection,
  requestsFor,
  storages,
  timelineOf,
} from '../support/stories.ts'
import { adminKey, callApi, until, type World } from '../support/world.ts'

const customers = (count: number) => Array.from({ length: count }, aCustomer)

async function limit(world: World, { connectionId }: OwnConnection, limits: object): Promise<void> {
  const { status, text } = await asAdmin(
    world,
    'PATCH',
    `/v1/connections/${connectionId}?verify=false`,
    JSON.stringify({ limits }),
  )
  expect(status, text).to.equal(200)
}

const tell = async (world: World, account_id: number, customer: Customer): Promise<string> =>
  (await deliver(world, eventFor(customer, { account_id }))).message?.id ?? ''

/** When the provider was asked to send through a number, in milliseconds, oldest first. */
const callsOf = (world: World, { phoneNumberId }: OwnConnection): number[] =>
  world.provider
    .requests()
    .filter(({ path }) => path.includes(`/${phoneNumberId}/messages`))
    .map(({ at }) => Date.parse(at))

/** When calls through a connection began, as the gateways wrote it down. */
async function begun(world: World, { connectionId }: OwnConnection): Promise<number[]> {
  const sql = `SELECT started_at AS at FROM wa_send_attempts WHERE connection_id = ${connectionId} ORDER BY started_at`
  const rows = await world.rows<{ at: string }>(sql)
  return rows.map(({ at }) => Date.parse(`${at.slice(0, 23).replace(' ', 'T')}Z`))
}

/** A call begins a claim's length after its turn; on a busy machine a few from one second slip into the next. */
const late = scaled(15, 5)

/** Delivers so many events to each gateway, some at a time. */
async function tellMany(urls: readonly string[], account_id: number, count: number): Promise<void> {
  const bodies = customers(count).map((customer) => JSON.stringify(eventFor(customer, { account_id })))
  const post = async (lane: number) => {
    for (let index = lane; index < bodies.length; index += 8) {
      const answer = await callApi(urls[index % urls.length] ?? '', 'POST', '/v1/events', bodies[index])
      expect(answer.status).to.equal(202)
    }
  }
  await Promise.all(Array.from({ length: 8 }, (_, lane) => post(lane)))
}

for (const storage of storages) {
  describe(`when the provider says that it is too fast, on ${storage}`, () => {
    it('nothing fails: what was throttled is accepted later', function () {
      this.timeout(40_000)
      const clock = aClock(new Date().toISOString())
      return inWorld({ storage, now: clock.now }, async (world) => {
        const owner = await anOwnConnection(world)
        world.provider.addRule({ phoneNumberId: owner.phoneNumberId, next: 8, error: { code: 130429 } })
        const told = customers(30)
        const ids = await Promise.all(told.map((customer) => tell(world, owner.accountId, customer)))
        await until(
          'all are accepted',
          async () => {
            clock.advance(0.25)
            return told.every((customer) => messagesTo(world, customer).length === 1)
          },
          30_000,
        )
        const failed = await world.rows("SELECT id FROM wa_outgoing_messages WHERE state IN ('failed', 'expired')")
        expect(failed).to.deep.equal([])
        expect(callsOf(world, owner)).to.have.length(38)
        for (const id of ids) expect(await activityOf(world, id)).not.to.include('failed')
        expect((await world.call('GET', `/v1/connections/${owner.connectionId}`)).body.state).to.equal('active')
      })
    })

    it('the connection pauses, and goes on at about half its pace', () =>
      inWorld({ storage }, async (world) => {
        const owner = await anOwnConnection(world)
        await limit(world, owner, { messagesPerSecond: 40, concurrency: 20 })
        world.provider.addRule({ phoneNumberId: owner.phoneNumberId, next: 1, error: { code: 130429 } })
        const customer = aCustomer()
        const id = await tell(world, owner.accountId, customer)
        await until('it is refused', async () => (await timelineOf(world, id)).state !== 'sending')
        await tellMany([world.url], owner.accountId, 60)
        await until('most are sent', () => callsOf(world, owner).length >= 45, 15_000)
        const [refused = 0, next = 0, ...others] = callsOf(world, owner)
        expect(next - refused, 'pause').to.be.within(980, scaled(5_000, 2_500))
        const firstSecond = others.filter((at) => at < next + 1_000)
        expect(firstSecond.length, 'in the first second').to.be.within(scaled(4, 10), 28)
      }))

    it('waits as long as it is asked to, and holds up no other connection', () =>
      inWorld({ storage }, async (world) => {
        const [owner, other] = [await anOwnConnection(world), await anOwnConnection(world)]
        const error = { code: 130429, http: 429, retryAfterS: 3 }
        world.provider.addRule({ phoneNumberId: owner.phoneNumberId, next: 1, error })
        const [refused, waits, elsewhere] = [aCustomer(), aCustomer(), aCustomer()]
        await tell(world, owner.accountId, refused)
        await until('it is refused', () => requestsFor(world, refused).length === 1)
        await sleep(50)
        await tell(world, owner.accountId, waits)
        await tell(world, other.accountId, elsewhere)
        await until('the other one sends', () => messagesTo(world, elsewhere).length === 1, 2_500)
        expect(requestsFor(world, waits)).to.have.length(0)
        await until('it goes on', () => messagesTo(world, waits).length === 1)
        const [first = 0, second = 0] = callsOf(world, owner)
        expect(second - first).to.be.within(2_950, 5_000)
      }))

    it('a limit of one recipient delays only that recipient', () => {
      const clock = aClock(new Date().toISOString())
      return inWorld({ storage, now: clock.now }, async (world) => {
        const owner = await anOwnConnection(world)
        const [slow, ...others] = customers(6)
        if (!slow) throw new Error('nobody')
        world.provider.addRule({ phone: slow.phone, next: 1, error: { code: 131056 } })
        const id = await tell(world, owner.accountId, slow)
        await until('it waits', async () => (await timelineOf(world, id)).state === 'waiting')
        const start = performance.now()
        for (const customer of others) await tell(world, owner.accountId, customer)
        await until('the others are told', () => others.every((customer) => messagesTo(world, customer).length === 1))
        expect(performance.now() - start, 'the others').to.be.lessThan(scaled(5_000, 1_000))
        await sleep(1_200)
        expect(requestsFor(world, slow)).to.have.length(1)
        clock.advance(1)
        await until('it is told', () => messagesTo(world, slow).length === 1)
      })
    })

    it('tells one recipient at most 45 things at once', function () {
      this.timeout(40_000)
      return inWorld({ storage }, async (world) => {
        const owner = await anOwnConnection(world)
        const [busy, other] = [aCustomer(), aCustomer()]
        const ids = await Promise.all(Array.from({ length: 50 }, () => tell(world, owner.accountId, busy)))
        expect(new Set(ids).size).to.equal(50)
        await until('the burst is sent', () => messagesTo(world, busy).length === 45, 20_000)
        await tell(world, owner.accountId, other)
        await until('another one is told at once', () => messagesTo(world, other).length === 1, 3_000)
        await sleep(1_500)
        expect(messagesTo(world, busy)).to.have.length(45)
        await until('one more', () => messagesTo(world, busy).length === 46, 8_000)
        await sleep(1_500)
        expect(messagesTo(world, busy)).to.have.length(46)
      })
    })
  })

  describe(`limits of a connection, on ${storage}`, () => {
    it('600 messages at 100 a second use most of it and never more', function () {
      this.timeout(60_000)
      this.retries(2)
      return inWorld({ storage, simulator: { keepBodies: false } }, async (world) => {
        const owner = await anOwnConnection(world)
        await limit(world, owner, { messagesPerSecond: 0.001 })
        await tellMany([world.url], owner.accountId, 600)
        await limit(world, owner, { messagesPerSecond: 100, concurrency: 40 })
        await until('all are sent', () => callsOf(world, owner).length === 600, 40_000)
        await until('all is written', async () => (await begun(world, owner)).length === 600)
        // Without the first one, which was let through before.
        const times = (await begun(world, owner)).slice(1)
        expect(pacePerSecond(times), 'used').to.be.at.least(scaled(60, 95))
        expect(mostInASecond(times), 'in any second').to.be.at.most(105 + late)
      })
    })
  })
}

describe('limits of a connection, shared', () => {
  it('two gateways on one database keep them together, and use them', function () {
    this.timeout(60_000)
    this.retries(2)
    return inWorld({ storage: 'mysql', simulator: { keepBodies: false } }, async (world) => {
      const owner = await anOwnConnection(world)
      const second = await startApp({
        env: readEnv({ ...world.env, PORT: '0' }),
        log: createLogger('silent'),
        configDir,
        secretsKeys: world.env.SECRETS_KEYS ?? '',
        adminKey,
      })
      try {
        const live = 'SELECT replica_id FROM gateway_replicas'
        await until('both live', async () => (await world.rows(live)).length === 2)
        await sleep(2_000)
        const both = [world, { ...world, url: second.url }]
        for (const gateway of both) await limit(gateway, owner, { messagesPerSecond: 0.001 })
        await tellMany([world.url, second.url], owner.accountId, 600)
        for (const gateway of both) await limit(gateway, owner, { messagesPerSecond: 100, concurrency: 40 })
        await until('all are sent', () => callsOf(world, owner).length === 600, 40_000)
        await until('all is written', async () => (await begun(world, owner)).length === 600)
        const times = (await begun(world, owner)).slice(2)
        expect(pacePerSecond(times), 'together').to.be.within(scaled(60, 80), 105)
        expect(mostInASecond(times), 'in any second').to.be.at.most(105 + 2 * late)
        expect(world.provider.stats().maxAcceptedPerReference).to.equal(1)
      } finally {
        await second.stop()
      }
    })
  })
})
