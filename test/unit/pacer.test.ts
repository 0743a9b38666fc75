import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import fc from 'fast-check'
import { createPacer, createRecipientPacer, type Pacer } from '../../src/core/sending/pacer.ts'

const second = 1_000

/** Takes whatever there is, each time as soon as it is there. Resolves with the times of what was taken. */
function takeAll(pacer: Pacer, fromMs: number, untilMs: number, wanted = 1): number[] {
  const times: number[] = []
  for (let nowMs = fromMs; nowMs < untilMs; nowMs = Math.max(nowMs + 1, pacer.nextAtMs(nowMs))) {
    const taken = pacer.take(wanted, nowMs)
    times.push(...Array<number>(taken).fill(nowMs))
  }
  return times
}

/** The most that was taken within any window of this length. */
function mostWithin(times: readonly number[], windowMs: number): number {
  let most = 0
  let from = 0
  for (const [to, timeMs] of times.entries()) {
    while ((times[from] ?? 0) <= timeMs - windowMs) from++
    most = Math.max(most, to - from + 1)
  }
  return most
}

const burstOf = (rate: number) => Math.max(1, rate * 0.1)

describe('pace of a connection', () => {
  for (const rate of [0.5, 1, 10, 80, 100, 1_000]) {
    it(`uses all of ${rate}/s, and no more`, () => {
      const times = takeAll(
        createPacer(() => rate, 0),
        0,
        20 * second,
        40,
      )
      expect(times.length).to.be.at.least(rate * 20 * 0.95)
      expect(times.length).to.be.at.most(rate * 20 + burstOf(rate))
    })
  }

  it('never lets more through than rate and burst, in any window, however it is asked', () => {
    const step = fc.record({
      afterMs: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 5_000 })),
      wanted: fc.integer({ min: 1, max: 60 }),
      unused: fc.double({ min: 0, max: 1, noNaN: true }),
      isTooFast: fc.integer({ min: 0, max: 19 }).map((drawn) => drawn === 0),
    })
    const run = fc.property(fc.integer({ min: 1, max: 400 }), fc.array(step, { maxLength: 80 }), (rate, steps) => {
      const pacer = createPacer(() => rate, 0)
      const times: number[] = []
      let nowMs = 0
      for (const { afterMs, wanted, unused, isTooFast } of steps) {
        nowMs += afterMs
        const taken = pacer.take(wanted, nowMs)
        const given = Math.floor(taken * unused)
        pacer.giveBack(given)
        if (isTooFast) pacer.slowDown(nowMs)
        times.push(...Array<number>(taken - given).fill(nowMs))
      }
      for (const windowMs of [1, 100, second, 7 * second]) {
        const bound = burstOf(rate) + (rate * windowMs) / second
        expect(mostWithin(times, windowMs), `${windowMs} ms`).to.be.at.most(Math.ceil(bound))
      }
    })
    fc.assert(run, { numRuns: 300 })
  })

  it('saves nothing up beyond the burst', () => {
    const pacer = createPacer(() => 100, 0)
    expect(pacer.take(1_000, 60 * second)).to.equal(10)
  })

  it('tells when the next one may go', () => {
    const pacer = createPacer(() => 10, 0)
    expect(pacer.nextAtMs(0)).to.equal(0)
    expect(pacer.take(1, 0)).to.equal(1)
    expect(pacer.nextAtMs(0)).to.equal(100)
    expect(pacer.take(1, 99)).to.equal(0)
    expect(pacer.take(1, 100)).to.equal(1)
  })

  it('what was given back can be taken at once, and once', () => {
    const pacer = createPacer(() => 100, 0)
    expect(pacer.take(10, second)).to.equal(10)
    pacer.giveBack(3)
    expect(pacer.take(10, second)).to.equal(3)
    expect(pacer.take(10, second)).to.equal(0)
  })

  it('divides itself among the replicas, from the moment that their number changes', () => {
    let replicas = 1
    const pacer = createPacer(() => 100 / replicas, 0)
    expect(takeAll(pacer, 0, 10 * second).length).to.be.within(950, 1_005)
    replicas = 4
    expect(takeAll(pacer, 10 * second, 20 * second).length).to.be.within(237, 255)
    replicas = 1
    expect(takeAll(pacer, 20 * second, 30 * second).length).to.be.within(950, 1_005)
  })

  describe('the begin of calls', () => {
    const beginAll = (pacer: Pacer, fromMs: number, untilMs: number): number[] => {
      const times: number[] = []
      for (let nowMs = fromMs; nowMs < untilMs; nowMs = Math.max(nowMs + 1, pacer.beginsAtMs(nowMs)))
        while (pacer.begin(nowMs)) times.push(nowMs)
      return times
    }

    for (const rate of [0.5, 10, 80, 1_000]) {
      it(`uses all of ${rate}/s, and overdraws no second by 5 %`, () => {
        const times = beginAll(
          createPacer(() => rate, 0),
          0,
          20 * second,
        )
        expect(times.length).to.be.at.least(Math.floor(rate * 20 * 0.95))
        expect(mostWithin(times, second)).to.be.at.most(Math.max(1, Math.ceil(rate * 1.035)) + 1)
      })
    }

    it('keeps its limit when calls that were held up come together', () => {
      const step = fc.integer({ min: 0, max: 400 })
      const run = fc.property(fc.integer({ min: 1, max: 400 }), fc.array(step, { maxLength: 60 }), (rate, steps) => {
        const pacer = createPacer(() => rate, 0)
        const times: number[] = []
        let nowMs = 0
        for (const afterMs of steps) {
          nowMs += afterMs
          for (let call = 0; call < 50 && pacer.begin(nowMs); call++) times.push(nowMs)
        }
        expect(mostWithin(times, second)).to.be.at.most(Math.ceil(rate * 1.035) + 1)
      })
      fc.assert(run, { numRuns: 300 })
    })

    it('is not held up by a slow past when the limit is raised', () => {
      let rate = 0.001
      const pacer = createPacer(() => rate, 0)
      expect(pacer.begin(0)).to.equal(true)
      expect(pacer.begin(second)).to.equal(false)
      rate = 100
      expect(pacer.beginsAtMs(second)).to.be.at.most(second + 10)
    })

    it('waits while the provider asks for silence', () => {
      const pacer = createPacer(() => 100, 0)
      pacer.slowDown(0, 3 * second)
      expect(pacer.isBlocked(2 * second)).to.equal(true)
      expect(pacer.begin(2 * second)).to.equal(false)
      expect(pacer.beginsAtMs(2 * second)).to.equal(3 * second)
      expect(pacer.isBlocked(3 * second)).to.equal(false)
      expect(pacer.begin(3 * second)).to.equal(true)
    })
  })

  describe('after it was too fast', () => {
    it('pauses for a second when the provider names no time', () => {
      const pacer = createPacer(() => 100, 0)
      pacer.slowDown(second)
      expect(pacer.take(10, 2 * second - 1)).to.equal(0)
      expect(pacer.nextAtMs(second)).to.be.at.least(2 * second)
      expect(takeAll(pacer, second, 3 * second)[0]).to.be.within(2 * second, 2 * second + 40)
    })

    it('pauses as long as the provider asks for', () => {
      const pacer = createPacer(() => 100, 0)
      pacer.slowDown(0, 30 * second)
      expect(takeAll(pacer, 0, 30 * second)).to.deep.equal([])
      expect(takeAll(pacer, 30 * second, 31 * second).length).to.be.greaterThan(0)
    })

    it('a shorter pause does not end a longer one', () => {
      const pacer = createPacer(() => 100, 0)
      pacer.slowDown(0, 30 * second)
      pacer.slowDown(0, second)
      expect(pacer.take(1, 29 * second)).to.equal(0)
    })

    it('goes on at half the pace, and is back at the whole one ten seconds later', () => {
      const pacer = createPacer(() => 100, 0)
      pacer.slowDown(0)
      expect(pacer.ratePerSecond(second)).to.equal(50)
      expect(pacer.ratePerSecond(6 * second)).to.be.closeTo(75, 0.1)
      expect(pacer.ratePerSecond(11 * second)).to.be.closeTo(100, 0.1)
      expect(pacer.ratePerSecond(3_600 * second)).to.equal(100)
      expect(takeAll(pacer, 0, 2 * second).length).to.be.within(45, 56)
      expect(takeAll(pacer, 12 * second, 13 * second).length).to.be.within(95, 111)
    })

    it('answers to calls that were under way together slow it down once', () => {
      const pacer = createPacer(() => 100, 0)
      for (let answer = 0; answer < 40; answer++) pacer.slowDown(answer)
      expect(pacer.ratePerSecond(second + 39)).to.be.closeTo(50, 1)
    })

    it('never stops for good, however often it was too fast', () => {
      const pacer = createPacer(() => 100, 0)
      for (let time = 0; time < 100; time++) pacer.slowDown(time * second)
      expect(pacer.ratePerSecond(100 * second)).to.be.at.least(5)
      expect(takeAll(pacer, 100 * second, 103 * second).length).to.be.at.least(10)
    })
  })
})

describe('pace towards a recipient', () => {
  const limit = { everyMs: 6_000, burst: 45 }
  const [asha, ravi] = ['+919810000001', '+919810000002']

  it('lets 45 through at once, then one every six seconds', () => {
    const pacer = createRecipientPacer(limit)
    const taken = (nowMs: number, asked: number) =>
      Array.from({ length: asked }, () => pacer.take(asha, nowMs)).filter(Boolean).length
    expect(taken(0, 100)).to.equal(45)
    expect(taken(5_999, 10)).to.equal(0)
    for (let count = 1; count <= 20; count++) expect(taken(count * 6_000, 10), `${count * 6} s`).to.equal(1)
  })

  it('gives the whole burst again after a rest', () => {
    const pacer = createRecipientPacer(limit)
    for (let count = 0; count < 45; count++) pacer.take(asha, 0)
    const after = 45 * 6_000
    expect(Array.from({ length: 60 }, () => pacer.take(asha, after)).filter(Boolean)).to.have.length(45)
  })

  it('tells who waits and until when, before anybody asks for one too many', () => {
    const pacer = createRecipientPacer(limit)
    for (let count = 0; count < 44; count++) pacer.take(asha, 0)
    expect(pacer.waiting(0).size).to.equal(0)
    pacer.take(asha, 0)
    expect([...pacer.waiting(0)]).to.deep.equal([[asha, 6_000]])
    expect([...pacer.waiting(5_999)]).to.deep.equal([[asha, 6_000]])
    expect(pacer.waiting(6_000).size).to.equal(0)
    pacer.take(asha, 6_000)
    expect([...pacer.waiting(6_000)]).to.deep.equal([[asha, 12_000]])
  })

  it('holds up nobody else', () => {
    const pacer = createRecipientPacer(limit)
    for (let count = 0; count < 60; count++) pacer.take(asha, 0)
    expect(pacer.take(asha, 0)).to.equal(false)
    expect(pacer.take(ravi, 0)).to.equal(true)
    expect(pacer.waiting(0).has(ravi)).to.equal(false)
  })

  it('who asks only when it is allowed keeps the limit in any minute', () => {
    const pacer = createRecipientPacer({ everyMs: 6_000, burst: 3 })
    const times: number[] = []
    for (let nowMs = 0; nowMs < 300_000; nowMs += 100) {
      if (pacer.waiting(nowMs).has(asha)) continue
      pacer.take(asha, nowMs)
      times.push(nowMs)
    }
    expect(mostWithin(times, 60_000)).to.be.at.most(13)
    expect(times.length).to.be.within(50, 53)
  })

  it('without a limit nobody ever waits', () => {
    const pacer = createRecipientPacer({ everyMs: 0, burst: 1 })
    for (let count = 0; count < 1_000; count++) expect(pacer.take(asha, 0)).to.equal(true)
    expect(pacer.waiting(0).size).to.equal(0)
  })

  it('forgets those whose time has passed', () => {
    const before = memoryMb()
    const pacer = createRecipientPacer(limit)
    for (let count = 0; count < 600_000; count++) pacer.take(`+9198${count}`, count * 10)
    expect(memoryMb() - before).to.be.lessThan(20)
    expect(pacer.take(asha, 6_000_000)).to.equal(true)
  })

  it('many recipients at one time cost no more each than few', () => {
    const pacer = createRecipientPacer(limit)
    const start = performance.now()
    for (let count = 0; count < 100_000; count++) pacer.take(`+9198${count}`, 0)
    expect(performance.now() - start).to.be.lessThan(2_000)
  })
})

function memoryMb(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed / 1024 / 1024
}
