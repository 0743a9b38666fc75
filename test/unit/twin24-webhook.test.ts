import { expect } from 'chai'
import type { CustomerReply, DeliveryReport, InboundPart } from '../../src/core/contract/events.ts'
import type { ProviderConnection } from '../../src/core/contract/provider.ts'
import { dateIn } from '../../src/providers/twin24/action.ts'
import { signedReference } from '../../src/providers/twin24/reference.ts'
import { parseWebhook } from '../../src/providers/twin24/webhook.ts'

const owner: ProviderConnection = { id: '1', credentials: {}, signingSecret: 'signing-secret-0001' }
const reference = 'AAAAAAAAAAAAAAAAAAAAAA.1'
const ref = signedReference(reference, owner)

const callback = {
  id: 'm-1',
  bulkId: 'b-1',
  oldStatus: 'PENDING',
  newStatus: 'DELIVERED',
  oldStatusCode: 2,
  newStatusCode: 6,
  price: 0,
  partCount: 1,
  callbackData: ref,
}

const noon = new Date('2026-06-20T12:00:00.000Z')
const partsOf = (body: unknown, receivedAt = noon): InboundPart[] => {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return parseWebhook(bytes, [owner], receivedAt).map(({ part }) => part)
}
const reportOf = (changes: object): DeliveryReport => {
  const [part] = partsOf({ ...callback, ...changes })
  if (part?.type !== 'report') throw new Error(JSON.stringify(part))
  return part
}
const replyOf = (body: object, receivedAt = noon): CustomerReply => {
  const [part] = partsOf({ ref, ...body }, receivedAt)
  if (part?.type !== 'reply') throw new Error(JSON.stringify(part))
  return part
}
const whyUnreadable = (body: object): string | undefined => {
  const [part] = partsOf(body)
  return part?.type === 'unreadable' ? part.why : undefined
}

describe('TWIN: callback', () => {
  const shapes: Record<string, unknown> = {
    'one object': callback,
    'a list': [callback],
    'under messages': { messages: [callback] },
    'under items': { count: 1, items: [callback] },
    'under data': { data: callback },
    'under data as text': { data: JSON.stringify([callback]) },
    'a form': new URLSearchParams({ id: 'm-1', newStatus: 'DELIVERED', callbackData: ref }).toString(),
    'a form with everything under data': new URLSearchParams({ data: JSON.stringify(callback) }).toString(),
    'other names': { messageId: 'm-1', new_status: 'delivered', callbackData: [ref] },
    'the status as of now': { id: 'm-1', status: 'DELIVERED', callbackData: ref },
  }
  for (const [label, body] of Object.entries(shapes)) {
    it(`as ${label}`, () => {
      const parts = partsOf(body)
      expect(parts).to.have.length(1)
      expect(parts[0]).to.include({ type: 'report', messageId: 'm-1', status: 'delivered', reference })
    })
  }

  const words: [word: string, meaning: Partial<DeliveryReport>][] = [
    ['CREATED', { status: 'accepted' }],
    ['PENDING', { status: 'accepted' }],
    ['DELAYED', { status: 'accepted' }],
    ['PAUSED', { status: 'accepted' }],
    ['SENT', { status: 'sent' }],
    ['Delivered', { status: 'delivered' }],
    ['READ', { status: 'delivered' }],
    ['UNDELIVERED', { isUnconfirmed: true }],
    ['ERROR', { isUnconfirmed: true }],
    ['Expired', { isUnconfirmed: true }],
    ['BLOCKED', { isUnconfirmed: true }],
    ['constructor', { isUnconfirmed: true }],
  ]
  for (const [word, meaning] of words) {
    it(`${word}: ${JSON.stringify(meaning)}`, () => {
      const { status, isUnconfirmed } = reportOf({ newStatus: word })
      expect({ ...(status && { status }), ...(isUnconfirmed && { isUnconfirmed }) }).to.deep.equal(meaning)
    })
  }

  it('means nothing by its numbers alone', () => {
    expect(whyUnreadable({ id: 'm-1', newStatusCode: 6, callbackData: ref })).to.equal('a status without a status')
  })

  it('without callbackData is known by its id; with one that was not signed here it is not taken', () => {
    expect(reportOf({ callbackData: null })).not.to.have.property('reference')
    for (const callbackData of ['x', ref.slice(0, -1), `${ref}x`, { a: 1 }])
      expect(whyUnreadable({ ...callback, callbackData })).to.equal('callbackData that was not signed here')
  })

  it('tells that it cost something', () => {
    expect(reportOf({ price: 0.5 }).pricing).to.deep.equal({ isBillable: true, amountMicros: 500_000 })
    expect(reportOf({ price: 0 })).not.to.have.property('pricing')
  })

  it('of telephony is counted and left', () => {
    expect(partsOf({ event: 'CALL_ENDED', id: 'c-1' })).to.deep.equal([{ type: 'ignored', topic: 'voice' }])
  })

  for (const body of ['', 'null', '[]', '"x"', '{', '7', '\u0000', '<html>', '=', '&&'])
    it(`cannot be read: ${JSON.stringify(body)}`, () => expect(() => partsOf(body)).to.throw(SyntaxError))
})

describe('TWIN: call of a scenario', () => {
  const actions: [action: string, body: object, choice: object][] = [
    ['REATTEMPT', {}, { action: 'reattempt' }],
    ['reattempt', {}, { action: 'reattempt' }],
    ['RESCHEDULE', { value: '24-06-2026' }, { action: 'reschedule', value: '2026-06-24' }],
    ['RESCHEDULE', {}, { action: 'reschedule' }],
    ['ADDRESS', { text: '12 Lake Road' }, { action: 'update_address' }],
    ['PHONE', { value: '9810012345' }, { action: 'add_alternate_number' }],
    ['FAKE_ATTEMPT', { colour: 'red' }, { action: 'report_fake_delivery' }],
    ['CANCEL', {}, { action: 'cancel' }],
  ]
  for (const [action, body, choice] of actions) {
    it(`${action} ${JSON.stringify(body)}`, () => {
      const reply = replyOf({ action, ...body })
      expect(reply).to.deep.include({ replyType: 'choice', reference, choice, from: {} })
    })
  }

  it('TEXT is what the customer wrote', () => {
    expect(replyOf({ action: 'TEXT', text: 'call me' })).to.include({ replyType: 'text', value: 'call me', reference })
  })

  describe('without an id of its own', () => {
    const idAt = (time: string, body: object = {}) =>
      replyOf({ action: 'TEXT', text: 'ok', ...body }, new Date(`2026-06-20T${time}Z`)).messageId

    it('is the same reply within a minute, and the next answer afterwards', () => {
      expect(idAt('12:00:59.999')).to.equal(idAt('12:00:00.000'))
      expect(idAt('12:01:00.000')).not.to.equal(idAt('12:00:00.000'))
      expect(idAt('12:00:00.000', { text: 'no' })).not.to.equal(idAt('12:00:00.000'))
    })
  })

  describe('with an id of its own', () => {
    const idAt = (time: string, id: number) =>
      replyOf({ action: 'TEXT', text: 'ok', id }, new Date(`2026-06-20T${time}Z`)).messageId

    it('is the same reply whenever it comes, and another one with another id', () => {
      expect(idAt('18:00:00.000', 1)).to.equal(idAt('12:00:00.000', 1))
      expect(idAt('12:00:00.000', 1)).not.to.equal(idAt('12:00:00.000', 2))
    })
  })

  it('is parked with a ref that is not ours, an action that is not known, or a date that is none', () => {
    expect(whyUnreadable({ ref: 'v1.x.y', action: 'CANCEL' })).to.equal('a ref that was not signed here')
    expect(whyUnreadable({ action: 'CANCEL' })).to.equal('a ref that was not signed here')
    expect(whyUnreadable({ ref, action: 'DANCE' })).to.equal('an action that is not known: DANCE')
    expect(whyUnreadable({ ref })).to.equal('an action that is not known: none')
    expect(whyUnreadable({ ref, action: 'RESCHEDULE', value: 'soon' })).to.match(/no date: soon/)
  })

  it('reads dates as people write them, and only real ones', () => {
    expect(['24-06-2026', '24.06.2026', ' 2026-06-24 '].map(dateIn)).to.deep.equal(Array(3).fill('2026-06-24'))
    for (const text of ['31-02-2026', '2026-13-01', '24-06-26', 'tomorrow', ''])
      expect(dateIn(text), text).to.equal(undefined)
  })
})
