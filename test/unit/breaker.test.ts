import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type FailureCode, failureKinds } from '../../src/core/contract/failures.ts'
import type { SendOutcome } from '../../src/core/contract/provider.ts'
import { type Breaker, type BreakerOptions, type BreakerState, createBreaker } from '../../src/core/sending/breaker.ts'

const accepted: SendOutcome = { outcome: 'accepted', messageId: 'wamid.1' }
const codes = Object.keys(failureKinds) as FailureCode[]

const failed = (code: FailureCode): SendOutcome =>
  failureKinds[code].class === 'in_doubt'
    ? { outcome: 'in_doubt', failure: { code } }
    : { outcome: 'refused', failure: { code } }

const times = async (count: number, breaker: Breaker, outcome: SendOutcome): Promise<void> => {
  for (let call = 0; call < count; call++) await breaker.run(async () => outcome)
}

/** A call that ends when the test says so. */
function heldCall() {
  let end = (_outcome: SendOutcome) => {}
  const outcome = new Promise<SendOutcome>((resolve) => {
    end = resolve
  })
  return { call: () => outcome, end: (given: SendOutcome) => end(given) }
}

describe('breaker', () => {
  let breaker: Breaker
  let states: BreakerState[]

  const create = (options: Partial<BreakerOptions> = {}) => {
    states = []
    breaker = createBreaker({ onChange: (state) => states.push(state), minCalls: 4, openMs: 30, ...options })
    return breaker
  }
  const openOne = async (options: Partial<BreakerOptions> = {}) => {
    create(options)
    await times(10, breaker, failed('no_answer'))
    expect(breaker.state()).to.equal('open')
  }

  afterEach(() => breaker.close())

  for (const code of codes) {
    const { class: failureClass } = failureKinds[code]
    const counts = failureClass === 'not_sent_retry' || failureClass === 'in_doubt'
    it(`${code} (${failureClass}) ${counts ? 'counts against the provider' : 'is an answer'}`, async () => {
      create()
      await times(12, breaker, failed(code))
      expect(breaker.state()).to.equal(counts ? 'open' : 'closed')
      expect(breaker.allows()).to.equal(!counts)
    })
  }

  it('gives back the outcome as it is', async () => {
    create()
    const refused = failed('provider_busy')
    expect(await breaker.run(async () => accepted)).to.equal(accepted)
    expect(await breaker.run(async () => refused)).to.equal(refused)
    expect(await breaker.run(async () => refused)).to.equal(refused)
  })

  it('stays closed below the least number of calls, and below half of them', async () => {
    create()
    await times(3, breaker, failed('no_answer'))
    expect(breaker.state()).to.equal('closed')
    await times(5, breaker, accepted)
    await times(2, breaker, failed('no_answer'))
    expect(breaker.state()).to.equal('closed')
    await times(4, breaker, failed('no_answer'))
    expect(breaker.state()).to.equal('open')
    expect(states).to.deep.equal(['open'])
  })

  it('lets one call try when the wait is over; an accepted one closes it', async () => {
    await openOne()
    await sleep(60)
    expect(breaker.state()).to.equal('half_open')
    expect(breaker.allows()).to.equal(true)
    const probe = heldCall()
    const outcome = breaker.run(probe.call)
    expect(breaker.allows()).to.equal(false)
    probe.end(accepted)
    expect(await outcome).to.equal(accepted)
    expect(breaker.state()).to.equal('closed')
    expect(breaker.allows()).to.equal(true)
    expect(states).to.deep.equal(['open', 'half_open', 'closed'])
  })

  it('a probe that fails opens it again', async () => {
    await openOne()
    await sleep(60)
    await breaker.run(async () => failed('connection_unreachable'))
    expect(breaker.state()).to.equal('open')
    expect(breaker.allows()).to.equal(false)
  })

  it('a refusal is an answer, so it closes a half-open breaker', async () => {
    await openOne()
    await sleep(60)
    await breaker.run(async () => failed('recipient_unreachable'))
    expect(breaker.state()).to.equal('closed')
  })

  it('calls nobody while open: the message is provably not sent', async () => {
    await openOne({ openMs: 10_000 })
    let calls = 0
    const outcome = await breaker.run(async () => {
      calls++
      return accepted
    })
    expect(calls).to.equal(0)
    expect(outcome).to.have.property('outcome', 'refused')
    expect(outcome.outcome === 'refused' && failureKinds[outcome.failure.code].class).to.equal('not_sent_retry')
  })

  it('goes on probing with one call when calls from before it opened end meanwhile', async () => {
    create()
    await times(2, breaker, failed('no_answer'))
    const old = heldCall()
    const oldOutcome = breaker.run(old.call)
    await times(8, breaker, failed('no_answer'))
    await sleep(60)
    const probe = heldCall()
    const probing = breaker.run(probe.call)
    const second = await breaker.run(async () => accepted)
    expect(second).to.have.property('outcome', 'refused')
    expect(breaker.allows(), 'while the probe is under way').to.equal(false)
    old.end(failed('recipient_unreachable'))
    await oldOutcome
    probe.end(accepted)
    await probing
    expect(breaker.state()).to.equal('closed')
  })

  it('keeps the outcome of every call of a burst that opens it', async () => {
    create()
    const calls = Array.from({ length: 40 }, heldCall)
    const outcomes = Promise.all(calls.map(({ call }) => breaker.run(call)))
    for (const { end } of calls) {
      end(failed('no_answer'))
      await nextTurn()
    }
    expect(await outcomes).to.deep.equal(Array(40).fill(failed('no_answer')))
    expect(breaker.state()).to.equal('open')
  })

  it('opens for calls that last as long as the window, as those do that are never answered', async () => {
    create({ windowMs: 200 })
    await times(1, breaker, failed('no_answer'))
    await sleep(250)
    const calls = Array.from({ length: 10 }, heldCall)
    const outcomes = calls.map(({ call }) => breaker.run(call))
    await sleep(250)
    for (const { end } of calls) end(failed('no_answer'))
    await Promise.all(outcomes)
    expect(breaker.state()).to.equal('open')
  })

  it('a call that throws counts, and its error is passed on', async () => {
    create()
    await times(1, breaker, failed('no_answer'))
    const thrown = await breaker.run(() => Promise.reject(new Error('a bug'))).catch((error: Error) => error.message)
    expect(thrown).to.equal('a bug')
  })

  it('costs nothing before the first trouble: no timers are kept', async () => {
    await sleep(1)
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    create()
    await times(50, breaker, accepted)
    await times(50, breaker, failed('recipient_throttled'))
    expect(timers()).to.equal(before)
    await times(1, breaker, failed('no_answer'))
    breaker.close()
    expect(timers()).to.equal(before)
  })
})
