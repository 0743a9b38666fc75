import { expect } from 'chai'
import { names } from '../../src/consumers/topology.ts'
import { expandTables } from '../support/later-version.ts'
import type { GatewayProcess } from '../support/process.ts'
import { aCustomer, eventFor } from '../support/stories.ts'
import { callGateway, prepareSurroundings, type Surroundings, troubles } from '../support/surroundings.ts'
import { until } from '../support/world.ts'

describe('a gateway whose tables a later version has expanded', function () {
  this.timeout(120_000)
  let around: Surroundings
  let gateway: GatewayProcess

  before(async () => {
    around = await prepareSurroundings()
  })
  after(() => around?.close())

  it('starts', async () => {
    await expandTables(around.database)
    gateway = await around.gateway()
  })

  it('takes an event, tells the customer, and hears that they read it', async () => {
    const customer = aCustomer()
    await around.broker.publish(eventFor(customer, { reason: 'rejected_by_customer' }))
    const sent = await until('the customer is told', () =>
      around.provider.accepted().find(({ to }) => to === customer.waId),
    )
    const status = () => around.count(`wa_outgoing_messages WHERE message_id = '${sent.wamid}' AND read_at IS NOT NULL`)
    await until('it is read', async () => (await status()) === 1)
    expect(await around.broker.depth(names.eventQueue)).to.equal(0)
  })

  it('takes the decision of the customer, and pushes it', async () => {
    const [message] = around.provider.accepted()
    await around.provider.tap(message?.wamid ?? '', { title: 'Cancel my order' })
    await until('it is pushed', () => around.provider.ndrCalls().length === 1)
  })

  it('answers for it in its API', async () => {
    const { status, body } = await callGateway<{ items: unknown[] }>(gateway, 'GET', '/v1/messages?accountId=379')
    expect(status).to.equal(200)
    expect(body.items).to.not.be.empty
  })

  it('logs no error', () => expect(troubles(gateway)).to.deep.equal([]))
})
