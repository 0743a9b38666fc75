import { expect } from 'chai'
import type { TemplateContent } from '../../src/core/contract/content.ts'
import {
  createGuardFacts,
  type GuardFacts,
  type Guards,
  type Judged,
  judge,
  usesOf,
} from '../../src/core/notifications/guards/guard-facts.ts'
import { loadPrices } from '../../src/core/stats/prices.ts'
import { configDir } from '../../src/paths.ts'

const template: TemplateContent = { type: 'template', template: { name: 't', language: 'en' }, values: {}, buttons: [] }
const rupees = (micros: number) => ({ micros, currency: 'INR' })

/** The same message, of a guarded account, so many times. */
const messages = (count: number, guards: Guards, changes: Partial<GuardFacts> = {}): Judged<number>[] =>
  Array.from({ length: count }, (_, index) => ({
    message: index,
    key: `k${index}`,
    uses: usesOf(
      { accountId: 379, subject: { type: 'shipment', id: '5' }, customerPhone: '+919810012345' },
      { guards, day: '2026-06-20', price: rupees(115_000), ...changes },
    ),
  }))

const codes = (judged: readonly Judged<number>[], used: Record<string, number> = {}) =>
  [...judge(judged, new Map(Object.entries(used)))].map(([message, { code }]) => `${message} ${code}`)

describe('guards of an account', () => {
  const cases: [label: string, guards: Guards, expected: string][] = [
    ['a shipment', { firstMessagesPerShipmentAndDay: 2 }, 'shipment_daily_limit'],
    ['the account', { messagesPerDay: 2 }, 'account_daily_quota'],
    ['a recipient', { messagesPerRecipientAndDay: 2 }, 'recipient_daily_cap'],
    ['cost', { costPerDay: { amount: '0.23', currency: 'INR' } }, 'account_cost_ceiling'],
  ]
  for (const [label, guards, code] of cases)
    it(`let two messages pass, and no third: ${label}`, () => {
      expect(codes(messages(3, guards))).to.deep.equal([`2 ${code}`])
    })

  it('name the narrowest thing that is used up, and their figures', () => {
    const all = { firstMessagesPerShipmentAndDay: 1, messagesPerDay: 1, messagesPerRecipientAndDay: 1 }
    const refused = judge(messages(2, all), new Map())
    expect(refused.get(1)).to.deep.equal({
      code: 'shipment_daily_limit',
      detail: 'about this shipment there have been 1 of the 1 messages that are allowed for 2026-06-20',
    })
    const costs = judge(messages(3, { costPerDay: { amount: '0.30', currency: 'INR' } }), new Map())
    expect(costs.get(2)?.detail).to.equal(
      "the account's messages of 2026-06-20 cost 0.23 INR, this one 0.115, and 0.30 are allowed for a day",
    )
  })

  it('go on from what is used up already', () => {
    expect(codes(messages(2, { messagesPerDay: 10 }), { '379/2026-06-20/messages': 9 })).to.deep.equal([
      '1 account_daily_quota',
    ])
  })

  it('let what is turned away use up nothing', () => {
    const [first, ...others] = messages(3, { firstMessagesPerShipmentAndDay: 1, messagesPerDay: 2 })
    const another = messages(1, { messagesPerDay: 2 }).map((one) => ({ ...one, message: 9, key: 'other' }))
    expect(codes([...(first ? [first] : []), ...others, ...another])).to.deep.equal([
      '1 shipment_daily_limit',
      '2 shipment_daily_limit',
    ])
  })

  it('count what is repeated in the same group once', () => {
    const twice = messages(4, { messagesPerDay: 2 }).map((one, index) => ({ ...one, key: `k${index >> 1}` }))
    expect(codes(twice)).to.deep.equal([])
  })

  it('add up no amounts of another currency, nor what nothing is known of', () => {
    const guards = { costPerDay: { amount: '0.01', currency: 'INR' } }
    expect(codes(messages(2, guards, { price: { micros: 5_000_000, currency: 'USD' } }))).to.deep.equal([])
    expect(codes(messages(2, guards, { price: undefined }))).to.deep.equal([])
  })

  it('count by the day of the account, and by the price of the message', () => {
    const factsOf = createGuardFacts(loadPrices(`${configDir}/prices.yaml`), () => new Date('2026-06-20T19:00:00Z'))
    const guards = { costPerDay: { amount: '5', currency: 'INR' } }
    const facts = (timezone: string, content = template) =>
      factsOf({ settings: { guards, timezone }, provider: 'meta', content, phone: '+919810012345' })
    expect(facts('Asia/Kolkata')).to.deep.include({ day: '2026-06-21', price: rupees(115_000) })
    expect(facts('Europe/Madrid')?.day).to.equal('2026-06-20')
    expect(facts('UTC', { ...template, isMarketing: true })?.price).to.deep.equal(rupees(780_000))
    const unguarded = { settings: { guards: {}, timezone: 'UTC' }, provider: 'meta', content: template, phone: '+911' }
    expect(factsOf(unguarded)).to.equal(undefined)
  })
})
