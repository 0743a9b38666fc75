import { expect } from 'chai'
import fc from 'fast-check'
import type { FailureCode } from '../../src/core/contract/failures.ts'
import {
  type Doubt,
  type DoubtCircumstances,
  type DoubtDecision,
  decideDoubt,
  silenceMs,
} from '../../src/core/sending/resolve-doubt.ts'

const start = new Date('2026-11-20T06:30:00.000Z')
const minute = 60_000
const hour = 60 * minute
const later = (ms: number) => new Date(start.getTime() + ms)

const aDoubt = (changes: Partial<Doubt> = {}): Doubt => ({
  attemptedAt: start,
  failure: { code: 'no_answer' },
  wasResent: false,
  expiresAt: later(12 * hour),
  ...changes,
})

const passing = { code: 'provider_error', vendorCode: '131000' } as const

interface Case {
  readonly label: string
  readonly doubt?: Partial<Doubt>
  readonly at: number
  /** Sends begun so long after the doubted one were echoed; undefined: none ever. */
  readonly echoed: number | undefined
  readonly policy?: DoubtCircumstances['policy']
  /** The shipment came to its end. */
  readonly ended?: boolean
  /** The provider does not have it, when asked for the last time. */
  readonly absent?: boolean
  readonly expected: DoubtDecision['decision']
  readonly until?: number
  readonly why?: string
}

const cases: Case[] = [
  { label: 'at once', at: 0, echoed: undefined, expected: 'wait', until: 10 * minute },
  { label: 'before the silence has lasted', at: 5 * minute, echoed: 5 * minute, expected: 'wait', until: 10 * minute },
  {
    label: 'just before the silence has lasted, whatever was echoed',
    at: 10 * minute - 1,
    echoed: 10 * minute,
    expected: 'wait',
    until: 10.5 * minute - 1,
  },
  {
    label: 'long silence, but no webhook ever arrived',
    at: 60 * minute,
    echoed: undefined,
    expected: 'wait',
    until: 60.5 * minute,
  },
  {
    label: 'long silence, but only older sends were echoed',
    at: 60 * minute,
    echoed: -minute,
    expected: 'wait',
    until: 60.5 * minute,
  },
  {
    label: 'long silence, but what was echoed began too soon after it',
    at: 60 * minute,
    echoed: 10 * minute - 1,
    expected: 'wait',
    until: 60.5 * minute,
  },
  { label: 'silence proved', at: 10 * minute, echoed: 10 * minute, expected: 'resend' },
  { label: 'silence proved much later', at: 11 * hour, echoed: 10 * minute, expected: 'resend' },
  {
    label: "the vendor's own passing fault",
    doubt: { failure: passing },
    at: 2 * minute,
    echoed: 2 * minute,
    expected: 'resend',
  },
  {
    label: "the vendor's own passing fault, too soon",
    doubt: { failure: passing },
    at: 2 * minute - 1,
    echoed: 2 * minute,
    expected: 'wait',
    until: 2.5 * minute - 1,
  },
  {
    label: "a proxy's 502 without a code",
    doubt: { failure: { code: 'provider_error' } },
    at: 5 * minute,
    echoed: 5 * minute,
    expected: 'wait',
    until: 10 * minute,
  },
  {
    label: 'a lost process',
    doubt: { failure: { code: 'process_lost' } },
    at: 10 * minute,
    echoed: 10 * minute,
    expected: 'resend',
  },
  {
    label: 'the account does not want it sent again',
    at: 10 * minute,
    echoed: 10 * minute,
    policy: 'never',
    expected: 'unknown',
    why: 'does not send again',
  },
  {
    label: 'the account does not want it sent again, silence not proved',
    at: 10 * minute,
    echoed: undefined,
    policy: 'never',
    expected: 'wait',
    until: 10.5 * minute,
  },
  {
    label: 'sent again once before',
    doubt: { wasResent: true },
    at: 10 * minute,
    echoed: 10 * minute,
    expected: 'unknown',
    why: 'sent again once already',
  },
  {
    label: 'the shipment came to its end',
    at: 10 * minute,
    echoed: 10 * minute,
    ended: true,
    expected: 'unknown',
    why: 'reported as delivered',
  },
  {
    label: 'the shipment came to its end, silence not proved',
    at: 10 * minute,
    echoed: undefined,
    ended: true,
    expected: 'wait',
    until: 10.5 * minute,
  },
  {
    label: 'provably not taken',
    doubt: { absences: 2 },
    at: 10 * minute,
    echoed: undefined,
    absent: true,
    expected: 'not_sent',
  },
  {
    label: 'provably not taken before the shipment came to its end',
    doubt: { absences: 2 },
    at: 10 * minute,
    echoed: undefined,
    absent: true,
    ended: true,
    expected: 'not_needed',
  },
  {
    label: 'its second attempt provably not taken before the shipment came to its end',
    doubt: { absences: 2, wasResent: true },
    at: 10 * minute,
    echoed: undefined,
    absent: true,
    ended: true,
    expected: 'unknown',
    why: 'reported as delivered',
  },
  {
    label: 'of no use any more',
    doubt: { expiresAt: later(10 * minute) },
    at: 10 * minute,
    echoed: 10 * minute,
    expected: 'unknown',
    why: 'while it was useful',
  },
  { label: 'useful for ever', doubt: { expiresAt: null }, at: 10 * hour, echoed: hour, expected: 'resend' },
  {
    label: 'nothing shows within a day',
    at: 24 * hour,
    echoed: undefined,
    expected: 'unknown',
    why: 'within a day',
  },
  {
    label: 'nothing shows until just before the day ends',
    at: 24 * hour - 1,
    echoed: undefined,
    expected: 'wait',
    until: 24 * hour + minute / 2 - 1,
  },
  {
    label: 'a day later, when it turns out that reports arrive',
    doubt: { expiresAt: null },
    at: 24 * hour,
    echoed: 20 * hour,
    expected: 'resend',
  },
]

describe('a send in doubt', () => {
  for (const { label, doubt, at, echoed, ended, absent, policy = 'resend_once', expected, until, why } of cases) {
    it(`${label}: ${expected}`, () => {
      const around: DoubtCircumstances = {
        now: later(at),
        policy,
        echoedUntil: echoed === undefined ? undefined : later(echoed),
        ...(ended ? { endedAs: 'delivered' } : {}),
        ...(absent ? { lookUp: { result: 'absent' } } : {}),
      }
      const decided = decideDoubt(aDoubt(doubt), around)
      expect(decided.decision).to.equal(expected)
      if (decided.decision === 'wait') expect(decided.until).to.deep.equal(later(until ?? -1))
      if (decided.decision === 'unknown') expect(decided.why).to.include(why)
    })
  }

  it('a code of the vendor shortens the silence only for a fault of the vendor', () => {
    expect(silenceMs(passing)).to.equal(2 * minute)
    const others: FailureCode[] = ['no_answer', 'answer_unreadable', 'process_lost']
    for (const code of others) expect(silenceMs({ code, vendorCode: '1' }), code).to.equal(10 * minute)
  })

  it('is never sent again blindly, and never waits beyond a day', () => {
    const facts = fc.record({
      atMs: fc.integer({ min: -hour, max: 30 * hour }),
      echoedMs: fc.option(fc.integer({ min: -hour, max: 30 * hour })),
      policy: fc.constantFrom('resend_once' as const, 'never' as const),
      wasResent: fc.boolean(),
      expiresMs: fc.option(fc.integer({ min: 0, max: 30 * hour })),
      failure: fc.constantFrom(passing, { code: 'no_answer' as const }),
    })
    fc.assert(
      fc.property(facts, ({ atMs, echoedMs, policy, wasResent, expiresMs, failure }) => {
        const expiresAt = expiresMs === null ? null : later(expiresMs)
        const echoedUntil = echoedMs === null ? undefined : later(echoedMs)
        const decided = decideDoubt(aDoubt({ wasResent, expiresAt, failure }), {
          now: later(atMs),
          policy,
          echoedUntil,
        })
        if (decided.decision === 'resend') {
          expect(policy).to.equal('resend_once')
          expect(wasResent).to.equal(false)
          expect(echoedMs).to.be.at.least(silenceMs(failure))
          expect(atMs).to.be.at.least(silenceMs(failure))
          if (expiresMs !== null) expect(atMs).to.be.lessThan(expiresMs)
        }
        if (decided.decision === 'wait') {
          expect(decided.until.getTime()).to.be.greaterThan(start.getTime() + atMs)
          expect(atMs).to.be.lessThan(24 * hour)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})
