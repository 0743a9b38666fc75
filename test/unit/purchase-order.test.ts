import { expect } from 'chai'
import type { ComposeFacts, Notice, ReasonContent } from '../../src/core/notifications/kinds/kind.ts'
import { purchaseOrder } from '../../src/core/notifications/kinds/purchase-order.ts'
import { aPurchaseOrder } from '../support/fixtures.ts'

const noReasons = { reasons: [], patterns: [] }
const read = (event: unknown) => purchaseOrder.read(event, noReasons)

function noticeOf(changes: object = {}): Notice {
  const reading = read(aPurchaseOrder(changes))
  if (!reading.ok) throw new Error(reading.detail)
  return reading.notice
}

const spaniard: ComposeFacts = {
  phone: '+34612345678',
  language: 'es',
  support: {},
  words: { andMore: String, unnamedCustomer: '', date: String },
}
const valuesOf = (changes: object, facts = spaniard) => (noticeOf(changes).content as ReasonContent).values(facts)

describe('purchase order', () => {
  it('is recognised by its type; the others of its family are passed over', () => {
    const told = (type: unknown) => [purchaseOrder.recognises({ type }), purchaseOrder.passesOver?.({ type })]
    expect(told('purchase_order.approved')).to.deep.equal([true, true])
    expect(told('Purchase_Order.Approved ')).to.deep.equal([true, true])
    expect(told('purchase_order.created')).to.deep.equal([false, true])
    for (const type of ['message.requested', 'purchase_orders', '', null, 7]) {
      expect(told(type), String(type)).to.deep.equal([false, false])
    }
  })

  it('tells supplier, number and amount', () => {
    expect(valuesOf({})).to.deep.equal({ supplier: 'Huerta Sol', po_number: 'PO-001', total_amount: '€100.00' })
  })

  it('keeps tenant and number beside the message', () => {
    const { accountId, subject, phone, snapshot } = noticeOf()
    expect({ accountId, subject, phone, snapshot }).to.deep.equal({
      accountId: 379,
      subject: { type: 'purchase_order', id: 'PO-001' },
      phone: '+34612345678',
      snapshot: {
        customerName: 'Huerta Sol',
        customerPhone: '+34612345678',
        status: 'approved',
        details: { tenant_id: 'b3b4', po_number: 'PO-001' },
      },
    })
  })

  it('reads what systems write instead', () => {
    const dirty = noticeOf({ account_id: ' 379 ', tenant_id: 77, po_number: 1001, language: ' es_MX ' })
    expect(dirty).to.deep.include({ accountId: 379, subject: { type: 'purchase_order', id: '1001' } })
    expect(dirty.snapshot.details).to.deep.equal({ tenant_id: '77', po_number: '1001' })
    expect((dirty.content as ReasonContent).language).to.equal('es_MX')
    expect((noticeOf({ language: [] }).content as ReasonContent).language).to.equal(undefined)
  })

  const amounts: readonly [label: string, fields: object, expected: string][] = [
    ['a text as it is', { total_amount: 'EUR 100,-' }, 'EUR 100,-'],
    ['a text that is a number, without a currency, as it is', { total_amount: '100.00' }, '100.00'],
    ['a text that is a number, with a currency', { total_amount: '12345.6', currency: 'EUR' }, '12.345,60 €'],
    ['a number with a currency', { total_amount: 12345.6, currency: 'EUR' }, '12.345,60 €'],
    ['a number alone', { total_amount: 1889.0999999999999 }, '1889,10'],
    ['an object', { total_amount: { amount: '12345.6', currency: 'EUR' } }, '12.345,60 €'],
    ['an object, whose currency counts', { total_amount: { amount: 1, currency: 'USD' }, currency: 'EUR' }, '1,00 US$'],
    ['nothing to be paid', { total_amount: 0, currency: 'EUR' }, '0,00 €'],
  ]
  for (const [label, fields, expected] of amounts) {
    it(`amount: ${label}`, () => expect(valuesOf(fields).total_amount).to.equal(expected))
  }

  const names = ['株式会社さくら', 'شركة النور', 'सूर्य फार्म', 'ООО «Ромашка»', "O'Brien & Søn", 'Ünal 👩‍🌾']
  for (const name of names) {
    it(`names in any script: ${name}`, () =>
      expect(valuesOf({ supplier: { name, phone: '+34612345678' } }).supplier).to.equal(name))
  }

  describe('that cannot be used', () => {
    const phone = '+34612345678'
    const cases: readonly [reason: string, changes: object][] = [
      ['missing_account_id', { account_id: null }],
      ['invalid_account_id', { account_id: 'acme' }],
      ['invalid_account_id', { account_id: 0 }],
      ['missing_tenant_id', { tenant_id: ' ' }],
      ['invalid_tenant_id', { tenant_id: { id: 1 } }],
      ['missing_supplier_name', { supplier: { phone } }],
      ['missing_supplier_name', { supplier: [] }],
      ['missing_supplier_name', { supplier: 'Huerta Sol' }],
      ['missing_supplier_phone', { supplier: { name: 'Huerta Sol', phone: '' } }],
      ['missing_po_number', { po_number: undefined }],
      ['invalid_po_number', { po_number: 'P'.repeat(65) }],
      ['missing_total_amount', { total_amount: '' }],
      ['invalid_total_amount', { total_amount: { currency: 'EUR' } }],
    ]
    for (const [reason, changes] of cases) {
      it(`${reason}: ${JSON.stringify(changes).slice(0, 60)}`, () =>
        expect(read(aPurchaseOrder(changes))).to.include({ ok: false, reason }))
    }

    it('names all that is wrong', () =>
      expect(read({ type: 'purchase_order.approved', account_id: 'x' })).to.deep.equal({
        ok: false,
        reason: 'invalid_account_id',
        detail:
          'account_id is invalid, tenant_id is missing, supplier.name is missing, supplier.phone is missing, po_number is missing, total_amount is missing',
      }))
  })

  describe('key', () => {
    const keyOf = (changes: object) => noticeOf(changes).idempotencyKey

    it('is account, tenant and number', () => expect(keyOf({})).to.equal('po:379:b3b4:PO-001'))

    it('is another for another account, tenant or number', () => {
      const others = [{}, { account_id: 380 }, { tenant_id: 'b3b5' }, { po_number: 'PO-002' }]
      expect(new Set(others.map(keyOf))).to.have.property('size', others.length)
    })

    it('is not mistaken where a tenant has colons', () =>
      expect(keyOf({ tenant_id: 'a:b', po_number: 'c' })).to.not.equal(keyOf({ tenant_id: 'a', po_number: 'b:c' })))

    it('fits its column, and still tells long tenants apart', () => {
      const long = (end: string) => keyOf({ tenant_id: `${'t'.repeat(300)}${end}` })
      expect(long('a').length).to.be.at.most(160)
      expect(long('a')).to.not.equal(long('b'))
      expect(long('a')).to.equal(long('a'))
    })
  })
})
