import { expect } from 'chai'
import fc from 'fast-check'
import { type Failure, type FailureClass, type FailureCode, failureKinds } from '../../src/core/contract/failures.ts'
import type { SendOutcome } from '../../src/core/contract/provider.ts'
import { rank } from '../../src/core/sending/outgoing-message.ts'
import { afterAttempt } from '../../src/core/sending/retry-policy.ts'

const now = new Date('2026-11-20T06:30:00.000Z')
const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const middle = 0.5

const codes = Object.keys(failureKinds) as FailureCode[]
const refused = (failure: Failure): SendOutcome => ({ outcome: 'refused', failure })

/** Wait after one refusal, in milliseconds. */
const waitAfter = (calls: number, failure: Failure, chance = middle): number => {
  const next = afterAttempt({ calls, expiresAt: undefined }, refused(failure), now, chance)
  expect(next).to.include({ state: 'waiting', statusRank: rank.pending })
  return (next.dueAt?.getTime() ?? 0) - now.getTime()
}

/** What becomes of a refusal, by its class. */
const stateByClass: Readonly<Record<FailureClass, 'waiting' | 'failed'>> = {
  not_sent_retry: 'waiting',
  throttled: 'waiting',
  refused_account: 'waiting',
  refused_message: 'failed',
  template: 'failed',
  recipient: 'failed',
  window: 'failed',
  // The outcome says that it was refused, which is certain; the code alone would not be.
  in_doubt: 'failed',
}

describe('retry policy', () => {
  it('an accepted message has nothing left to do', () => {
    const outcome: SendOutcome = { outcome: 'accepted', messageId: 'wamid.1' }
    const expected = { state: 'accepted', statusRank: rank.accepted, dueAt: null }
    expect(afterAttempt({ calls: 1, expiresAt: new Date(0) }, outcome, now, middle)).to.deep.equal(expected)
  })

  for (const code of codes) {
    it(`${code}: in doubt is looked at when the silence could mean something, and not sent again by itself`, () => {
      const outcome: SendOutcome = { outcome: 'in_doubt', failure: { code } }
      const expected = { state: 'in_doubt', statusRank: rank.unclear, dueAt: new Date(now.getTime() + 10 * minute) }
      expect(afterAttempt({ calls: 1, expiresAt: undefined }, outcome, now, middle)).to.deep.equal(expected)
    })

    const expected = stateByClass[failureKinds[code].class]
    it(`${code}: refused leads to ${expected}`, () => {
      const failure = { code, vendorCode: '1' }
      const next = afterAttempt({ calls: 3, expiresAt: undefined }, refused(failure), now, middle)
      expect(next.state).to.equal(expected)
      expect(next.statusRank).to.equal(expected === 'waiting' ? rank.pending : rank.failed)
      expect(next.dueAt === null).to.equal(expected === 'failed')
    })
  }

  it('what its recipient does not want was not sent, unless an attempt before this one was in doubt', () => {
    const failure = { code: 'recipient_opted_out' } as const
    const next = (wasInDoubt: boolean) =>
      afterAttempt({ calls: 1, expiresAt: undefined, wasInDoubt }, refused(failure), now, middle)
    expect(next(false)).to.deep.equal({ state: 'skipped', statusRank: rank.pending, dueAt: null })
    expect(next(true)).to.deep.equal({ state: 'unknown', statusRank: rank.unclear, dueAt: null })
    expect(afterAttempt({ calls: 1, expiresAt: undefined }, refused({ ...failure, vendorCode: '131050' }), now, middle))
      .to.have.property('state')
      .that.equals('failed')
  })

  it('believes twice that the provider does not know yet that the customer wrote', () => {
    const after = (calls: number) =>
      afterAttempt(
        { calls, expiresAt: undefined },
        refused({ code: 'window_closed', vendorCode: '131047' }),
        now,
        middle,
      )
    expect([1, 2, 3].map((calls) => after(calls).state)).to.deep.equal(['waiting', 'waiting', 'failed'])
  })

  it("looks at a doubt sooner when the vendor named a passing fault of its own, and past the message's usefulness", () => {
    const outcome: SendOutcome = { outcome: 'in_doubt', failure: { code: 'provider_error', vendorCode: '131000' } }
    const next = afterAttempt({ calls: 3, expiresAt: new Date(0) }, outcome, now, middle)
    const dueAt = new Date(now.getTime() + 2 * minute)
    expect(next).to.deep.equal({ state: 'in_doubt', statusRank: rank.unclear, dueAt })
  })

  const schedule = [5 * second, 30 * second, 2 * minute, 10 * minute, hour, 3 * hour, 3 * hour, 3 * hour]
  for (const [index, wait] of schedule.entries()) {
    it(`waits ${wait / second} s after refusal ${index + 1}, a fifth more or less`, () => {
      const failure = { code: 'connection_unreachable' } as const
      expect(waitAfter(index + 1, failure)).to.equal(wait)
      expect(waitAfter(index + 1, failure, 0)).to.equal(wait * 0.8)
      expect(waitAfter(index + 1, failure, 0.999_999)).to.be.closeTo(wait * 1.2, wait / 1_000)
    })
  }

  for (const [index, wait] of [4, 16, 64, 256, 1024, 3600, 3600].entries()) {
    it(`waits ${wait} s after pair limit ${index + 1}`, () => {
      expect(waitAfter(index + 1, { code: 'recipient_throttled' })).to.equal(wait * second)
    })
  }

  it('waits as long as the vendor asks when that is longer, and never less than planned', () => {
    expect(waitAfter(1, { code: 'provider_busy', retryAfterMs: 90 * second })).to.equal(90 * second)
    expect(waitAfter(1, { code: 'provider_busy', retryAfterMs: 90 * second }, 0)).to.equal(90 * second)
    expect(waitAfter(2, { code: 'provider_busy', retryAfterMs: second })).to.equal(30 * second)
    expect(waitAfter(1, { code: 'recipient_throttled', retryAfterMs: minute })).to.equal(minute)
  })

  it('keeps what could only be tried later until the end of its usefulness, in case the cause is mended before', () => {
    const outcome = refused({ code: 'credentials_invalid' })
    const at = (ms: number) => ({ calls: 1, expiresAt: new Date(now.getTime() + ms) })
    const waiting = (ms: number) => ({
      state: 'waiting',
      statusRank: rank.pending,
      dueAt: new Date(now.getTime() + ms),
    })
    expect(afterAttempt(at(2 * second), outcome, now, middle)).to.deep.equal(waiting(2 * second))
    expect(afterAttempt(at(9 * second), outcome, now, middle)).to.deep.equal(waiting(5 * second))
  })

  it('expires what is of no use any more', () => {
    const outcome = refused({ code: 'connection_unreachable' })
    const expired = { state: 'expired', statusRank: rank.unclear, dueAt: null }
    for (const ms of [0, -1])
      expect(afterAttempt({ calls: 1, expiresAt: new Date(now.getTime() + ms) }, outcome, now, middle)).to.deep.equal(
        expired,
      )
  })

  it('a refusal for good is failed, not expired, however late it comes', () => {
    const facts = { calls: 1, expiresAt: new Date(0) }
    expect(afterAttempt(facts, refused({ code: 'window_closed' }), now, middle)).to.have.property('state', 'failed')
  })

  it('always names a real time in the future, before the end of its usefulness, or none', () => {
    const facts = fc.record({
      calls: fc.integer({ min: 1, max: 1_000 }),
      expiresInMs: fc.option(fc.integer({ min: -hour, max: 72 * hour })),
      code: fc.constantFrom(...codes),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 24 * hour })),
      chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    })
    fc.assert(
      fc.property(facts, ({ calls, expiresInMs, code, retryAfterMs, chance }) => {
        const expiresAt = expiresInMs === null ? undefined : new Date(now.getTime() + expiresInMs)
        const failure = { code, ...(retryAfterMs === null ? {} : { retryAfterMs }) }
        const { state, dueAt } = afterAttempt({ calls, expiresAt }, refused(failure), now, chance)
        expect(dueAt !== null).to.equal(state === 'waiting')
        if (!dueAt) return
        const end = expiresAt?.getTime() ?? Number.POSITIVE_INFINITY
        expect(dueAt.getTime()).to.be.at.least(Math.min(end, now.getTime() + (retryAfterMs ?? 0)))
        expect(dueAt.getTime()).to.be.at.most(Math.min(end, now.getTime() + 25 * hour))
        expect(dueAt.getTime()).to.be.greaterThan(now.getTime())
      }),
    )
  })
})
