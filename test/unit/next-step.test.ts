import { expect } from 'chai'
import fc from 'fast-check'
import { type Flows, loadFlows } from '../../src/core/conversations/flows.ts'
import {
  type Circumstances,
  type Conversation,
  type CustomerMove,
  nextStep,
  type Step,
} from '../../src/core/conversations/next-step.ts'
import { actions } from '../../src/core/notifications/reason.ts'
import { configDir } from '../../src/paths.ts'

const flows = loadFlows(configDir)
const fresh: Conversation = { offeredDates: [] }
/** A Saturday noon in India. */
const startedAt = new Date('2026-06-20T06:30:00Z')
const minute = 60_000
const day = 24 * 60 * minute
const later = (ms: number, more: Partial<Circumstances> = {}): Circumstances => ({
  now: new Date(startedAt.getTime() + ms),
  timezone: 'Asia/Kolkata',
  startedAt,
  hasChoices: true,
  isPaused: false,
  isRefused: false,
  isUnpushed: false,
  ...more,
})

const step = (known: Conversation, move: CustomerMove, ms = minute, more: Partial<Circumstances> = {}): Step =>
  nextStep(flows, known, move, later(ms, more))
const tap = (action: (typeof actions)[number], value?: string): CustomerMove => ({ type: 'tap', action, value })

const offered = ['2026-06-22', '2026-06-23', '2026-06-24']
const asked: Conversation = { offeredDates: offered }
const decided: Conversation = { offeredDates: [], decision: { action: 'cancel' } }

describe('a wish about being written to', () => {
  const wish = (word: 'stop' | 'start', isNews = true): CustomerMove => ({ type: 'wish', word, isNews })
  const refused = { isRefused: true }

  it('is recorded as a reply and confirmed, once', () => {
    const stopped = step(fresh, wish('stop'), minute, refused)
    expect(stopped.activity).to.deep.equal({ eventSubType: 'customer_reply', details: {} })
    expect(stopped.answer).to.deep.equal({ type: 'text', key: 'stop_thanks', confirmsWish: true })
    expect(stopped.conversation, 'nothing else begins').to.deep.equal(fresh)
    expect(step(fresh, wish('stop', false), minute, refused).answer).to.equal(undefined)
    expect(step(fresh, wish('start')).answer).to.deep.equal({ type: 'text', key: 'start_thanks', confirmsWish: true })
  })

  it('is confirmed while a person writes, and never where a dialogue of the provider speaks', () => {
    expect(step(fresh, wish('stop'), minute, { isPaused: true }).answer).to.include({ key: 'stop_thanks' })
    expect(step(fresh, wish('stop'), minute, { isCarriedElsewhere: true }).answer).to.equal(undefined)
  })

  it('to start what was not stopped is words like others', () => {
    expect(step(fresh, wish('start', false))).to.deep.equal(step(fresh, { type: 'words' }))
  })

  it('for no messages silences whatever else the customer does, which is taken all the same', () => {
    const moves: CustomerMove[] = [{ type: 'words' }, { type: 'other' }, ...actions.map((action) => tap(action))]
    for (const move of moves) {
      const said = step(fresh, move, minute, refused)
      expect(said.answer, JSON.stringify(move)).to.equal(undefined)
      expect(said.ndr).to.deep.equal(step(fresh, move).ndr)
      expect(said.conversation.offeredDates, 'what was not offered cannot be taken').to.deep.equal([])
    }
  })
})

describe('a date that a dialogue of the provider asked for', () => {
  const dialogue = { isCarriedElsewhere: true }
  const named = (date: string, more: Partial<Circumstances> = {}) =>
    step(fresh, tap('reschedule', date), minute, { ...dialogue, ...more })

  it('is taken when the calendar has it, also beyond those that would have been offered', () => {
    for (const [date, told] of [
      ['2026-06-22', '22-06-2026'],
      ['2026-07-04', '04-07-2026'],
    ] as const)
      expect(named(date).ndr).to.deep.equal({ action: 'reschedule', deferredDate: told })
  })

  for (const [date, why] of [
    ['2026-06-19', 'sooner than 1 days ahead'],
    ['2026-06-20', 'sooner than 1 days ahead'],
    ['2026-06-21', 'a day without deliveries'],
    ['2026-07-06', 'later than 14 days ahead'],
  ] as const)
    it(`decides nothing on ${date}: ${why}`, () => {
      const refusedDate = date.split('-').reverse().join('-')
      expect(named(date)).to.deep.equal({
        conversation: fresh,
        activity: { eventSubType: 'customer_reply', details: { refusedDate, refusedBecause: why } },
      })
    })

  it("keeps within the courier's limit", () => {
    const couriers = { Delhivery: { maxDays: 3 } }
    const limited = { ...flows, deliveryDates: { ...flows.deliveryDates, couriers } }
    const around = later(minute, { ...dialogue, courierName: 'delhivery' })
    const { ndr, activity } = nextStep(limited, fresh, tap('reschedule', '2026-06-24'), around)
    expect([ndr, activity.details.refusedBecause]).to.deep.equal([undefined, 'later than 3 days ahead'])
  })
})

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
        const key = value === undefined ? 'reschedule_question' : 'reschedule_again'
        expect(answer).to.include({ type: 'dates', key })
        expect(ndr).to.equal(undefined)
        expect(conversation.decision).to.equal(undefined)
        expect(answer?.type === 'dates' && answer.dates).to.deep.equal(conversation.offeredDates)
        expect(conversation.offeredDates).to.have.length(3)
      })
    }

    it('says so when the courier delivers on none of the days that are left', () => {
      const closed: Flows = { ...flows, deliveryDates: { ...flows.deliveryDates, couriers: { Slow: { maxDays: 1 } } } }
      const { answer, conversation, ndr } = nextStep(
        closed,
        asked,
        tap('reschedule'),
        later(minute, { courierName: 'slow' }),
      )
      expect(answer).to.deep.equal({ type: 'choices', key: 'no_dates' })
      expect([conversation, ndr]).to.deep.equal([asked, undefined])
    })

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

  describe('a customer who may change their mind until the courier side is told', () => {
    const free: Flows = { ...flows, changeUntilPushed: true }
    const change = (known: Conversation, move: CustomerMove, isUnpushed = true) =>
      nextStep(free, known, move, later(minute, { isUnpushed }))

    it('takes the new choice in place of the old one', () => {
      const { conversation, ndr, answer } = change(decided, tap('reattempt'))
      expect(conversation.decision).to.deep.equal({ action: 'reattempt' })
      expect(ndr).to.deep.equal({ action: 'reattempt' })
      expect(answer).to.deep.equal({ type: 'text', key: 'reattempt_thanks' })
    })

    it('asks for the date, and takes it, while the first choice stands', () => {
      const { conversation, ndr, answer } = change(decided, tap('reschedule'))
      expect([answer?.type, ndr, conversation.decision]).to.deep.equal(['dates', undefined, decided.decision])
      const taken = change(conversation, tap('reschedule', '2026-06-23'))
      expect(taken.ndr).to.deep.equal({ action: 'reschedule', deferredDate: '23-06-2026' })
    })

    it('says that the same choice has been noted', () => {
      const { ndr, answer } = change(decided, tap('cancel'))
      expect([ndr, answer]).to.deep.equal([undefined, { type: 'text', key: 'already_noted' }])
    })

    it('is told that it is too late once it was pushed', () => {
      expect(change(decided, tap('reattempt'), false)).to.deep.equal(step(decided, tap('reattempt')))
    })

    it('cannot, where the account does not say so', () => {
      const { ndr, answer } = step(decided, tap('reattempt'), minute, { isUnpushed: true })
      expect([ndr, answer]).to.deep.equal([undefined, { type: 'text', key: 'already_noted' }])
    })
  })

  describe('after the shipment came to its end', () => {
    for (const [closedBy, key] of Object.entries(flows.closing)) {
      it(`${closedBy}: a tap is answered honestly and changes nothing`, () => {
        for (const known of [
          { ...asked, closedBy },
          { ...decided, closedBy },
        ]) {
          for (const action of actions) {
            expect(step(known, tap(action, '2026-06-23'))).to.deep.equal({
              conversation: known,
              activity: { eventSubType: 'customer_reply', details: {} },
              answer: { type: 'text', key },
            })
          }
        }
      })
    }

    it('words get the same, once in a while, and no choices', () => {
      const first = step({ ...asked, closedBy: 'delivered' }, { type: 'words' })
      expect(first.answer).to.deep.equal({ type: 'text', key: 'after_delivery' })
      expect(step(first.conversation, { type: 'words' }, 2 * minute)).to.not.have.property('answer')
    })

    it('an end that the flows do not name any more is answered in general', () => {
      const { answer } = step({ ...asked, closedBy: 'vanished' }, tap('cancel'))
      expect(answer).to.deep.equal({ type: 'text', key: 'too_late' })
    })
  })

  describe('while a person writes with the customer', () => {
    const paused = { isPaused: true }

    it('a decision is taken and pushed, without a word of ours', () => {
      const { answer, ndr, conversation, activity } = step(fresh, tap('cancel'), minute, paused)
      expect([answer, ndr]).to.deep.equal([undefined, { action: 'cancel' }])
      expect(conversation.decision).to.deep.equal({ action: 'cancel' })
      expect(activity.eventSubType).to.equal('Cancel my order')
    })

    it('what a tap needs to go on is said: dates and links', () => {
      expect(step(fresh, tap('reschedule'), minute, paused).answer?.type).to.equal('dates')
      expect(step(fresh, tap('update_address'), minute, paused).answer?.type).to.equal('link')
    })

    it('words are recorded and not answered, and are answered afterwards', () => {
      const during = step(fresh, { type: 'words' }, minute, paused)
      expect(during).to.deep.equal({
        conversation: fresh,
        activity: { eventSubType: 'customer_reply', details: {} },
      })
      expect(step(during.conversation, { type: 'words' }, 2 * minute).answer?.type).to.equal('choices')
    })
  })

  it('somebody who was offered no choices is not answered automatically', () => {
    expect(step(fresh, { type: 'words' }, minute, { hasChoices: false })).to.not.have.property('answer')
  })

  interface Turn {
    readonly move: CustomerMove
    readonly pauseMs: number
    readonly isPaused: boolean
    readonly isUnpushed: boolean
    readonly isClosed: boolean
  }
  const move: fc.Arbitrary<CustomerMove> = fc.oneof(
    fc.record({
      type: fc.constant('tap' as const),
      action: fc.constantFrom(...actions),
      value: fc.option(fc.constantFrom(...offered, '2026-06-26', 'x'), { nil: undefined }),
    }),
    fc.record({ type: fc.constantFrom('words' as const, 'other' as const) }),
  )
  const moves: fc.Arbitrary<Turn[]> = fc.array(
    fc.record({
      move,
      pauseMs: fc.integer({ min: 0, max: 2 * day }),
      isPaused: fc.boolean(),
      isUnpushed: fc.boolean(),
      isClosed: fc.boolean(),
    }),
    { maxLength: 15 },
  )

  /** All steps of a conversation, each with what was known before it. */
  function play(list: readonly Turn[], rules: Flows) {
    let known = fresh
    let ms = 0
    return list.map(({ move: given, pauseMs, isPaused, isUnpushed, isClosed }) => {
      ms += pauseMs
      if (isClosed && ms > 3 * day) known = { ...known, closedBy: 'delivered' }
      const before = known
      const next = nextStep(rules, known, given, later(ms, { isPaused, isUnpushed }))
      known = next.conversation
      return { before, next, ms, given, isPaused, isUnpushed }
    })
  }

  it('whatever a customer does, the courier side hears of one decision at most', () => {
    fc.assert(
      fc.property(moves, (list) => {
        const steps = play(list, flows)
        const told = steps.filter(({ next }) => next.ndr)
        const last = steps.at(-1)?.next.conversation.decision
        expect(told.length).to.equal(last ? 1 : 0)
        expect(told[0]?.next.conversation.decision).to.deep.equal(last)
        for (const { before, next } of steps)
          if (before.decision) expect(next.conversation.decision).to.deep.equal(before.decision)
      }),
    )
  })

  it('where changes are allowed, a decision changes only together with what the courier side hears, and only unpushed', () => {
    const free: Flows = { ...flows, changeUntilPushed: true }
    fc.assert(
      fc.property(moves, (list) => {
        for (const { before, next, isUnpushed } of play(list, free)) {
          const isChanged = JSON.stringify(before.decision) !== JSON.stringify(next.conversation.decision)
          expect(isChanged).to.equal(next.ndr !== undefined)
          if (before.decision && isChanged) expect(isUnpushed).to.equal(true)
        }
      }),
    )
  })

  it('nothing is decided after the end or the allowed days, and every step is recorded', () => {
    fc.assert(
      fc.property(moves, (list) => {
        for (const { before, next, ms } of play(list, flows)) {
          expect(next.activity.eventSubType).to.be.a('string').that.is.not.empty
          if (before.closedBy !== undefined || ms > 7 * day) expect(next.ndr).to.equal(undefined)
          if (next.ndr) expect(next.activity.details).to.have.property('action_taken')
        }
      }),
    )
  })

  it('every tap is answered, unless a person writes; and a person is never talked over', () => {
    fc.assert(
      fc.property(moves, (list) => {
        for (const { next, given, isPaused } of play(list, flows)) {
          if (given.type === 'tap' && !isPaused) expect(next.answer, given.action).to.not.equal(undefined)
          if (isPaused) expect(next.answer?.type).to.be.oneOf([undefined, 'dates', 'link'])
        }
      }),
    )
  })

  it('dates that are offered can be chosen at once', () => {
    fc.assert(
      fc.property(moves, (list) => {
        for (const { next, ms } of play(list, flows)) {
          if (next.answer?.type !== 'dates') continue
          for (const date of next.answer.dates)
            expect(step(next.conversation, tap('reschedule', date), ms).ndr?.action).to.equal('reschedule')
        }
      }),
    )
  })
})
