import { expect } from 'chai'
import { sqlTime } from '../../src/core/storage/time.ts'
import type { Rule } from '../../src/providers/simulator/inputs.ts'
import {
  aCustomer,
  aFirstMessage,
  anOwnConnection,
  asAdmin,
  type Customer,
  decisionsOf,
  deliver,
  endShipment,
  eventFor,
  makeDue,
  messagesTo,
  requestsFor,
  say,
  settle,
  sharedWorld,
  storages,
  tap,
  timelineOf,
} from '../support/stories.ts'
import { until } from '../support/world.ts'

let nextShipment = 83_000_000

for (const storage of storages) {
  describe(`after the end of a shipment, on ${storage}`, () => {
    const world = sharedWorld({ storage })
    const tell = async (customer: Customer, shipment: number, fields: object = {}) =>
      (await deliver(world(), eventFor(customer, { id: shipment, ...fields }))).message?.id ?? ''
    const becomes = (id: string, state: string) =>
      until(`it becomes ${state}`, async () => (await timelineOf(world(), id)).state === state)
    /** A message whose call is under way for so long that the end comes in the middle of it. */
    const endDuringCall = async (rule: Rule, fields: object = {}) => {
      const [customer, shipment] = [aCustomer(), nextShipment++]
      world().provider.addRule({ phone: customer.phone, next: 1, delayMs: 1_500, ...rule })
      const id = await tell(customer, shipment, fields)
      await becomes(id, 'sending')
      await endShipment(world(), shipment, fields)
      expect((await timelineOf(world(), id)).state, 'the end came in time').to.equal('sending')
      return { customer, id }
    }

    it('an event that comes late is written and not sent, also when nothing was sent before', async () => {
      const [customer, shipment] = [aCustomer(), nextShipment++]
      await endShipment(world(), shipment)
      await endShipment(world(), shipment, {}, 'rto_delivered')
      const { outcome, reason, message } = await deliver(world(), eventFor(customer, { id: shipment }))
      expect([outcome, reason]).to.deep.equal(['skipped', 'shipment_ended'])
      const { status, failure } = await timelineOf(world(), message?.id ?? '')
      expect([status, failure?.code]).to.deep.equal(['skipped', 'shipment_ended'])
      expect(failure?.detail).to.include('reported as delivered')
      await settle(world())
      expect(requestsFor(world(), customer)).to.be.empty
    })

    const at = (time: string) => ({ status_log: { failed_delivery: time } })
    const endAt = (shipment: number, time: string, status = 'delivered') =>
      endShipment(world(), shipment, { status_log: { [status]: time } }, status)
    const outcomeOf = async (shipment: number, time: string, logId: number) =>
      (await deliver(world(), eventFor(aCustomer(), { id: shipment, status_log_id: String(logId), ...at(time) })))
        .outcome

    it('a delivery that failed clearly after it, by the log of the shipment, is told: the end was none', async () => {
      const shipment = nextShipment++
      const { sent, customer } = await aFirstMessage(world(), { id: shipment, ...at('2026-06-08 12:00:00') })
      await endAt(shipment, '2026-06-08 16:00:00', 'rto_initiated')
      expect(await outcomeOf(shipment, '2026-06-08 15:00:00', 880_000_001), 'before it').to.equal('skipped')
      expect(await outcomeOf(shipment, '2026-06-08 16:04:00', 880_000_002), 'at about its time').to.equal('skipped')
      const again = await deliver(
        world(),
        eventFor(customer, { id: shipment, status_log_id: '880000003', ...at('2026-06-09 11:00:00') }),
      )
      expect(again.outcome).to.equal('queued')
      await settle(world())
      const [, second] = messagesTo(world(), customer)
      expect(second?.wamid).to.be.a('string').that.is.not.equal(sent.wamid)
      await tap(world(), second, 'Reattempt')
      expect(decisionsOf(world(), customer)).to.have.length(1)
    })

    it('a second end proves the first one, and one that does not tell its time is believed', async () => {
      const [twice, timeless] = [nextShipment++, nextShipment++]
      await endAt(twice, '2026-06-08 16:00:00', 'rto_initiated')
      await endAt(twice, '2026-06-10 16:00:00', 'rto_delivered')
      expect(await outcomeOf(twice, '2026-06-09 11:00:00', 880_000_004)).to.equal('skipped')
      await endShipment(world(), timeless)
      expect(await outcomeOf(timeless, '2026-06-09 11:00:00', 880_000_005)).to.equal('skipped')
    })

    it("an event about another account's shipment of the same number is sent", async () => {
      const [customer, shipment] = [aCustomer(), nextShipment++]
      await endShipment(world(), shipment, { account_id: 380 })
      await tell(customer, shipment)
      await settle(world())
      expect(messagesTo(world(), customer)).to.have.length(1)
    })

    it('nothing is sent when event and end come together', async () => {
      const told = Array.from({ length: 20 }, () => ({ customer: aCustomer(), shipment: nextShipment++ }))
      await Promise.all(told.map(({ shipment }) => endShipment(world(), shipment)))
      await Promise.all(
        told.flatMap(({ customer, shipment }) => [endShipment(world(), shipment), tell(customer, shipment)]),
      )
      await settle(world())
      expect(told.flatMap(({ customer }) => requestsFor(world(), customer))).to.be.empty
    })

    it('a first message that was refused meanwhile is not tried again', async () => {
      const { customer, id } = await endDuringCall({ error: { code: 134101 } })
      await becomes(id, 'waiting')
      await makeDue(world(), id)
      await becomes(id, 'skipped')
      const { failure, attempts } = await timelineOf(world(), id)
      expect(failure).to.include({ code: 'shipment_ended' })
      expect(failure?.detail).to.include('reported as delivered')
      expect(attempts).to.have.length(1)
      expect(requestsFor(world(), customer)).to.have.length(1)
    })

    it('a first message that was sent again and refused stays a doubt', async () => {
      const { customer, id } = await endDuringCall({ error: { code: 134101 } })
      await becomes(id, 'waiting')
      await world().database.write('UPDATE wa_outgoing_messages SET possible_duplicate = 1 WHERE id = $1', [id])
      await makeDue(world(), id)
      await becomes(id, 'in_doubt')
      expect(requestsFor(world(), customer)).to.have.length(1)
    })

    it('a first message that fails in the end is not told through the fallback', async () => {
      const owner = await anOwnConnection(world(), { settings: { fallbackOnFailed: true } })
      const path = `/v1/connections/${owner.connectionId}`
      await asAdmin(world(), 'PATCH', path, JSON.stringify({ fallbackConnectionId: '1' }))
      const webhooks = { failCode: 132015 }
      const { customer, id } = await endDuringCall({ webhooks }, { account_id: owner.accountId })
      await until('it has failed', async () => (await timelineOf(world(), id)).status === 'failed')
      const again = await until('the other one is written', async () => {
        const sql = `SELECT id, state FROM wa_outgoing_messages WHERE customer_phone = '${customer.phone}' AND id > ${id}`
        const [row] = await world().rows<{ id: number; state: string }>(sql)
        return row?.state === 'skipped' ? row : undefined
      })
      expect((await timelineOf(world(), String(again.id))).failure?.code).to.equal('shipment_ended')
      expect(messagesTo(world(), customer)).to.have.length(1)
    })

    it('an answer that still waits is not sent, and one to what the customer writes then is', async () => {
      const shipment = nextShipment++
      const { customer, sent } = await aFirstMessage(world(), { id: shipment })
      world().provider.addRule({ phone: customer.phone, next: 1, error: { code: 134101 } })
      await tap(world(), sent, 'Select new delivery date')
      const [waiting] = await world().rows<{ id: number }>(
        `SELECT id FROM wa_outgoing_messages WHERE customer_phone = '${customer.phone}' AND state = 'waiting'`,
      )
      await endShipment(world(), shipment)
      await makeDue(world(), String(waiting?.id))
      await becomes(String(waiting?.id), 'skipped')
      const [answer] = await say(world(), customer, 'where is it?')
      expect(answer?.text).to.include('reported this order as delivered')
    })

    /** As a replica leaves it that saw nothing of the first message yet. */
    const endUnseen = (shipment: number, endedAt: Date) =>
      world().database.write(
        "INSERT INTO shipment_ends (shipment_id, account_id, status, ended_at) VALUES ($1, 379, 'delivered', $2)",
        [String(shipment), sqlTime(endedAt)],
      )

    it('a tap is no decision any more, also where the end did not see the first message', async () => {
      const shipment = nextShipment++
      const { customer, sent, id } = await aFirstMessage(world(), { id: shipment })
      await endUnseen(shipment, new Date())
      const [answer] = await tap(world(), sent, 'Reattempt')
      expect(answer?.text).to.include('reported this order as delivered')
      expect(decisionsOf(world(), customer)).to.be.empty
      expect((await timelineOf(world(), id)).actions).to.be.empty
    })

    it('an answer that knows of the end is sent, also when the clock of who wrote the end is ahead', async () => {
      const shipment = nextShipment++
      const { sent } = await aFirstMessage(world(), { id: shipment })
      await endUnseen(shipment, new Date(Date.now() + 20_000))
      const [answer] = await tap(world(), sent, 'Reattempt')
      expect(answer?.text).to.include('reported this order as delivered')
    })

    it('what an operator sends again is sent', async () => {
      const [customer, shipment] = [aCustomer(), nextShipment++]
      world().provider.addRule({ phone: customer.phone, next: 1, answer: 'reset', accept: false })
      const id = await tell(customer, shipment)
      await becomes(id, 'in_doubt')
      await endShipment(world(), shipment)
      await asAdmin(world(), 'POST', `/v1/messages/${id}/resolve`, JSON.stringify({ action: 'resend' }))
      await until('it is sent again', () => messagesTo(world(), customer).length === 1)
    })
  })
}
