import { expect } from 'chai'
import { expectGolden } from '../support/golden.ts'
import {
  aClock,
  aCustomer,
  aFirstMessage,
  anAccount,
  aSilentMessage,
  deliver,
  eventFor,
  inWorld,
  settle,
  sharedWorld,
  storages,
  tap,
  timelineOf,
} from '../support/stories.ts'
import type { World } from '../support/world.ts'

interface Page {
  readonly items: readonly { readonly id: string; readonly kind: string; readonly status: string }[]
  readonly next: string | null
}

const listOf = async (world: World, filter: Record<string, string | number>): Promise<Page> => {
  const query = new URLSearchParams(
    Object.entries(filter).map(([name, value]): [string, string] => [name, String(value)]),
  )
  const { status, body } = await world.call<Page>('GET', `/v1/messages?${query}`)
  expect(status).to.equal(200)
  return body
}

const idsOf = async (world: World, filter: Record<string, string | number>) =>
  (await listOf(world, filter)).items.map(({ id }) => id)

for (const storage of storages) {
  describe(`timeline on ${storage}`, () => {
    it('tells a whole conversation in one answer', () =>
      inWorld({ storage, now: aClock('2026-06-20T06:00:00Z').now }, async (world) => {
        const customer = { local: '9810012345', phone: '+919810012345', waId: '919810012345' }
        const { sent, id } = await aSilentMessage(world, { customer, status_log_id: '124953537' })
        const [question] = await tap(world, sent, 'Select new delivery date')
        await tap(world, question, '23 June 2026')
        expectGolden('timeline', await timelineOf(world, id))
      }))

    it('tells a doubt, why there is one, and what an operator chose', () =>
      inWorld({ storage }, async (world) => {
        const { id } = await aSilentMessage(world, { rule: { answer: 'bad_gateway' } })
        await world.call('POST', `/v1/messages/${id}/resolve`, { action: 'mark_sent' })
        const { timeline } = await timelineOf(world, id)
        expect(timeline.map(({ what }) => what)).to.deep.equal([
          'event_accepted',
          'route_chosen',
          'attempt',
          'operator',
        ])
        expect(timeline[2]?.text).to.include('not known')
        expect(timeline[2]?.why).to.include('whether it took the message is not known')
        expect(timeline[3]?.text).to.equal('admin chose for the message: mark sent.')
      }))

    it('is the same conversation from the view of every answer', () =>
      inWorld({ storage }, async (world) => {
        const { sent, id } = await aFirstMessage(world)
        await tap(world, sent, 'Reattempt')
        const { followUps, replies, actions, activity, timeline } = await timelineOf(world, id)
        const [answer] = followUps
        const seen = await timelineOf(world, answer?.id)
        expect(seen).to.deep.include({ replies, actions, activity, timeline, followUps: [] })
      }))
  })

  describe(`list of messages on ${storage}`, () => {
    const world = sharedWorld({ storage })

    it('finds a message by order, shipment, phone and account', async () => {
      const customer = aCustomer()
      const account_id = await anAccount(world())
      const about = { account_id, vendorOrderNumber: '#777/ä b', id: 987654321 }
      const { id } = await aFirstMessage(world(), { customer, ...about })
      await aFirstMessage(world())
      for (const filter of [
        { orderNumber: '#777/ä b' },
        { shipmentId: 987654321 },
        { phone: customer.phone },
        { accountId: account_id },
        { kind: 'fdr', accountId: account_id, status: 'read' },
      ]) {
        expect(await idsOf(world(), filter), JSON.stringify(filter)).to.deep.equal([id])
      }
    })

    it('finds nothing where one of several conditions does not hold', async () => {
      const { customer } = await aFirstMessage(world())
      expect(await idsOf(world(), { phone: customer.phone, status: 'failed' })).to.be.empty
      expect(await idsOf(world(), { phone: customer.phone, kind: 'purchase_order' })).to.be.empty
      expect(await idsOf(world(), { phone: customer.phone, orderNumber: '#0' })).to.be.empty
    })

    it('does not look through messages for a kind that there is not', async () => {
      const { id, customer } = await aFirstMessage(world())
      const rename = "UPDATE wa_outgoing_messages SET kind = 'no_kind' WHERE id = $1"
      await world().database.write(rename, [Number(id)])
      expect(await idsOf(world(), { phone: customer.phone })).to.deep.equal([id])
      expect(await idsOf(world(), { phone: customer.phone, kind: 'no_kind' })).to.be.empty
    })

    it('knows each status', async () => {
      const account_id = await anAccount(world())
      const ids = new Map<string, string>()
      ids.set('read', (await aFirstMessage(world(), { account_id })).id)
      ids.set('accepted', (await aSilentMessage(world(), { account_id })).id)
      ids.set('unknown', (await aSilentMessage(world(), { account_id, rule: { answer: 'bad_gateway' } })).id)
      for (const [status, code] of [
        ['failed', 131026],
        ['queued', 130429],
      ] as const) {
        const customer = aCustomer()
        world().provider.addRule({ phone: customer.phone, error: { code } })
        ids.set(status, (await deliver(world(), eventFor(customer, { account_id }))).message?.id ?? '')
      }
      await settle(world())
      for (const [status, id] of ids) {
        const { items } = await listOf(world(), { accountId: account_id, status })
        expect(
          items.map((item) => [item.id, item.status]),
          status,
        ).to.deep.equal([[id, status]])
      }
    })

    it('gives every message once in pages of any size, newest first', async () => {
      const account_id = await anAccount(world())
      const events = Array.from({ length: 7 }, () => eventFor(aCustomer(), { account_id }))
      for (const event of events) await deliver(world(), event)
      await settle(world())
      const whole = await idsOf(world(), { accountId: account_id })
      const paged: string[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: Page = await listOf(world(), { accountId: account_id, limit: 3, ...(cursor ? { cursor } : {}) })
        paged.push(...page.items.map(({ id }) => id))
        cursor = page.next
      }
      expect(whole).to.have.length(7)
      expect(paged).to.deep.equal(whole)
      expect(paged.map(Number)).to.deep.equal(paged.map(Number).sort((a, b) => b - a))
    })
  })
}
