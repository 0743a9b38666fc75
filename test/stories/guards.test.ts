/** An account is kept from sending, and paying for, more than it wants in a day; each message says which guard it met. */

import { expect } from 'chai'
import {
  aClock,
  aCustomer,
  anAccount,
  anOwnConnection,
  deliver,
  eventFor,
  inWorld,
  messagesTo,
  settle,
  storages,
  tap,
  timelineOf,
} from '../support/stories.ts'

for (const storage of storages) {
  describe(`guards on ${storage}`, () => {
    it('let so many first messages pass for a shipment, a recipient and an account, and begin anew at midnight', async () => {
      // 22:00 in Kolkata.
      const clock = aClock('2026-06-20T16:30:00Z')
      await inWorld({ storage, now: clock.now }, async (world) => {
        const guards = { firstMessagesPerShipmentAndDay: 2, messagesPerRecipientAndDay: 3, messagesPerDay: 5 }
        const account_id = await anAccount(world, { guards })
        const customer = aCustomer()
        let shipment = 880_000
        const tell = async (id: number, who = customer) => {
          const { outcome, reason, message } = await deliver(world, eventFor(who, { account_id, id }))
          return { said: reason ?? outcome, id: message?.id }
        }
        const first = [await tell(shipment), await tell(shipment), await tell(shipment)]
        expect(first.map(({ said }) => said)).to.deep.equal(['queued', 'queued', 'shipment_daily_limit'])
        const { status, failure } = await timelineOf(world, first[2]?.id)
        expect([status, failure?.code]).to.deep.equal(['skipped', 'shipment_daily_limit'])
        expect(failure?.detail).to.contain('2 of the 2 messages that are allowed for 2026-06-20')
        const second = [await tell(++shipment), await tell(++shipment)]
        expect(second.map(({ said }) => said)).to.deep.equal(['queued', 'recipient_daily_cap'])
        const others = [await tell(++shipment, aCustomer()), await tell(++shipment, aCustomer())]
        const last = await tell(++shipment, aCustomer())
        expect([...others, last].map(({ said }) => said)).to.deep.equal(['queued', 'queued', 'account_daily_quota'])

        clock.advance(2 * 60 + 1)
        expect((await tell(shipment)).said, 'the next day').to.equal('queued')
      })
    })

    it("stop at the account's price for a day, and never stop an answer to a customer", async () => {
      await inWorld({ storage }, async (world) => {
        const guards = { costPerDay: { amount: '0.23', currency: 'INR' }, messagesPerDay: 100 }
        const { accountId, connectionId } = await anOwnConnection(world, { settings: { guards } })
        const customers = [aCustomer(), aCustomer(), aCustomer()]
        const told = []
        for (const customer of customers) {
          const event = eventFor(customer, { account_id: accountId, reason: 'customer_unavailable' })
          told.push(await deliver(world, event))
        }
        expect(told.map(({ outcome, reason }) => reason ?? outcome)).to.deep.equal([
          'queued',
          'queued',
          'account_cost_ceiling',
        ])
        await settle(world)
        const [sent] = messagesTo(world, customers[0] ?? aCustomer())
        expect(await tap(world, sent, 'Reattempt')).to.have.length(1)
        const { body } = await world.call<{ items: { topic: string; summary: string }[] }>(
          'GET',
          `/v1/connections/${connectionId}/events`,
        )
        const [news] = body.items.filter(({ topic }) => topic === 'guard')
        expect(news?.summary).to.contain('0.23 are allowed for a day')
      })
    })
  })
}
