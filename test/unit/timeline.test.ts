import { expect } from 'chai'
import fc from 'fast-check'
import type { AttemptFact, ConversationFacts, ReportFact } from '../../src/core/timeline/conversation-facts.ts'
import { duration } from '../../src/core/timeline/moment.ts'
import { timelineOf } from '../../src/core/timeline/timeline.ts'
import { aRecord as anyRecord, recordedAt as start } from '../support/records.ts'

const later = (seconds: number) => new Date(start.getTime() + seconds * 1_000)
const now = later(3_600)

const aRecord = (changes: Parameters<typeof anyRecord>[0] = {}) =>
  anyRecord({ messageId: 'wamid.ROOT', state: 'accepted', statusRank: 3, acceptedAt: later(1), ...changes })

const anAttempt = (changes: Partial<AttemptFact> = {}): AttemptFact => ({
  messageId: 57,
  attempt: 1,
  connectionId: 1,
  outcome: 'accepted',
  failureCode: null,
  vendorCode: null,
  detail: null,
  startedAt: later(0.1),
  finishedAt: later(0.4),
  ...changes,
})

const aReport = (changes: Partial<ReportFact> = {}): ReportFact => ({
  messageId: 57,
  status: 'sent',
  failureReason: null,
  at: later(2),
  receivedAt: later(3),
  ...changes,
})

const facts = (changes: Partial<ConversationFacts> = {}): ConversationFacts => ({
  root: aRecord(),
  followUps: [],
  updatedAt: new Map([[57, later(900)]]),
  attempts: [anAttempt()],
  reports: [],
  replies: [],
  takenAs: [],
  humans: [],
  ends: [],
  decisions: [],
  clicks: [],
  operators: [],
  ...changes,
})

/** Each line as `what: text (why)`. */
const told = (changes: Partial<ConversationFacts>): string[] =>
  timelineOf(facts(changes), now).map(({ what, text, why }) => `${what}: ${text}${why ? ` (${why})` : ''}`)

const begin = [
  'event_accepted: The fdr event about order #98079 was taken in. (its reason is customer_unavailable)',
  "route_chosen: It was to go out through connection 1. (account's own connection)",
]

describe('timeline', () => {
  it('begins with the event and the route, then the attempt and its reports', () => {
    expect(told({ reports: [aReport(), aReport({ status: 'read', receivedAt: later(9) })] })).to.deep.equal([
      ...begin,
      'attempt: Attempt 1 through connection 1: the provider took the message.',
      'report: The provider reported: sent. It says that this was at 2026-06-20T06:00:02.000Z.',
      'report: The provider reported: read. It says that this was at 2026-06-20T06:00:02.000Z.',
    ])
  })

  it('says why nothing is sent', () => {
    const root = aRecord({ state: 'skipped', failureCode: 'whatsapp_disabled', acceptedAt: null })
    expect(told({ root, attempts: [] }).at(-1)).to.equal('skipped: Nothing is sent. (whatsapp_disabled)')
  })

  it('tells a retry: how long it waited, and why', () => {
    const throttled = { outcome: 'refused', failureCode: 'rate_limited', vendorCode: '130429' } as const
    const lines = told({
      attempts: [anAttempt(throttled), anAttempt({ attempt: 2, startedAt: later(65.4), finishedAt: later(66) })],
    })
    expect(lines.slice(2, 4).join('\n')).to.match(/^attempt: Attempt 1 .* did not take the message\. \(.*130429\)+\n/)
    expect(lines.join('\n')).to.match(/waited: It waited 1 min 5 s before attempt 2\. \(.*130429\)/)
  })

  it('tells a wait before the first attempt', () => {
    const lines = told({ attempts: [anAttempt({ startedAt: later(30), finishedAt: later(31) })] })
    expect(lines[2]).to.match(/^waited: It waited 30 s before attempt 1\. \(its connection was busy/)
  })

  it('tells that it went on through the fallback, and why', () => {
    const refused = anAttempt({ outcome: 'refused', failureCode: 'token_refused' })
    const root = aRecord({ connectionId: 2, route: { connectionId: 2, why: 'fallback: connection 1 refused' } })
    const lines = told({ root, attempts: [refused, anAttempt({ attempt: 2, connectionId: 2, startedAt: later(1) })] })
    expect(lines).to.include('route_chosen: It was to go out through connection 1.')
    expect(lines).to.include('route_chosen: It goes on through connection 2. (fallback: connection 1 refused)')
  })

  it('tells how a doubt was settled: by a report, by another attempt, or not', () => {
    const doubted = anAttempt({ outcome: 'in_doubt', failureCode: 'no_answer' })
    expect(told({ attempts: [doubted], reports: [aReport()] })).to.include(
      'doubt_settled: The doubt is over: the provider had taken the message. (a report came: sent)',
    )
    const again = anAttempt({ attempt: 2, startedAt: later(700), finishedAt: later(701) })
    expect(told({ attempts: [doubted, again] })).to.include(
      'doubt_settled: It was sent again; the customer may have got it twice. (no sign of the doubted attempt came)',
    )
    const open = aRecord({ state: 'in_doubt', acceptedAt: null, dueAt: later(4_000), failureCode: 'no_answer' })
    expect(told({ root: open, attempts: [doubted] }).at(-1)).to.match(/^now: Whether it was sent is not known yet/)
    const lost = aRecord({ state: 'unknown', acceptedAt: null, failureReason: 'no report came' })
    expect(told({ root: lost, attempts: [doubted] }).at(-1)).to.equal(
      'ended: Whether it was sent stays unknown; an operator may decide. (no report came)',
    )
  })

  it('tells what it waits for now', () => {
    const root = aRecord({ state: 'waiting', acceptedAt: null, dueAt: later(7_200), failureCode: 'pair_limited' })
    const refused = anAttempt({ outcome: 'refused', failureCode: 'pair_limited' })
    expect(told({ root, attempts: [refused] }).at(-1)).to.match(
      /^now: It waits for the next attempt \(until 2026-06-20T08:00:00\.000Z\)\./,
    )
  })

  it('tells replies, what they were taken for, and what came of it', () => {
    const tapped = { replyId: 'wamid.IN', type: 'button', value: 'Reattempt', contextId: 57, receivedAt: later(60) }
    const decision = {
      id: 3,
      action: 'reattempt',
      state: 'refused',
      attempts: 2,
      responseStatus: 409,
      response: 'no such shipment',
      deferredDate: null,
      createdAt: later(61),
      updatedAt: later(70),
    }
    const words = { replyId: 'wamid.LATER', type: 'text', value: 'Hello', contextId: null, receivedAt: later(80) }
    const lines = told({
      replies: [tapped, words],
      takenAs: [{ replyId: 'wamid.IN', eventSubType: 'Reattempt' }],
      decisions: [decision],
    })
    expect(lines.slice(3)).to.deep.equal([
      'reply: The customer tapped a button: "Reattempt". (taken as the choice "Reattempt")',
      'decision: The courier side is to be told: reattempt. (the customer decided so)',
      'decision_result: The courier side refused the decision after 2 calls. (it answered 409: no such shipment)',
      'reply: The customer wrote: "Hello". (it is not applied yet)',
    ])
  })

  it('tells clicks and what operators chose', () => {
    const clicks = [{ messageId: 58, clicks: 3, firstAt: later(100), lastAt: later(200) }]
    const operators = [
      {
        actor: 'admin',
        action: 'message.mark_sent',
        subjectType: 'message',
        subjectId: '57',
        detail: null,
        at: later(300),
      },
    ]
    expect(told({ clicks, operators }).slice(3)).to.deep.equal([
      'click: The customer followed the link.',
      'click: The link was followed 3 times up to now.',
      'operator: admin chose for the message: mark sent.',
    ])
  })

  it('is the same in whatever order reports are given, and always oldest first', () => {
    const reports = fc.array(fc.nat({ max: 1_000 }), { maxLength: 8 })
    fc.assert(
      fc.property(reports, (seconds) => {
        const given = seconds.map((second) => aReport({ receivedAt: later(second) }))
        const times = timelineOf(facts({ reports: given }), now).map(({ at }) => at.getTime())
        expect(times).to.deep.equal(times.toSorted((a, b) => a - b))
      }),
    )
  })

  for (const [ms, text] of [
    [1_499, '1 s'],
    [59_400, '59 s'],
    [125_000, '2 min 5 s'],
    [7_260_000, '2 h 1 min'],
  ] as const) {
    it(`${ms} ms are ${text}`, () => expect(duration(ms)).to.equal(text))
  }
})
