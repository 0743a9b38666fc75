import { expect } from 'chai'
import { scaled } from '../support/scale.ts'
import {
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
  storages,
  timelineOf,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

interface ShownConnection {
  readonly state: string
  readonly stateReason: string | null
}

const connectionOf = async (world: World, { connectionId }: OwnConnection): Promise<ShownConnection> =>
  (await world.call<ShownConnection & Record<string, unknown>>('GET', `/v1/connections/${connectionId}`)).body

const patch = async (world: World, { connectionId }: OwnConnection, body: object) => {
  const { status, text } = await asAdmin(
    world,
    'PATCH',
    `/v1/connections/${connectionId}?verify=false`,
    JSON.stringify(body),
  )
  expect(status, text).to.equal(200)
}

/** From now on the provider knows the number by another token. */
function revoke(world: World, { credentials, path }: OwnConnection, accessToken: string): void {
  const { phoneNumberId = '', wabaId = '', appSecret = '' } = credentials
  const webhookUrl = world.url + path
  world.provider.addAccount({
    phoneNumberId,
    wabaId,
    appSecret,
    accessToken,
    webhookUrl,
    displayPhoneNumber: '+911140009999',
  })
}

const callsOf = (world: World, { phoneNumberId }: OwnConnection) =>
  world.provider.requests().filter(({ path }) => path.includes(`/${phoneNumberId}/messages`))

const refusalsOf = (world: World, owner: OwnConnection) =>
  callsOf(world, owner).filter(({ verdict }) => verdict.includes('190'))

/** Delivers an event to each; resolves with the ids of their messages. */
const tellAll = (world: World, account_id: number, customers: readonly Customer[]): Promise<string[]> =>
  Promise.all(
    customers.map(async (customer) => (await deliver(world, eventFor(customer, { account_id }))).message?.id ?? ''),
  )

const customers = (count: number) => Array.from({ length: count }, aCustomer)

async function pausesCounted(world: World): Promise<string | undefined> {
  const { text } = await asAdmin(world, 'GET', '/metrics')
  return /fdr_connections_paused_total\{reason="credentials_invalid"\} (\d+)/.exec(text)?.[1]
}

const concurrency = 5

for (const storage of storages) {
  describe(`when the token of a connection is revoked, on ${storage}`, () => {
    it('pauses once, loses and fails nothing, and delivers everything after the new token is stored', function () {
      this.timeout(60_000)
      return inWorld({ storage }, async (world) => {
        const owner = await anOwnConnection(world)
        await patch(world, owner, { limits: { messagesPerSecond: 100, concurrency } })
        const told = customers(150)
        const ids = await tellAll(world, owner.accountId, told)
        await until('some are sent', () => callsOf(world, owner).length >= 20)
        revoke(world, owner, 'EAAnewtoken')

        await until('it is paused', async () => (await connectionOf(world, owner)).state === 'paused')
        expect((await connectionOf(world, owner)).stateReason).to.equal('credentials_invalid')
        const late = customers(5)
        ids.push(...(await tellAll(world, owner.accountId, late)))
        const callsBefore = callsOf(world, owner).length
        await new Promise((resolve) => setTimeout(resolve, 2_500))
        expect(callsOf(world, owner), 'calls while paused').to.have.length(callsBefore)
        expect(refusalsOf(world, owner).length, 'wasted').to.be.within(1, concurrency)
        expect(await pausesCounted(world)).to.equal('1')

        await patch(world, owner, { credentials: { accessToken: 'EAAnewtoken' } })
        const open = "SELECT id FROM wa_outgoing_messages WHERE state <> 'accepted'"
        await until('all are delivered', async () => (await world.rows(open)).length === 0, 30_000)
        expect(await connectionOf(world, owner)).to.deep.include({ state: 'active', stateReason: null })
        for (const customer of [...told, ...late]) expect(messagesTo(world, customer)).to.have.length(1)
        expect(await world.rows("SELECT id FROM activity_events WHERE event_sub_type = 'failed'")).to.deep.equal([])
        expect(refusalsOf(world, owner).length, 'wasted in all').to.be.at.most(concurrency)
      })
    })

    it('stays paused when the new token is no good either, and says so a second time', () =>
      inWorld({ storage }, async (world) => {
        const owner = await anOwnConnection(world)
        revoke(world, owner, 'EAAgoodtoken')
        const customer = aCustomer()
        const [id = ''] = await tellAll(world, owner.accountId, [customer])
        const isPaused = async () => (await connectionOf(world, owner)).state === 'paused'
        await until('it is paused', isPaused)
        await patch(world, owner, { credentials: { accessToken: 'EAAwrongtoken' } })
        await until('it is tried', () => callsOf(world, owner).length === 2)
        await until('it is paused again', isPaused)
        expect(await timelineOf(world, id)).to.deep.include({ state: 'waiting', status: 'queued' })
        expect(await pausesCounted(world)).to.equal('2')
        await patch(world, owner, { credentials: { accessToken: 'EAAgoodtoken' } })
        await until('it is sent', () => messagesTo(world, customer).length === 1)
        expect(await activityOf(world, id)).not.to.include('failed')
      }))

    it('holds up no other connection', () =>
      inWorld({ storage }, async (world) => {
        const [owner, other] = [await anOwnConnection(world), await anOwnConnection(world)]
        revoke(world, owner, 'EAAnewtoken')
        await tellAll(world, owner.accountId, customers(3))
        await until('it is paused', async () => (await connectionOf(world, owner)).state === 'paused')
        const customer = aCustomer()
        await tellAll(world, other.accountId, [customer])
        await until('the other one sends', () => messagesTo(world, customer).length === 1, 2_000)
        expect((await connectionOf(world, other)).state).to.equal('active')
      }))
  })

  describe(`many messages that wait on a paused connection, on ${storage}`, () => {
    it("5,000 of them do not delay another connection's first message", function () {
      this.timeout(60_000)
      return inWorld({ storage }, async (world) => {
        const [owner, other] = [await anOwnConnection(world), await anOwnConnection(world)]
        revoke(world, owner, 'EAAnewtoken')
        await tellAll(world, owner.accountId, [aCustomer()])
        await until('it is paused', async () => (await connectionOf(world, owner)).state === 'paused')
        await letWait(world, 5_000)
        await new Promise((resolve) => setTimeout(resolve, 2_000))
        const [first, second] = [aCustomer(), aCustomer()]
        for (const customer of [first, second]) {
          const start = performance.now()
          void tellAll(world, other.accountId, [customer])
          await until('it is sent', () => messagesTo(world, customer).length === 1)
          expect(performance.now() - start).to.be.lessThan(scaled(2_000, 200))
        }
        expect(refusalsOf(world, owner)).to.have.length(1)
      })
    })
  })
}

/** Copies the one message that waits until so many do, each to a recipient of its own and due at once. */
async function letWait(world: World, count: number): Promise<void> {
  const columns =
    'account_id, kind, whatsappSenderConnectionId, business_phone, payload, context, route, status_rank, attempts, expires_at, created_at, updated_at'
  const size = 500
  for (let from = 0; from < count; from += size) {
    const numbers = Array.from({ length: size }, (_, index) => from + index)
    const selects = numbers.map(
      (number) =>
        `SELECT 'copy-${String(number).padStart(17, '0')}', 'copy:${number}', '+91982${String(number).padStart(7, '0')}', 'queued', created_at, ${columns}
         FROM wa_outgoing_messages WHERE id = 1`,
    )
    await world.database.write(
      `INSERT INTO wa_outgoing_messages (reference, idempotency_key, customer_phone, state, due_at, ${columns}) ${selects.join(' UNION ALL ')}`,
    )
  }
}

for (const storage of storages) {
  describe(`an operator's pause, on ${storage}`, () => {
    it('holds messages until the connection is resumed; other changes do not resume it', () =>
      inWorld({ storage }, async (world) => {
        const owner = await anOwnConnection(world)
        await patch(world, owner, { state: 'paused' })
        expect(await connectionOf(world, owner)).to.include({ state: 'paused', stateReason: 'by hand' })
        const [id = ''] = await tellAll(world, owner.accountId, [aCustomer()])
        await patch(world, owner, { name: 'Renamed' })
        expect(await connectionOf(world, owner)).to.include({ state: 'paused' })
        expect(callsOf(world, owner)).to.be.empty
        await patch(world, owner, { state: 'active' })
        await until('it is sent', async () => (await timelineOf(world, id)).state === 'accepted')
        expect(callsOf(world, owner)).to.have.length(1)
      }))
  })
}
