import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { asyncApi, eventSchemaOf } from '../../scripts/docs/asyncapi.ts'
import { names, topology } from '../../src/consumers/topology.ts'
import { readFdrEvent } from '../../src/core/notifications/kinds/fdr-event.ts'
import { kinds } from '../../src/core/notifications/kinds/kinds.ts'
import { purchaseOrder } from '../../src/core/notifications/kinds/purchase-order.ts'
import { publishedErrors } from '../support/activity-contract.ts'
import { checkEvent, eventErrors } from '../support/event-contract.ts'
import { anFdrEvent, aPurchaseOrder } from '../support/fixtures.ts'

interface Channel {
  readonly address: string
  readonly bindings: { readonly amqp: { readonly exchange: { readonly name: string; readonly type: string } } }
}

interface Told {
  readonly response_data: Readonly<Record<string, unknown>>
}

const order = aPurchaseOrder()
const noReasons = { reasons: [], patterns: [] }

/** The same without one field, named by its path. */
function without(event: object, path: string): object {
  const copy = structuredClone(event) as Record<string, unknown>
  const parents = path.split('.')
  const last = parents.pop() ?? ''
  const parent = parents.reduce((at, name) => at[name] as Record<string, unknown>, copy)
  delete parent[last]
  return copy
}

describe('docs/asyncapi.yaml', () => {
  const document = asyncApi()
  const channels: Channel[] = Object.values(document.channels)

  it('has a channel for each key that is bound to the exchange of events', () => {
    const bound = topology.bindings.filter(({ exchange }) => exchange === names.events).map(({ key }) => key)
    const described = channels.filter(({ bindings }) => bindings.amqp.exchange.name === names.events)
    expect(described.map(({ address }) => address)).to.have.members(bound)
  })

  it('names exchanges that are declared, of the type that they have', () => {
    for (const { bindings } of channels) {
      const { name, type } = bindings.amqp.exchange
      expect(topology.exchanges).to.deep.include({ name, type })
    }
    expect(channels.map(({ bindings }) => bindings.amqp.exchange.name)).to.include(names.activity)
  })

  it('refers only to what is there', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target = '']) => target)
    expect(references).to.include('./schemas/activity-event.schema.json')
    for (const target of references) {
      if (target.startsWith('./')) expect(existsSync(`docs/${target}`), target).to.equal(true)
      else expect(valueAt(document, target), target).to.be.an('object')
    }
  })

  it('says what the events of our own kinds are', () => {
    const described = kinds.filter((kind) => eventSchemaOf(kind) !== undefined).map(({ id }) => id)
    expect(described).to.include.members(['agent_message', 'fdr', 'purchase_order'])
  })
})

const valueAt = (root: object, pointer: string): unknown =>
  pointer
    .slice(2)
    .split('/')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], root)

describe('schemas of events', () => {
  const shipment = ['status_log_id', 'id', 'account_id', 'customerContactNumber'].map((name) => `response_data.${name}`)
  const nowhereElse = () => without(anFdrEvent(), 'response_data.shippingAddress')

  it('know the real events', () => {
    expect(eventErrors(anFdrEvent())).to.deep.equal([])
    expect(eventErrors(order)).to.deep.equal([])
    const message = { type: 'message.requested', messageId: 'm1', accountId: 379, to: '+919810012345', text: 'Hello' }
    expect(eventErrors(message)).to.deep.equal([])
  })

  for (const path of shipment) {
    it(`of a failed delivery need ${path}, as its reader does`, () => {
      const event = without(nowhereElse(), path)
      expect(readFdrEvent(nowhereElse()).ok).to.equal(true)
      expect(readFdrEvent(event).ok).to.equal(false)
      expect(eventErrors(event)).to.not.deep.equal([])
    })
  }

  for (const path of ['tenant_id', 'account_id', 'supplier.name', 'supplier.phone', 'po_number', 'total_amount']) {
    it(`of a purchase order need ${path}, as its reader does`, () => {
      const event = without(order, path)
      expect(purchaseOrder.read(order, noReasons).ok).to.equal(true)
      expect(purchaseOrder.read(event, noReasons).ok).to.equal(false)
      expect(eventErrors(event)).to.not.deep.equal([])
    })
  }

  it('fail the test whose event was taken and is unknown to them', () => {
    const event = without(order, 'tenant_id')
    const posted = JSON.stringify(event)
    expect(() => checkEvent(posted, '{"outcome":"queued"}')).to.throw('/tenant_id is missing')
    expect(() => checkEvent(posted, '{"outcome":"skipped"}')).to.not.throw()
  })
})

describe('the check of every published activity event', () => {
  const [event] = (JSON.parse(readFileSync('test/golden/activity-events.json', 'utf8')) as { failed: [Told] }).failed
  const { conversationId, sequence } = event.response_data
  const told = { ...event, response_data: { ...event.response_data, timestamp: '20-06-2026' } }
  const errorsOf = (body: object, key = 'failed', changes: object = {}) =>
    publishedErrors({
      content: Buffer.from(JSON.stringify(body)),
      fields: { routingKey: `customer_notification.${key}` } as never,
      properties: {
        messageId: 'e1',
        contentType: 'application/json',
        headers: { conversationId, sequence },
        ...changes,
      } as never,
    })

  it('knows the events that are published', () => expect(errorsOf(told)).to.deep.equal([]))

  it('finds a field that is not as the schema says', () => {
    const { timestamp: _, ...rest } = told.response_data
    expect(errorsOf({ ...told, response_data: rest })).to.deep.equal(['/response_data/timestamp is missing'])
  })

  it('finds a routing key that is no address, and one of another step', () => {
    expect(errorsOf(told, 'lost').join()).to.include('no address')
    expect(errorsOf(told, 'sent').join()).to.include('another step')
  })

  it('finds headers that are not those of the event, and no id to drop repeats by', () => {
    const errorsWith = (changes: object) => errorsOf(told, 'failed', changes).join()
    expect(errorsWith({ headers: { conversationId, sequence: 99 } })).to.include('not those of the event')
    expect(errorsWith({ headers: { conversationId } })).to.include('/sequence is missing')
    expect(errorsWith({ messageId: undefined })).to.include('messageId')
    expect(errorsWith({ contentType: 'text/plain' })).to.include('text/plain')
  })
})
