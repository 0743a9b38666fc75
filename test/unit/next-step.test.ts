import { expect } from 'chai'
import fc from 'fast-check'
import { loadFlows } from '../../src/core/conversations/flows.ts'
import { type Conversation, type CustomerMove, nextStep, type Step } from '../../src/core/conversations/next-step.ts'
import { actions } from '../../src/core/notifications/reason.ts'
import { configDir } from '../../src/paths.ts'

const flows = loadFlows(configDir)
const fresh: Conversation = { offeredDates: [] }
/** A Saturday noon in India. */
const startedAt = new Date('2026-06-20T06:30:00Z')
const minute = 60_000
const day = 24 * 60 * minute
const later = (ms: number) => ({ now: new Date(startedAt.getTime() + ms), timezone: 'Asia/Kolkata', startedAt })

const step = (known: Conversation, move: CustomerMove, ms = minute): Step => nextStep(flows, known, move, later(ms))
const tap = (action: (typeof actions)[number], value?: string): CustomerMove => ({ type: 'tap', action, value })

const offered = ['2026-06-22', '2026-06-23', '2026-06-24']
const asked: Conversation = { offeredDates: offered }
const decided: Conversation = { offeredDates: [], decision: { action: 'cancel' } }

describe('next step', () => {
  const decisions = [
    ['reattempt', 'Reattempt', 'reattempt', 'reattempt_thanks'],
    ['report_fake_delivery', 'Report fake delivery', 'report_fake_delivery', 'report_fake_delivery_thanks'],
    ['cancel', 'Cancel my order', 'cancel', 'cancel_thanks'],
  ] as const
  for (const [action, eventSubType, ndr, key] of decisions) {
    it(`${action}: thanks, notes the decision and tells the courier side`, () => {
      expect(step(fresh, tap(action))).to.deep.equal({
        conversation: { offeredDates: [], decision: { action } },
        activity: { eventSubType, details: { action_taken: eventSubType } },
        answer: { type: 'text', key },
        ndr: { action: ndr },
      })
    })
  }

  const links = [
    ['update_address', 'Update address'],
    ['add_alternate_number', 'Add alternate number'],
  ] as const
  for (const [action, eventSubType] of links) {
    it(`${action}: sends a link and decides nothing`, () => {
      expect(step(fresh, tap(action))).to.deep.equal({
        conversation: fresh,
        activity: { eventSubType, details: { action_taken: eventSubType } },
        answer: { type: 'link', key: action },
      })
    })
  }

  it('covers every action there is', () => {
    const covered = [...decisions, ...links].map(([action]) => action as string)
    expect([...covered, 'reschedule']).to.have.members([...actions])
  })

  describe('reschedule', () => {
    it('asks for the date first: no Sunday, nothing decided', () => {
      expect(step(fresh, tap('reschedule'))).to.deep.equal({
        conversation: asked,
        activity: { eventSubType: 'customer_reply', details: {} },
        answer: { type: 'dates', key: 'reschedule_question', dates: offered },
      })
    })

    it('takes a date that was offered', () => {
      const eventSubType = 'Select new delivery date'
      expect(step(asked, tap('reschedule', '2026-06-23'))).to.deep.equal({
        conversation: { offeredDates: offered, decision: { action: 'reschedule', value: '2026-06-23' } },
        activity: { eventSubType, details: { action_taken: eventSubType, deferredDate: '23-06-2026' } },
        answer: { type: 'text', key: 'reschedule_thanks', date: '2026-06-23' },
        ndr: { action: 'reschedule', deferredDate: '23-06-2026' },
      })
    })

    const notTaken: [label: string, known: Conversation, value: string | undefined, ms: number][] = [
      ['a date that was never offered', asked, '2026-06-28', minute],
      ['a date although none was offered', fresh, '2026-06-23', minute],
      ['nonsense', asked, 'tomorrow', minute],
      ['a second tap on the first button', asked, undefined, minute],
      ['a date that is over', asked, '2026-06-22', 3 * day],
      ['a date that is today in India, though not in UTC', asked, '2026-06-23', 2 * day + 12.5 * 60 * minute],
    ]
    for (const [label, known, value, ms] of notTaken) {
      it(`asks again on ${label}`, () => {
        const { answer, ndr, conversation } = step(known, tap('reschedule', value), ms)
        expect(answer).to.include({ type: 'dates', key: 'reschedule_question' })
        expect(ndr).to.equal(undefined)
        expect(conversation.decision).to.equal(undefined)
        expect(answer?.type === 'dates' && answer.dates).to.deep.equal(conversation.offeredDates)
        expect(conversation.offeredDates).to.have.length(3)
      })
    }

    it('a date on the last moment before its day', () => {
      const { ndr } = step(asked, tap('reschedule', '2026-06-23'), 2 * day + 12 * 60 * minute - 1)
      expect(ndr).to.deep.equal({ action: 'reschedule', deferredDate: '23-06-2026' })
    })
  })

  describe('the first decision wins', () => {
    for (const action of actions) {
      it(`${action} after a decision changes nothing`, () => {
        const known = { ...decided, offeredDates: offered }
        expect(step(known, tap(action, '2026-06-23'))).to.deep.equal({
          conversation: known,
          activity: { eventSubType: 'customer_reply', details: {} },
          answer: { type: 'text', key: 'already_noted' },
        })
      })
    }

    it('after a link a decision is still possible', () => {
      const { conversation } = step(fresh, tap('update_address'))
      expect(step(conversation, tap('cancel')).ndr).to.deep.equal({ action: 'cancel' })
    })
  })

  describe('too late', () => {
    for (const action of actions) {
      it(`${action} after the allowed days is answered honestly and changes nothing`, () => {
        expect(step(asked, tap(action, '2026-06-29'), 7 * day + 1)).to.deep.equal({
          conversation: asked,
          activity: { eventSubType: 'customer_reply', details: {} },
          answer: { type: 'text', key: 'too_late' },
        })
      })
    }

    it('the allowed days end with their last millisecond', () => {
      expect(step(fresh, tap('cancel'), 7 * day).ndr).to.deep.equal({ action: 'cancel' })
    })
  })

  describe('words', () => {
    it('get the choices again, once in ten minutes', () => {
      const first = step(fresh, { type: 'words' })
      expect(first.answer).to.deep.equal({ type: 'choices', key: 'choices_again' })
      expect(first.activity.eventSubType).to.equal('customer_reply')
      const second = step(first.conversation, { type: 'words' }, 2 * minute)
      expect(second).to.not.have.property('answer')
      expect(second.conversation).to.deep.equal(first.conversation)
      expect(step(second.conversation, { type: 'words' }, 11 * minute).answer?.type).to.equal('choices')
    })

    it('after a decision get no choices any more', () => {
      expect(step(decided, { type: 'words' }).answer).to.deep.equal({ type: 'text', key: 'already_noted' })
    })

    it('keep what was asked: a date is still taken afterwards', () => {
      const { conversation } = step(asked, { type: 'words' })
      expect(step(conversation, tap('reschedule', '2026-06-23')).ndr?.action).to.equal('reschedule')
    })
  })

  it('a reaction and the like are recorded and not answered', () => {
    for (const known of [fresh, asked, decided]) {
      expect(step(known, { type: 'other' })).to.deep.equal({
        conversation: known,
        activity: { eventSubType: 'customer_reply', details: {} },
      })
    }
  })

  it('whatever a customer does, the courier side hears of one decision at most', () => {
    const move: fc.Arbitrary<CustomerMove> = fc.oneof(
      fc.record({
        type: fc.constant('tap' as const),
        action: fc.constantFrom(...actions),
        value: fc.option(fc.constantFrom(...offered, '2026-06-26', 'x'), { nil: undefined }),
      }),
      fc.record({ type: fc.constantFrom('words' as const, 'other' as const) }),
    )
    const moves = fc.array(fc.record({ move, pauseMs: fc.integer({ min: 0, max: 2 * day }) }), { maxLength: 15 })
    fc.assert(
      fc.property(moves, (list) => {
        let known = fresh
        let ms = 0
        const told: Step[] = []
        for (const { move: given, pauseMs } of list) {
          ms += pauseMs
          const next = step(known, given, ms)
          if (known.decision) expect(next.conversation.decision).to.deep.equal(known.decision)
          if (next.ndr) told.push(next)
          known = next.conversation
        }
        expect(told.length).to.equal(known.decision ? 1 : 0)
        expect(told[0]?.conversation.decision).to.deep.equal(known.decision)
      }),
    )
  })
})
