import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { names } from '../../src/consumers/topology.ts'
import { anFdrEvent, anFdrEventFor, aPurchaseOrder } from '../support/fixtures.ts'
import type { GatewayProcess } from '../support/process.ts'
import { callGateway, prepareSurroundings, type Surroundings, troubles } from '../support/surroundings.ts'
import { until } from '../support/world.ts'

const fixture = readFileSync(new URL('../fixtures/fdr-event.json', import.meta.url))

describe('events from RabbitMQ', function () {
  this.timeout(60_000)
  let around: Surroundings
  let gateway: GatewayProcess

  before(async () => {
    around = await prepareSurroundings()
    gateway = await around.gateway()
  })
  after(() => around?.close())
  beforeEach(() => around.provider.reset())

  const sends = () => around.provider.requests().filter(({ path }) => path.endsWith('/messages'))
  const accepted = (n = 1) =>
    until(`${n} accepted`, () => (around.provider.accepted().length >= n ? around.provider.accepted() : undefined))
  const isRead = (messageId: string) =>
    until('the message is read', async () => {
      const [row] = await around.database.select<{ status_rank: number }>(
        'SELECT status_rank FROM wa_outgoing_messages WHERE message_id = $1',
        [messageId],
      )
      return row?.status_rank === 7
    })

  it('an event of the warehouse system becomes one message that Meta takes, followed to its end', async () => {
    await around.broker.publish(fixture)
    const [message] = await accepted()
    await isRead(message?.wamid ?? '')
    expect(message).to.include({ to: '919810012345', template: 'fdr_otp_cancellation' })
    expect(message?.text).to.contain('#98079')
    expect(sends().map(({ verdict }) => verdict)).to.deep.equal(['accepted'])
    const [row] = await around.database.select(
      `SELECT id, state, account_id AS account, order_number AS orderNumber, shipment_status_log_id AS statusLog
       FROM wa_outgoing_messages WHERE message_id = $1`,
      [message?.wamid ?? ''],
    )
    expect(row).to.include({ state: 'accepted', account: 379, orderNumber: '#98079', statusLog: 124953537 })
    const reports = await around.database.select<{ status: string }>(
      'SELECT status FROM wa_dlr_messages WHERE wa_outgoing_message_id = $1 ORDER BY status',
      [Number(row?.id)],
    )
    expect(reports.map(({ status }) => status)).to.deep.equal(['delivered', 'read', 'sent'])
  })

  it('tells nobody twice when the event is published again', async () => {
    const event = anFdrEvent({ customerContactNumber: '9810012999' })
    await around.broker.publish(event, event, event)
    await around.broker.publish(event)
    // The queue is in order: once a later event went out, the earlier ones are settled.
    await around.broker.publish(anFdrEvent({ customerContactNumber: '9810012998' }))
    await until('the later event', () => around.provider.accepted().some(({ to }) => to === '919810012998'))
    expect(around.provider.accepted().map(({ to }) => to)).to.deep.equal(['919810012999', '919810012998'])
  })

  it('carries a conversation to its decision: new date, thanks, NDR API', async () => {
    await around.broker.publish(anFdrEventFor(1, 'Customer unavailable'))
    const [first] = await accepted(1)
    await isRead(first?.wamid ?? '')
    await around.provider.tap(first?.wamid ?? '', { title: 'Select new delivery date' })
    const [, dates] = await accepted(2)
    expect(dates?.buttons).to.have.length(3)
    await around.provider.tap(dates?.wamid ?? '', { index: 1 })
    const [decision] = await until('the decision', () => around.provider.ndr().length > 0 && around.provider.ndr())
    expect(decision?.body).to.include({ action: 'reschedule', shipmentId: 17148471, source: 'whatsapp' })
    await accepted(3)
  })

  it('tells a supplier of an approved purchase order, once, and passes over its other news', async () => {
    const supplier = { name: 'Huerta Sol', phone: '+34612345678' }
    const order = { body: aPurchaseOrder({ supplier }), key: 'purchase_order.approved' }
    const draft = { body: aPurchaseOrder({ supplier, type: 'purchase_order.created' }), key: 'purchase_order.created' }
    await around.broker.publish(draft, order, order)
    const [message] = await accepted()
    await isRead(message?.wamid ?? '')
    await around.broker.publish(order, anFdrEvent({ customerContactNumber: '9810012997' }))
    await until('the later event', () => around.provider.accepted().some(({ to }) => to === '919810012997'))
    expect(around.provider.accepted().map(({ to }) => to)).to.deep.equal(['34612345678', '919810012997'])
    expect(message?.text).to.include('PO-001 with a total amount of €100.00')
  })

  it('leaves other keys of the exchange to others', async () => {
    await around.broker.publish({ body: anFdrEvent({ customerContactNumber: '9810012777' }), key: 'order.created' })
    await around.broker.publish(anFdrEvent({ customerContactNumber: '9810012778' }))
    await until('ours', () => around.provider.accepted().some(({ to }) => to === '919810012778'))
    expect(around.provider.accepted().map(({ to }) => to)).to.deep.equal(['919810012778'])
  })

  it('acknowledges everything it took, and logs no error', async () => {
    expect((await callGateway(gateway, 'GET', '/health/ready')).status).to.equal(200)
    expect(troubles(gateway)).to.deep.equal([])
    await gateway.kill('SIGTERM')
    // What was held without an acknowledgement would be back in the queue by now.
    expect(await around.broker.depth(names.eventQueue)).to.equal(0)
    expect(await around.broker.depth(names.parkedQueue)).to.equal(0)
  })
})
