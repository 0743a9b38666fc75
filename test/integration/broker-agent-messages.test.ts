import { expect } from 'chai'
import { prepareSurroundings, type Surroundings } from '../support/surroundings.ts'
import { until } from '../support/world.ts'

describe('messages of agents from RabbitMQ', function () {
  this.timeout(120_000)
  let around: Surroundings

  before(async () => {
    around = await prepareSurroundings()
    await around.gateway()
  })
  after(() => around?.close())

  it('become one message each, however often they are delivered, and the other side hears what became of it', async () => {
    await around.broker.bindActivity()
    const values = { supplier: 'Huerta Sol', po_number: 'PO-001', total_amount: '€100.00' }
    const body = {
      type: 'message.requested',
      accountId: 379,
      to: '+919810012345',
      template: { name: 'po_notification', language: 'en', values },
      createdBy: 'agent-7',
      references: { enquiryId: 'E1' },
    }
    const key = 'message.requested'
    const event = { key, body, messageId: 'D-1' }
    const bad = { key, body: { ...body, to: '' }, messageId: 'D-2' }
    const named = { key, body: { ...body, messageId: 'M-2' } }
    await around.broker.publish(event, event, bad, { key, body }, named, { ...named, messageId: 'D-3' })
    await until('both were sent', () => around.provider.accepted().length >= 2)
    await until(
      'the bad one and that without an id are parked',
      async () => (await around.count('rejected_events')) === 2,
    )
    const parked = await around.database.select('SELECT reason FROM rejected_events ORDER BY id')
    expect(parked.map(({ reason }) => reason)).to.have.members(['invalid_to', 'missing_id'])
    const rows = await around.database.select(
      "SELECT created_by, kind FROM wa_outgoing_messages WHERE kind = 'agent_message'",
    )
    expect(rows).to.deep.equal(Array(2).fill({ created_by: 'agent-7', kind: 'agent_message' }))
    const seen: string[] = []
    await until('their reading is published', async () => {
      for (const { content } of await around.broker.takeActivity())
        seen.push((JSON.parse(content.toString()) as { eventSubType: string }).eventSubType)
      return seen.filter((type) => type === 'read').length === 2
    })
    expect(seen).to.include.members(['inqueue', 'sent', 'delivered', 'read'])
    expect(around.provider.accepted()).to.have.length(2)
  })
})
