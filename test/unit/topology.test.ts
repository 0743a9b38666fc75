import { expect } from 'chai'
import { routingKey } from '../../src/consumers/activity-publisher.ts'
import { names, topology } from '../../src/consumers/topology.ts'

describe('topology', () => {
  it('has the names that others publish to and consume from', () => {
    expect(names).to.include({
      events: 'wms.events',
      eventQueue: 'gateway.events',
      parkedQueue: 'gateway.events.parked',
      activity: 'activity.events',
      control: 'gateway.control',
    })
    const types = topology.exchanges.map(({ name, type }) => `${name} ${type}`)
    expect(types).to.include.members(['wms.events topic', 'activity.events topic', 'gateway.control fanout'])
  })

  it('keeps events in quorum queues, and dead letters for sure', () => {
    const queue = topology.queues.find(({ name }) => name === names.eventQueue)
    expect(queue?.options).to.deep.include({ durable: true })
    expect(queue?.options.arguments).to.include({
      'x-queue-type': 'quorum',
      'x-delivery-limit': 50,
      'x-dead-letter-routing-key': names.parkedQueue,
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    })
    const order = topology.queues.map(({ name }) => name)
    expect(order.indexOf(names.parkedQueue), 'declared before it is needed').to.be.lessThan(
      order.indexOf(names.eventQueue),
    )
  })

  it('keeps webhooks in a quorum queue that refuses what does not fit', () => {
    const queue = topology.queues.find(({ name }) => name === 'gateway.inbound')
    expect(queue?.options).to.deep.include({ durable: true })
    expect(queue?.options.arguments).to.include({ 'x-queue-type': 'quorum', 'x-overflow': 'reject-publish' })
  })

  it('binds nothing that it does not declare', () => {
    for (const { queue, exchange } of topology.bindings) {
      expect(topology.queues.map(({ name }) => name)).to.include(queue)
      expect(topology.exchanges.map(({ name }) => name)).to.include(exchange)
    }
    const keys = topology.bindings.filter(({ queue }) => queue === names.eventQueue).map(({ key }) => key)
    expect(keys).to.include.members(['shipment.#', 'purchase_order.#'])
  })

  for (const [eventSubType, key] of [
    ['inqueue', 'inqueue'],
    ['Select new delivery date', 'select_new_delivery_date'],
    ['Cancel my order', 'cancel_my_order'],
    ['customer_reply', 'customer_reply'],
    ['Report fake delivery', 'report_fake_delivery'],
    ['a.b*c#d', 'a_b_c_d'],
  ]) {
    it(`${eventSubType} is published as customer_notification.${key}`, () => {
      expect(routingKey(eventSubType ?? '')).to.equal(`customer_notification.${key}`)
    })
  }
})
