import { expect } from 'chai'
import { simulatorAccount } from '../support/fixtures.ts'
import {
  aCustomer,
  anOwnConnection,
  aStatus,
  asAdmin,
  aWebhook,
  type Customer,
  deliver,
  eventFor,
  inWorld,
  messagesTo,
  type OwnConnection,
  postWebhook,
  requestsFor,
  signatureOf,
  storages,
  tap,
  timelineOf,
} from '../support/stories.ts'
import { type Storage, until, type World } from '../support/world.ts'

const platformNumber = simulatorAccount.credentials.phoneNumberId

/** An account with a connection of its own, which falls back on the platform's. */
async function anOwnWithFallback(world: World): Promise<OwnConnection> {
  const owner = await anOwnConnection(world)
  const path = `/v1/connections/${owner.connectionId}`
  const { status, text } = await asAdmin(world, 'PATCH', path, JSON.stringify({ fallbackConnectionId: '1' }))
  expect(status, text).to.equal(200)
  return owner
}

async function tell(world: World, { accountId }: OwnConnection, customer: Customer): Promise<string> {
  return (await deliver(world, eventFor(customer, { account_id: accountId }))).message?.id ?? ''
}

/** The numbers that took a message for the customer. */
const takenBy = (world: World, customer: Customer) =>
  messagesTo(world, customer).map(({ phoneNumberId }) => phoneNumberId)

const arrives = (world: World, customer: Customer) =>
  until('the message arrives', () => messagesTo(world, customer).length === 1)

for (const storage of storages) {
  describe(`a connection with a fallback, on ${storage}`, () => {
    const story = (tellIt: (world: World, owner: OwnConnection) => Promise<void>) => () => inOwnWorld(storage, tellIt)

    it(
      'sends through its own number while that can send',
      story(async (world, owner) => {
        const customer = aCustomer()
        const id = await tell(world, owner, customer)
        await arrives(world, customer)
        expect(takenBy(world, customer)).to.deep.equal([owner.phoneNumberId])
        expect((await timelineOf(world, id)).route.why).to.equal("account's own connection")
      }),
    )

    it(
      'goes on through the fallback when the token is refused, and from then on directly',
      story(async (world, owner) => {
        world.provider.addRule({ phoneNumberId: owner.phoneNumberId, error: { code: 190 } })
        const [first, second] = [aCustomer(), aCustomer()]
        const id = await tell(world, owner, first)
        await arrives(world, first)
        await until('it is written', async () => (await timelineOf(world, id)).state === 'accepted')
        expect(takenBy(world, first)).to.deep.equal([platformNumber])
        const { route, attempts, businessPhone } = (await timelineOf(world, id)) as Awaited<
          ReturnType<typeof timelineOf>
        > & { businessPhone: string }
        const why = `fallback: connection ${owner.connectionId} refused (credentials_invalid)`
        expect(route).to.deep.equal({ connectionId: '1', why })
        expect(businessPhone).to.equal('+911140001234')
        expect(attempts.map(({ outcome }) => outcome)).to.deep.equal(['refused', 'accepted'])

        const path = `/v1/connections/${owner.connectionId}`
        await until('it is paused', async () => (await world.call('GET', path)).body.state === 'paused')
        const next = await tell(world, owner, second)
        await arrives(world, second)
        expect(requestsFor(world, second)).to.have.length(1)
        expect((await timelineOf(world, next)).route.why).to.equal(
          "fallback: account's own connection is paused (credentials_invalid)",
        )
      }),
    )

    it(
      'the reports of the number that took it are believed',
      story(async (world, owner) => {
        world.provider.addRule({ phoneNumberId: owner.phoneNumberId, error: { code: 190 } })
        const customer = aCustomer()
        const id = await tell(world, owner, customer)
        await until('it is read', async () => (await timelineOf(world, id)).status === 'read')
      }),
    )

    it(
      'a tap on what the first number delivered counts, although the message went on elsewhere',
      story(async (world, owner) => {
        const customer = aCustomer()
        const id = await tell(world, owner, customer)
        await until('it is read', async () => (await timelineOf(world, id)).status === 'read')
        // As when an attempt in doubt was delivered after all, and the next one was refused.
        await world.database.write('UPDATE wa_outgoing_messages SET whatsappSenderConnectionId = 1 WHERE id = $1', [id])
        const [thanks] = await tap(world, messagesTo(world, customer)[0], 'Reattempt')
        expect(thanks?.phoneNumberId, 'answered where the customer wrote').to.equal(owner.phoneNumberId)
        expect((await timelineOf(world, id)).actions).to.have.length(1)
      }),
    )

    for (const { label, code } of [
      { label: 'asks to try again later', code: 134101 },
      { label: 'does not know the template', code: 132001 },
    ]) {
      it(
        `goes on through the fallback when the provider ${label}`,
        story(async (world, owner) => {
          const customer = aCustomer()
          world.provider.addRule({ phoneNumberId: owner.phoneNumberId, phone: customer.phone, error: { code } })
          await tell(world, owner, customer)
          await arrives(world, customer)
          expect(takenBy(world, customer)).to.deep.equal([platformNumber])
        }),
      )
    }

    for (const { label, rule } of [
      { label: '503 without a word', rule: { error: { http: 503 } } },
      { label: '500 with a code of its own', rule: { error: { code: 131000 } } },
      { label: 'a connection that breaks off', rule: { answer: 'reset', accept: false } as const },
    ]) {
      it(
        `${label} leaves it in doubt: it is not sent through another number`,
        story(async (world, owner) => {
          const customer = aCustomer()
          world.provider.addRule({ phoneNumberId: owner.phoneNumberId, phone: customer.phone, ...rule })
          const id = await tell(world, owner, customer)
          await until('it is in doubt', async () => (await timelineOf(world, id)).state === 'in_doubt')
          await new Promise((resolve) => setTimeout(resolve, 1_200))
          expect(requestsFor(world, customer)).to.have.length(1)
          expect(takenBy(world, customer)).to.deep.equal([])
          expect((await timelineOf(world, id)).route).to.deep.equal({
            connectionId: owner.connectionId,
            why: "account's own connection",
          })
        }),
      )
    }

    it(
      'a throttled message waits for its own number',
      story(async (world, owner) => {
        const customer = aCustomer()
        world.provider.addRule({ phone: customer.phone, next: 1, error: { code: 130429 } })
        const id = await tell(world, owner, customer)
        await until('it waits', async () => (await timelineOf(world, id)).state === 'waiting')
        expect((await timelineOf(world, id)).route.connectionId).to.equal(owner.connectionId)
      }),
    )

    it(
      'new messages go through the fallback while the number does not answer',
      story(async (world, owner) => {
        world.provider.addRule({ phoneNumberId: owner.phoneNumberId, error: { http: 503 } })
        const doubted = Array.from({ length: 15 }, aCustomer)
        for (const customer of doubted) await tell(world, owner, customer)
        const settled = "SELECT id FROM wa_outgoing_messages WHERE state IN ('queued', 'sending')"
        const customer = aCustomer()
        await until('the breaker is open', async () => {
          const other = aCustomer()
          const id = await tell(world, owner, other)
          return (await timelineOf(world, id)).route.why.startsWith('fallback')
        })
        const id = await tell(world, owner, customer)
        await arrives(world, customer)
        expect(takenBy(world, customer)).to.deep.equal([platformNumber])
        expect((await timelineOf(world, id)).route.why).to.equal("fallback: account's own connection does not answer")
        expect(await world.rows(settled)).to.have.length.below(15)
        for (const { waId } of doubted) {
          const taken = world.provider.accepted().filter(({ to }) => to === waId)
          expect(taken.length, 'told at most once').to.be.at.most(1)
        }
      }),
    )

    it(
      'is tried once: when it refuses as well the message waits there',
      story(async (world, owner) => {
        const customer = aCustomer()
        world.provider.addRule({ phone: customer.phone, error: { code: 134101 } })
        const id = await tell(world, owner, customer)
        await until('it waits', async () => (await timelineOf(world, id)).state === 'waiting')
        expect(requestsFor(world, customer)).to.have.length(2)
        expect((await timelineOf(world, id)).route.connectionId).to.equal('1')
      }),
    )
  })
}

describe('a connection with a fallback, that did not answer for a while', function () {
  this.timeout(60_000)
  it('is tried again by a message of its own, and used again once it answers', () =>
    inOwnWorld('sqlite', async (world, owner) => {
      const unreachable = { phoneNumberId: owner.phoneNumberId, error: { code: 134101 } }
      world.provider.addRule(unreachable)
      const route = async () => (await timelineOf(world, await tell(world, owner, aCustomer()))).route
      await until('its breaker is open', async () => (await route()).why.includes('does not answer'))
      world.provider.clearRules()
      await until('it is used again', async () => (await route()).why === "account's own connection", 30_000)
    }))
})

for (const storage of storages) {
  describe(`a first message that was taken and failed in the end, on ${storage}`, () => {
    /** Template paused: the vendor took the message before it noticed. */
    const failCode = 132015
    const prefer = (world: World, { accountId, connectionId }: OwnConnection, settings: object) =>
      asAdmin(
        world,
        'PUT',
        `/v1/accounts/${accountId}/settings`,
        JSON.stringify({ isWhatsappEnabled: true, whatsappSenderConnectionId: connectionId, ...settings }),
      )
    const failIn = async (world: World, owner: OwnConnection, code = failCode) => {
      const customer = aCustomer()
      const webhooks = { failCode: code, duplicates: 2 }
      world.provider.addRule({ phoneNumberId: owner.phoneNumberId, phone: customer.phone, webhooks })
      const id = await tell(world, owner, customer)
      await until('it has failed', async () => (await timelineOf(world, id)).status === 'failed')
      return { customer, id }
    }

    it('is told once more through the fallback when the account says so, as a message of its own', () =>
      inOwnWorld(storage, async (world, owner) => {
        await prefer(world, owner, { fallbackOnFailed: true })
        const { customer, id } = await failIn(world, owner)
        await until('it is told again', () => messagesTo(world, customer).length === 2)
        expect(takenBy(world, customer)).to.deep.equal([owner.phoneNumberId, platformNumber])
        const { items } = (
          await world.call<{ items: { id: string }[] }>('GET', `/v1/messages?phone=%2B${customer.waId}`)
        ).body
        expect(items).to.have.length(2)
        const again = await timelineOf(world, items[0]?.id ?? '')
        expect(again.route).to.deep.equal({
          connectionId: '1',
          why: `fallback: message ${id} failed through connection ${owner.connectionId} (template_paused)`,
        })
        await until('it is read', async () => (await timelineOf(world, items[0]?.id ?? '')).status === 'read')
        expect((await timelineOf(world, id)).status).to.equal('failed')

        await tap(world, messagesTo(world, customer)[1], 'Reattempt')
        expect((await timelineOf(world, items[0]?.id ?? '')).actions).to.have.length(1)
        expect((await timelineOf(world, id)).actions).to.have.length(0)
      }))

    for (const { label, settings, code } of [
      { label: 'the account did not say so', settings: {}, code: failCode },
      { label: 'no other number could reach the recipient either', settings: { fallbackOnFailed: true }, code: 131026 },
    ])
      it(`is not told again when ${label}`, () =>
        inOwnWorld(storage, async (world, owner) => {
          await prefer(world, owner, settings)
          const { customer } = await failIn(world, owner, code)
          await new Promise((resolve) => setTimeout(resolve, 500))
          expect(takenBy(world, customer)).to.deep.equal([owner.phoneNumberId])
        }))

    it('pauses its connection when that cannot pay, but not for news from before it was mended', () =>
      inOwnWorld(storage, async (world, owner) => {
        const path = `/v1/connections/${owner.connectionId}`
        const state = async () => (await world.call<{ state: string }>('GET', path)).body.state
        const early = aCustomer()
        world.provider.addRule({ phone: early.phone, webhooks: { suppress: ['sent', 'delivered', 'read'] } })
        const id = await tell(world, owner, early)
        await until('it is accepted', async () => (await timelineOf(world, id)).status === 'accepted')
        await failIn(world, owner, 131042)
        await until('it is paused', async () => (await state()) === 'paused')

        // Later than the second in which the early one was taken.
        await new Promise((resolve) => setTimeout(resolve, 1_100))
        await asAdmin(world, 'PATCH', path, JSON.stringify({ state: 'active' }))
        const [taken] = messagesTo(world, early)
        if (!taken) throw new Error('nothing was taken')
        const body = JSON.stringify(
          aWebhook({ statuses: [aStatus(taken, 'failed', { errors: [{ code: 131042 }] })] }, owner.phoneNumberId),
        )
        const signature = signatureOf(body, owner.credentials.appSecret)
        expect((await postWebhook(world, body, { path: owner.path, signature })).status).to.equal(200)
        await until('it has failed', async () => (await timelineOf(world, id)).status === 'failed')
        expect(await state()).to.equal('active')
      }))
  })
}

function inOwnWorld(storage: Storage, tellIt: (world: World, owner: OwnConnection) => Promise<void>): Promise<void> {
  return inWorld({ storage }, async (world) => tellIt(world, await anOwnWithFallback(world)))
}
