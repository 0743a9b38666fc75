import { expect } from 'chai'
import { agentMessage, agentMessageSchema, agentNotice } from '../../src/core/notifications/kinds/agent-message.ts'
import type { NamedContent, Notice } from '../../src/core/notifications/kinds/kind.ts'

const noReasons = { reasons: [], patterns: [] }
const aBody = (fields: object = {}) => ({
  accountId: 379,
  to: '+919810012345',
  template: { name: 'driver_eta', language: 'en', values: { driver: 'Ravi', minutes: 10 } },
  ...fields,
})
const messageOf = (fields: object = {}) => agentMessageSchema.parse(aBody(fields))
const problemsOf = (fields: object) =>
  agentMessageSchema.safeParse(aBody(fields)).error?.issues.map(({ path }) => path.join('.')) ?? []
const valuesOf = (fields: object) => (messageOf(fields).content as NamedContent).values

function noticeOfEvent(fields: object, deliveryId?: string): Notice {
  const reading = agentMessage.read({ type: 'message.requested', ...aBody(), ...fields }, noReasons, deliveryId)
  if (!reading.ok) throw new Error(reading.detail)
  return reading.notice
}

describe('message of an agent', () => {
  it('is told by a template or in words, as its type says or what is there', () => {
    const text = { template: undefined, text: 'Hello' }
    expect(messageOf().content.type).to.equal('named')
    expect(messageOf(text).content).to.deep.equal({ type: 'text', text: 'Hello' })
    expect(messageOf({ ...text, templateType: 'text' }).content.type).to.equal('text')
    expect(problemsOf({ ...text, type: 'template' })).to.deep.equal(['template'])
    expect(problemsOf({ type: 'text', text: 'Hello' }), 'both at once').to.deep.equal(['template'])
    expect(problemsOf({ ...text, text: ' ' })).to.deep.equal(['text'])
  })

  it('is read in the words of older callers', () => {
    const older = { template: undefined, payload: { driver: 'Ravi' } }
    expect(messageOf({ ...older, templateType: 'driver_eta' }).content).to.include({
      type: 'named',
      name: 'driver_eta',
    })
    expect(problemsOf({ ...older, templateType: 'template' }), 'no name').to.deep.equal(['template'])
    expect(valuesOf({ payload: { other: 'x' } }), 'the template has the last word').to.have.property('driver')
  })

  it('has values that a template takes: one line each, by name or by number', () => {
    expect(valuesOf({})).to.deep.equal({ driver: 'Ravi', minutes: '10' })
    const name = 'driver_eta'
    expect(valuesOf({ template: { name, values: ['a\nb', ''] } })).to.deep.equal(['a b', '-'])
    expect(problemsOf({ template: { name, values: { 1: 'a', driver: 'b' } } })).to.deep.equal(['template.values'])
  })

  it('has bounds for all that it carries', () => {
    const record = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, 'v']))
    expect(problemsOf({ references: record(20), createdBy: 'x'.repeat(64) })).to.deep.equal([])
    expect(problemsOf({ references: record(21) })).to.deep.equal(['references'])
    expect(problemsOf({ references: { [`k${'x'.repeat(64)}`]: 'v' } })).to.have.length(1)
    expect(problemsOf({ createdBy: 'x'.repeat(65) })).to.deep.equal(['createdBy'])
    expect(problemsOf({ connectionId: 'x' })).to.deep.equal(['connectionId'])
    expect(problemsOf({ unknown: 1 })).to.have.length(1)
  })

  it('is only written down where it is not of this side', () => {
    const why = (fields: object) => agentNotice(messageOf(fields), 'k').ignoredBecause
    expect(why({})).to.equal(undefined)
    expect(why({ source: 'agent', migrated: true })).to.equal('migrated')
    expect(why({ source: 'driver' })).to.equal('from_driver_side')
    expect(why({ source: 'customer', migrated: true })).to.equal('from_customer_side')
  })

  it('is the same event by its id, else by that of its delivery, and within its account', () => {
    const key = (fields: object, deliveryId?: string) => noticeOfEvent(fields, deliveryId).idempotencyKey
    expect(key({ eta: 5 }, 'D-1')).to.equal(key({}, 'D-1'))
    expect(key({}, 'D-2'), 'says the same, and is another one').not.to.equal(key({}, 'D-1'))
    expect(key({ messageId: 'M-1' }, 'D-1'), 'was published once more').to.equal(key({ messageId: 'M-1' }, 'D-2'))
    expect(() => key({}), 'may be one that came twice, or another').to.throw('messageId')
    expect(key({ messageId: 'M-1', eta: 5 })).to.equal(key({ messageId: 'M-1' }))
    expect(key({ messageId: 'M-1' })).not.to.equal(key({ messageId: 'M-1', accountId: 380 }))
    expect(key({ messageId: 'x'.repeat(1_000) }).length).to.be.at.most(160)
  })

  it('as an event may carry more than is looked at, and says why it cannot be read', () => {
    expect(noticeOfEvent({ sentAt: 'now', id: 'E-1' }).phone).to.equal('+919810012345')
    for (const event of [null, [], 'x', {}, { type: 'message.requested', accountId: '379' }]) {
      const reading = agentMessage.read(event, noReasons)
      expect(reading.ok, JSON.stringify(event)).to.equal(false)
    }
    expect(agentMessage.read({ ...aBody(), to: '' }, noReasons)).to.include({ reason: 'invalid_to' })
  })
})
