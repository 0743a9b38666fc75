/** Nobody is woken: first messages wait for the morning at their recipients', whatever made them late. */

import { expect } from 'chai'
import {
  aClock,
  aCustomer,
  anOwnConnection,
  type Customer,
  deliver,
  eventFor,
  inWorld,
  messagesTo,
  settle,
  storages,
  tap,
  timelineOf,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

const night = { quietHours: { from: '21:00', to: '08:00' } }
const minutesTo = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 60_000

let nextSpanish = 612_300_000
/** Somebody with a number of Spain. */
function aSpaniard(): Customer {
  const local = `+34${nextSpanish++}`
  return { local, phone: local, waId: local.slice(1) }
}

const isSent = (world: World, customer: Customer) =>
  until('the message is sent', () => messagesTo(world, customer).length > 0)

interface Shown {
  readonly waitingUntil: string | null
  readonly waitingFor: string | null
  readonly status: string
  readonly attempts: readonly unknown[]
}
const shown = async (world: World, id: string | undefined) => (await timelineOf(world, id)) as unknown as Shown

for (const storage of storages) {
  describe(`quiet hours on ${storage}`, () => {
    it("end at eight by the recipient's own clock: in Kolkata, in Madrid, once, at the connection's pace", async () => {
      const start = '2026-06-20T20:30:00Z'
      const clock = aClock(start)
      await inWorld({ storage, now: clock.now }, async (world) => {
        const limits = { messagesPerSecond: 5, concurrency: 4 }
        const byCountry = await anOwnConnection(world, { settings: night, limits })
        const byAccount = await anOwnConnection(world, { settings: { ...night, timezone: 'Asia/Kolkata' }, limits })
        const spaniards = Array.from({ length: 12 }, aSpaniard)
        const visitor = aSpaniard()
        const indian = aCustomer()
        // 22:30 in Madrid, 02:00 in Kolkata.
        const told = []
        for (const customer of spaniards)
          told.push(await deliver(world, eventFor(customer, { account_id: byCountry.accountId })))
        const toIndian = await deliver(world, eventFor(indian, { account_id: byCountry.accountId }))
        const toVisitor = await deliver(world, eventFor(visitor, { account_id: byAccount.accountId }))
        await settle(world)
        const everybody = [...spaniards, indian, visitor]
        expect(everybody.flatMap((customer) => messagesTo(world, customer))).to.deep.equal([])
        const claims = await world.rows<{ n: number }>('SELECT MAX(attempts) AS n FROM wa_outgoing_messages')
        expect(Number(claims[0]?.n), 'nothing is taken up in vain').to.equal(0)
        for (const [event, opening] of [
          [told[0], '2026-06-21T06:00:00.000Z'],
          [toIndian, '2026-06-21T02:30:00.000Z'],
          [toVisitor, '2026-06-21T02:30:00.000Z'],
        ] as const) {
          const { waitingUntil, waitingFor, status } = await shown(world, event?.message?.id)
          expect({ waitingUntil, waitingFor, status }).to.deep.equal({
            waitingUntil: opening,
            waitingFor: 'quiet_hours',
            status: 'queued',
          })
        }

        clock.advance(minutesTo(start, '2026-06-21T02:30:00Z'))
        await Promise.all([isSent(world, indian), isSent(world, visitor)])
        await settle(world)
        expect(spaniards.flatMap((customer) => messagesTo(world, customer))).to.deep.equal([])

        clock.advance(minutesTo('2026-06-21T02:30:00Z', '2026-06-21T06:00:00Z'))
        const beganMs = performance.now()
        for (const customer of spaniards) await isSent(world, customer)
        const tookMs = performance.now() - beganMs
        await settle(world)
        for (const customer of everybody) expect(messagesTo(world, customer)).to.have.length(1)
        // Twelve at five a second, of which a second's share may leave at once.
        expect(tookMs).to.be.above(1_000)
      })
    })

    it('begin at half past ten in Kolkata as well, seen from there', async () => {
      const start = '2026-06-20T17:00:00Z'
      const clock = aClock(start)
      await inWorld({ storage, now: clock.now }, async (world) => {
        const { accountId } = await anOwnConnection(world, { settings: night })
        const [indian, spaniard] = [aCustomer(), aSpaniard()]
        await deliver(world, eventFor(indian, { account_id: accountId }))
        await deliver(world, eventFor(spaniard, { account_id: accountId }))
        // 19:00 in Madrid.
        await isSent(world, spaniard)
        await settle(world)
        expect(messagesTo(world, indian)).to.deep.equal([])
        clock.advance(minutesTo(start, '2026-06-21T02:29:00Z'))
        await settle(world)
        expect(messagesTo(world, indian)).to.deep.equal([])
        clock.advance(1)
        await isSent(world, indian)
      })
    })

    it('are waited for by what a retry or a pause made late, and what is about nothing by then is not sent', async () => {
      const start = '2026-06-20T15:29:00Z'
      const clock = aClock(start)
      await inWorld({ storage, now: clock.now }, async (world) => {
        const own = await anOwnConnection(world, { settings: night })
        const [retried, useless] = [aCustomer(), aCustomer()]
        const early = await anOwnConnection(world, { settings: { quietHours: { from: '20:59', to: '09:00' } } })
        for (const { phone } of [retried, useless]) world.provider.addRule({ phone, next: 1, error: { code: 131056 } })
        const first = await deliver(world, eventFor(retried, { account_id: own.accountId }))
        // 20:59 in Kolkata; of use until 08:59.
        await world.call('PUT', `/v1/accounts/${early.accountId}/settings`, {
          isWhatsappEnabled: true,
          whatsappSenderConnectionId: early.connectionId,
        })
        const second = await deliver(world, eventFor(useless, { account_id: early.accountId }))
        await settle(world)
        await world.call('PUT', `/v1/accounts/${early.accountId}/settings`, {
          isWhatsappEnabled: true,
          whatsappSenderConnectionId: early.connectionId,
          quietHours: { from: '20:59', to: '09:00' },
        })
        expect((await shown(world, first.message?.id)).waitingFor).to.equal('next_attempt')
        const stopped = await anOwnConnection(world, { settings: night })
        const state = (state: string) => world.call('PATCH', `/v1/connections/${stopped.connectionId}`, { state })
        expect((await state('paused')).status).to.equal(200)
        const late = aCustomer()
        const third = await deliver(world, eventFor(late, { account_id: stopped.accountId }))
        clock.advance(5)
        expect((await state('active')).status).to.equal(200)
        await until('what the pause made late waits for the morning', async () => {
          return (await shown(world, third.message?.id)).waitingFor === 'quiet_hours'
        })
        const kept = await until('the retry waits for the morning', async () => {
          const found = await shown(world, first.message?.id)
          return found.waitingFor === 'quiet_hours' && found
        })
        expect(kept.waitingUntil).to.equal('2026-06-21T02:30:00.000Z')
        expect(kept.attempts).to.have.length(1)
        const listed = await world.call<{ items: { attempts: number }[] }>(
          'GET',
          `/v1/messages?accountId=${own.accountId}`,
        )
        expect(
          listed.body.items.map(({ attempts }) => attempts),
          'the claim is no attempt',
        ).to.deep.equal([1])
        const ended = await until('it is of no use any more', async () => {
          const found = await timelineOf(world, second.message?.id)
          return found.state === 'skipped' && found
        })
        expect(ended.failure?.code).to.equal('useless_after_quiet_hours')
        clock.advance(minutesTo('2026-06-20T15:34:00Z', '2026-06-21T02:30:00Z'))
        for (const customer of [retried, late]) await isSent(world, customer)
        await settle(world)
        for (const customer of [retried, late]) expect(messagesTo(world, customer)).to.have.length(1)
        expect(messagesTo(world, useless)).to.deep.equal([])
      })
    })

    it('are told at once to whoever sends what would be useless in the morning', async () => {
      const clock = aClock('2026-06-20T15:30:00Z')
      await inWorld({ storage, now: clock.now }, async (world) => {
        const settings = { quietHours: { from: '21:00', to: '09:00' } }
        const { accountId } = await anOwnConnection(world, { settings })
        const customer = aCustomer()
        const told = await deliver(world, eventFor(customer, { account_id: accountId }))
        expect([told.outcome, told.reason]).to.deep.equal(['skipped', 'useless_after_quiet_hours'])
        const { failure } = await timelineOf(world, told.message?.id)
        expect(failure?.detail).to.contain('2026-06-21T03:30:00.000Z')
      })
    })

    it("hold up no answer to the customer's own tap, even behind a message that waits", async () => {
      const start = '2026-06-20T15:00:00Z'
      const clock = aClock(start)
      await inWorld({ storage, now: clock.now }, async (world) => {
        const { accountId } = await anOwnConnection(world, { settings: night })
        const customer = aCustomer()
        await deliver(world, eventFor(customer, { account_id: accountId, reason: 'customer_unavailable' }))
        await settle(world)
        const [sent] = messagesTo(world, customer)
        world.provider.addRule({ phone: customer.phone, next: 1, error: { code: 131056 } })
        const other = { account_id: accountId, id: '777000111', reason: 'address_issue' } as const
        const second = await deliver(world, eventFor(customer, other))
        await settle(world)
        clock.advance(45)
        await until('the second waits for the morning', async () => {
          return (await shown(world, second.message?.id)).waitingFor === 'quiet_hours'
        })
        expect(await tap(world, sent, 'Reattempt')).to.have.length(1)
        expect(messagesTo(world, customer)).to.have.length(2)
      })
    })

    it('that are taken back let go at once what waits for them', async () => {
      const clock = aClock('2026-06-20T17:00:00Z')
      await inWorld({ storage, now: clock.now }, async (world) => {
        const { accountId, connectionId } = await anOwnConnection(world, { settings: night })
        const customer = aCustomer()
        const told = await deliver(world, eventFor(customer, { account_id: accountId }))
        const path = `/v1/accounts/${accountId}/settings`
        const settings = { isWhatsappEnabled: true, whatsappSenderConnectionId: connectionId }
        await world.call('PUT', path, { ...settings, quietHours: { from: '21:30', to: '07:30' } })
        clock.advance(0.1)
        await until('it waits for the new morning', async () => {
          return (await shown(world, told.message?.id)).waitingUntil === '2026-06-21T02:00:00.000Z'
        })
        await world.call('PUT', path, settings)
        clock.advance(0.1)
        await isSent(world, customer)
      })
    })
  })
}
