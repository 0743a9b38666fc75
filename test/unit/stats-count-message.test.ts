import { expect } from 'chai'
import type { Facts } from '../../src/core/stats/cells.ts'
import { type CountedMessage, countMessage } from '../../src/core/stats/count-message.ts'
import { histogramOf } from '../../src/core/stats/histogram.ts'

const createdAt = new Date('2026-11-20T06:00:00Z')
const later = (ms: number) => new Date(createdAt.getTime() + ms)

const aMessage = (changes: Partial<CountedMessage> = {}): CountedMessage => ({
  state: 'queued',
  statusRank: 1,
  createdAt,
  acceptedAt: null,
  sentAt: null,
  deliveredAt: null,
  readAt: null,
  failureCode: null,
  customerPhone: '+919810012345',
  template: 'fdr_payment_issue',
  pricingCategory: null,
  isBillable: null,
  priceMicros: null,
  isAnswered: false,
  isDecisionTaken: false,
  ...changes,
})

const charged = 'charged:["utility","91",null]'

describe('what a message counts as', () => {
  const cases: [label: string, message: Partial<CountedMessage>, facts: Facts][] = [
    ['waits', {}, { queued: 1 }],
    ['was accepted', { state: 'accepted', statusRank: 3 }, { queued: 1, accepted: 1 }],
    [
      'was read, and nothing else was reported',
      { state: 'accepted', statusRank: 7, readAt: later(2_000), pricingCategory: 'utility' },
      { queued: 1, accepted: 1, sent: 1, delivered: 1, read: 1, delivery: histogramOf(2_000), [charged]: 1 },
    ],
    [
      'was sent and failed',
      { state: 'accepted', statusRank: 5, acceptedAt: later(1), sentAt: later(2), failureCode: 'undeliverable' },
      { queued: 1, accepted: 1, sent: 1, 'failed:undeliverable': 1 },
    ],
    ['was refused', { state: 'failed', statusRank: 5, failureCode: 'refused' }, { queued: 1, 'failed:refused': 1 }],
    ['failed without a word', { state: 'failed', statusRank: 5 }, { queued: 1, 'failed:unknown': 1 }],
    ['was skipped', { state: 'skipped', failureCode: 'opted_out' }, { 'skipped:opted_out': 1 }],
    ['is in doubt', { state: 'in_doubt', statusRank: 2 }, { queued: 1, unknown: 1 }],
    ['came too late', { state: 'expired', statusRank: 2 }, { queued: 1, expired: 1 }],
    [
      'was sent and given up',
      { state: 'expired', statusRank: 4, sentAt: later(1) },
      { queued: 1, accepted: 1, sent: 1, expired: 1 },
    ],
    [
      'was answered by a decision',
      {
        isAnswered: true,
        isDecisionTaken: true,
        decision: { action: 'reattempt', decidedAt: later(60_000) },
      },
      { queued: 1, replied: 1, 'decided:reattempt': 1, saved: 1, decision: histogramOf(60_000) },
    ],
  ]
  for (const [label, message, facts] of cases)
    it(`when it ${label}`, () => expect(countMessage(aMessage(message))).to.deep.equal(facts))

  const delivered = { state: 'accepted', statusRank: 6 } as const
  const chargeOf = (message: Partial<CountedMessage>) =>
    Object.keys(countMessage(aMessage({ ...delivered, ...message }))).filter((name) => /^(charged|amount)/.test(name))

  it('is charged as its report says, else as its template is', () => {
    expect(chargeOf({ pricingCategory: 'utility', isBillable: true })).to.deep.equal([charged])
    expect(chargeOf({})).to.deep.equal(['charged:[null,"91","fdr_payment_issue"]'])
    expect(chargeOf({ template: null, customerPhone: null })).to.deep.equal(['charged:[null,"",null]'])
  })

  it('is not charged when it is free, or not delivered', () => {
    expect(chargeOf({ isBillable: false })).to.deep.equal([])
    expect(chargeOf({ statusRank: 4, isBillable: true })).to.deep.equal([])
  })

  it("costs its provider's own amount, where there is one", () => {
    expect(chargeOf({ priceMicros: 1_500_000 })).to.deep.equal(['amount'])
  })
})
