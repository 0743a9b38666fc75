import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { type FdrEvent, isFdrEvent, readFdrEvent } from '../../src/core/notifications/kinds/fdr-event.ts'

type Fields = Record<string, unknown>

const realEvent = readFileSync(new URL('../fixtures/fdr-event.json', import.meta.url), 'utf8')
const anEvent = (): Fields & { response_data: Fields } => JSON.parse(realEvent)
const withShipment = (change: Fields): unknown => {
  const event = anEvent()
  return { ...event, response_data: { ...event.response_data, ...change } }
}

const fdrOf = (event: unknown): FdrEvent => {
  const reading = readFdrEvent(event)
  if (!reading.ok) throw new Error(`${reading.reason}: ${reading.detail}`)
  return reading.fdr
}
const problemOf = (event: unknown): string | undefined => {
  const reading = readFdrEvent(event)
  return reading.ok ? undefined : reading.reason
}

describe('failed-delivery event', () => {
  it('reads the real event', () => {
    expect(fdrOf(anEvent())).to.deep.equal({
      statusLogId: '124953537',
      accountId: 379,
      accountSlug: 'acme-store',
      shipmentId: '17148471',
      orderId: '48884718',
      channelId: '1299',
      brand: 'Acme Shopify',
      orderNumber: '#98079',
      vendorOrderNumber: '#98079',
      customerOrderNumber: '4980116095129',
      externalShipmentId: '4980116095129-90758',
      trackingId: '1704612602165',
      courierName: 'Delhivery',
      trackingDomain: 'track.example.com',
      customerName: 'Asha Nair',
      phone: '9810012345',
      country: 'IN',
      email: 'asha.nair@example.com',
      address: '12 Lake View Apartments, Station Road, Ward 4, Ajmer, RAJASTHAN, 305001',
      items: [{ name: 'Advance Whey Protein with 20 Vitamins & Minerals', quantity: 1 }],
      isCod: true,
      amount: 1889.1,
      remarks: 'code verified cancellation',
      attempt: 1,
      ndrCode: 14,
      ndrDescription: 'OTP-based cancellation',
      status: 'failed_delivery',
      failedAt: new Date('2023-06-08T10:36:16Z'),
    } satisfies FdrEvent)
  })

  describe('recognition', () => {
    const cases: readonly [label: string, event: unknown, expected: boolean][] = [
      ['the real event', anEvent(), true],
      ['no sub-type, but the status', { resource: 'shipment', response_data: { status: 'failed_delivery' } }, true],
      ['another sub-type', { ...anEvent(), eventSubType: 'delivered' }, false],
      ['another resource', { ...anEvent(), resource: 'order' }, false],
      ['another status', { resource: 'shipment', response_data: { status: 'intransit' } }, false],
      ['null', null, false],
      ['a list', [], false],
      ['text', 'failed_delivery', false],
    ]
    for (const [label, event, expected] of cases) {
      it(`${label}: ${expected}`, () => expect(isFdrEvent(event)).to.equal(expected))
    }
  })

  describe('refusals', () => {
    const cases: readonly [label: string, event: unknown, reason: string][] = [
      ['null', null, 'not_an_object'],
      ['text', 'event', 'not_an_object'],
      ['a list of events', [anEvent()], 'not_an_object'],
      ['no shipment', { ...anEvent(), response_data: [] }, 'missing_response_data'],
      ['no status log', withShipment({ status_log_id: '' }), 'missing_status_log_id'],
      ['status log 0', withShipment({ status_log_id: 0 }), 'missing_status_log_id'],
      ['status log with lost digits', withShipment({ status_log_id: 2 ** 53 }), 'invalid_id'],
      ['status log that is no number', withShipment({ status_log_id: '12a' }), 'invalid_id'],
      ['status log too large to store', withShipment({ status_log_id: '9'.repeat(19) }), 'invalid_id'],
      ['no account', withShipment({ account_id: null }), 'missing_account_id'],
      ['account that is no number', withShipment({ account_id: 'acme' }), 'invalid_id'],
      ['account beyond a safe number', withShipment({ account_id: '9007199254740993' }), 'invalid_id'],
      ['no shipment id', withShipment({ id: null }), 'missing_shipment_id'],
      ['no phone', withShipment({ customerContactNumber: '', shippingAddress: [] }), 'missing_phone'],
      [
        'keys in the prototype',
        JSON.parse('{"response_data":{"__proto__":{"status_log_id":"1"}}}'),
        'missing_status_log_id',
      ],
    ]
    for (const [label, event, reason] of cases) {
      it(`${label}: ${reason}`, () => expect(problemOf(event)).to.equal(reason))
    }
    it('names the ids that cannot be used', () => {
      const reading = readFdrEvent(withShipment({ status_log_id: 'x', id: -1 }))
      expect(reading)
        .to.have.property('detail')
        .that.matches(/^statusLogId, shipmentId: /)
    })
  })

  describe('dirty values', () => {
    const cases: readonly [label: string, change: Fields, expected: Partial<FdrEvent>][] = [
      [
        'numbers as strings',
        { account_id: '379', id: '17148471', order_id: '48884718' },
        { accountId: 379, shipmentId: '17148471', orderId: '48884718' },
      ],
      ['long ids as strings', { status_log_id: '9007199254740993' }, { statusLogId: '9007199254740993' }],
      ['a phone as a number', { customerContactNumber: 9810012345 }, { phone: '9810012345' }],
      ['the phone of the address', { customerContactNumber: null }, { phone: '9810012345' }],
      [
        'name and e-mail of the address',
        { customerName: '', email: null },
        { customerName: 'Asha Nair', email: 'asha.nair@example.com' },
      ],
      ['no brand', { channelLabel: '' }, { brand: 'acme-store' }],
      ['no vendor number', { vendorOrderNumber: null }, { vendorOrderNumber: undefined, orderNumber: '4980116095129' }],
      ['no order number at all', { vendorOrderNumber: '', customerOrderNumber: '' }, { orderNumber: '48884718' }],
      ['an order id with lost digits', { order_id: 2 ** 60 }, { orderId: undefined, orderNumber: '#98079' }],
      ['the external channel', { channel_id: '' }, { channelId: 'CH1299' }],
      ['prepaid', { isCOD: '0' }, { isCod: false, amount: 0 }],
      ['COD by payment type', { isCOD: null }, { isCod: true, amount: 1889.1 }],
      ['COD unknown', { isCOD: '', paymentType: 'Other' }, { isCod: undefined, amount: 1889.1 }],
      ['an order total', { orderTotal: '2000.005' }, { amount: 2000.01 }],
      [
        '[] for every object',
        { shippingAddress: [], track_payload: [], status_log: [], status_log_count: [] },
        {
          address: undefined,
          country: undefined,
          ndrCode: undefined,
          attempt: undefined,
          failedAt: undefined,
        },
      ],
      ['the remark of the tracking', { remarks: null }, { remarks: 'Code verified cancellation' }],
      ['a strange country', { shippingAddress: { countryCode: 'INDIA' } }, { country: undefined, address: undefined }],
      [
        'an address with newlines',
        { shippingAddress: { addressLine1: 'A\nB', city: '  ', postalCode: 305001 } },
        { address: 'A B, 305001' },
      ],
      ['no items', { items: null }, { items: [], amount: undefined }],
      [
        'items with numeric keys',
        { items: { 1: { productName: 'A', quantity: '2', lineItemTotal: '10' } } },
        { items: [{ name: 'A', quantity: 2 }], amount: 10 },
      ],
      [
        'items without names',
        { items: [{ sku: 'S1', quantity: 0 }, { quantity: 'x' }, null] },
        {
          items: [
            { name: 'S1', quantity: 1 },
            { name: '-', quantity: 1 },
          ],
          amount: undefined,
        },
      ],
      [
        'sums of floats',
        {
          items: [
            { invoiceTotal: 1889.0999999999999 },
            { invoiceTotal: '0.2' },
            { invoiceTotal: null, lineItemTotal: 0.1 },
          ],
        },
        { amount: 1889.4 },
      ],
      ['an item without a price', { items: [{ invoiceTotal: 10 }, { productName: 'B' }] }, { amount: undefined }],
    ]
    for (const [label, change, expected] of cases) {
      it(label, () => expect(fdrOf(withShipment(change))).to.deep.include(expected))
    }
    it('takes the account from the envelope', () => {
      const event = { ...anEvent(), accountId: '12', account_slug: '', accountSlug: 'beta' }
      const { account_id: _, account_slug: __, ...shipment } = event.response_data
      expect(fdrOf({ ...event, response_data: shipment })).to.include({ accountId: 12, accountSlug: 'beta' })
    })
  })

  const needed = new Set(['status_log_id', 'account_id', 'id'])
  for (const key of Object.keys(anEvent().response_data).filter((name) => !needed.has(name))) {
    it(`can do without ${key}, in every way of leaving it out`, () => {
      for (const absent of [undefined, null, '', [], {}])
        expect(problemOf(withShipment({ [key]: absent }))).to.equal(undefined)
    })
  }

  it('never throws, whatever the JSON', () => {
    fc.assert(fc.property(fc.jsonValue(), (event) => void [readFdrEvent(event), isFdrEvent(event)]))
    const anyShipment = fc.dictionary(fc.constantFrom(...Object.keys(anEvent().response_data)), fc.jsonValue())
    fc.assert(fc.property(anyShipment, (change) => void readFdrEvent(withShipment(change))))
  })

  it('does not change the event and pollutes nothing', () => {
    const event = JSON.parse(realEvent.replace('"isCOD": "1"', '"isCOD": "1", "__proto__": {"polluted": true}'))
    const before = JSON.stringify(event)
    readFdrEvent(event)
    expect(JSON.stringify(event)).to.equal(before)
    expect(({} as Fields).polluted).to.equal(undefined)
  })
})
