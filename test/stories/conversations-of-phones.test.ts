import { expect } from 'chai'
import { aKey, bodyOf, withKey } from '../support/clients.ts'
import {
  aCustomer,
  aFirstMessage,
  anOwnConnection,
  type Customer,
  messagesTo,
  say,
  settle,
  sharedWorld,
  storages,
  tap,
} from '../support/stories.ts'
import type { World } from '../support/world.ts'

interface Page {
  readonly phone: string
  readonly items: readonly {
    readonly reference: { readonly type: string; readonly id: string } | null
    readonly messages: readonly {
      readonly direction: string
      readonly id: string | null
      readonly messageId: string
      readonly text: string
      readonly createdBy?: string | null
    }[]
  }[]
  readonly next: string | null
}

const read = async (world: World, phone: string, query = ''): Promise<Page> => {
  const { status, body } = await world.call<Page>('GET', `/v1/conversations/${encodeURIComponent(phone)}${query}`)
  expect(status, JSON.stringify(body)).to.equal(200)
  return body
}
const about = ({ items }: Page, type: string) => items.find(({ reference }) => reference?.type === type)?.messages ?? []

async function write(world: World, { phone }: Customer, fields: object): Promise<string> {
  const values = { supplier: 'Huerta Sol', po_number: 'PO-001', total_amount: '€100.00' }
  const template = { name: 'po_notification', language: 'en', values }
  const body = { accountId: 379, to: phone, createdBy: 'agent-7', ...('text' in fields ? {} : { template }), ...fields }
  const answer = await world.call<{ id: string }>('POST', '/v1/messages', body)
  expect(answer.status, JSON.stringify(answer.body)).to.equal(202)
  await settle(world)
  return answer.body.id
}

for (const storage of storages) {
  describe(`what was written with a phone, on ${storage}`, () => {
    const world = sharedWorld({ storage })

    it('is told by what it is about, in both directions, the newest first', async () => {
      const { customer, id, sent } = await aFirstMessage(world(), { id: '70001', reason: 'otp_cancellation' })
      await tap(world(), sent, 'Reattempt')
      const enquiry = await write(world(), customer, { references: { enquiryId: 'E1', leaseId: 'L1' } })
      await say(world(), customer, 'Thank you')
      await write(world(), customer, { text: 'You are welcome', references: { enquiryId: 'E1' } })
      const page = await read(world(), customer.phone, '?accountId=379')
      expect(page.phone).to.equal(customer.phone)
      expect(page.items.map(({ reference }) => reference)).to.deep.equal([
        { type: 'enquiryId', id: 'E1' },
        { type: 'leaseId', id: 'L1' },
        { type: 'shipment', id: '70001' },
      ])
      const enquiries = about(page, 'enquiryId')
      expect(enquiries.map(({ direction }) => direction)).to.deep.equal(['out', 'in', 'out'])
      expect(enquiries.map(({ text }) => text).slice(0, 2)).to.deep.equal(['You are welcome', 'Thank you'])
      expect(enquiries.at(-1)).to.include({ id: enquiry, createdBy: 'agent-7' })
      const wamids = messagesTo(world(), customer).map(({ wamid }) => wamid)
      expect(wamids).to.include.members(enquiries.filter((one) => one.direction === 'out').map((one) => one.messageId))
      expect(about(page, 'leaseId').map(({ text }) => text)).to.include('Thank you')
      const shipment = about(page, 'shipment')
      expect(shipment.map(({ direction }) => direction)).to.deep.equal(['out', 'in', 'out'])
      expect(shipment.at(-1)).to.include({ id, messageId: sent.wamid })
      expect(shipment[1]).to.include({ id, text: 'Reattempt' })
    })

    it('is found by any spelling of the phone, and comes in pages', async () => {
      const customer = aCustomer()
      const ids: string[] = []
      for (let index = 0; index < 5; index++) ids.push(await write(world(), customer, {}))
      await say(world(), customer, 'Hello')
      const seen: string[] = []
      let cursor = ''
      for (let pages = 0; pages < 10; pages++) {
        const page = await read(world(), customer.local, `?accountId=379&limit=2${cursor}`)
        seen.push(...page.items.flatMap(({ messages }) => messages.map(({ direction, id }) => `${direction} ${id}`)))
        if (page.next === null) break
        cursor = `&cursor=${page.next}`
      }
      const newest = [...ids].reverse()
      expect(seen).to.deep.equal([`in ${ids.at(-1)}`, ...newest.map((id) => `out ${id}`)])
    })

    it("shows a client its own and nobody else's", async () => {
      const { accountId } = await anOwnConnection(world())
      const customer = aCustomer()
      await write(world(), customer, { references: { enquiryId: 'of 379' } })
      await say(world(), customer, 'to 379')
      await write(world(), customer, { accountId, references: { enquiryId: 'of the client' } })
      const { key } = await aKey(world(), accountId)
      const page = bodyOf<Page>(await withKey(world(), key, 'GET', `/v1/conversations/${customer.waId}`))
      expect(page.items.map(({ reference }) => reference?.id)).to.deep.equal(['of the client'])
      const foreign = await withKey(world(), key, 'GET', `/v1/conversations/${customer.waId}?accountId=379`)
      expect(foreign.status).to.equal(404)
    })

    it('is not asked for by what is no phone', async () => {
      expect((await world().call('GET', '/v1/conversations/nobody')).status).to.equal(400)
    })
  })
}
