import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { startWorker, type Worker, type WorkerOptions } from '../../src/consumers/worker.ts'
import { createLogger } from '../../src/core/observe/logger.ts'

const never = 3_600_000
const log = createLogger('silent')

describe('worker', () => {
  let worker: Worker | undefined

  const start = (work: () => Promise<number>, everyMs = never, options: Partial<WorkerOptions> = {}): Worker => {
    worker = startWorker({ name: 'test', work, everyMs, log, ...options })
    return worker
  }

  afterEach(() => worker?.stop())

  it('looks at once, and goes on while there is something', async () => {
    const counts = [3, 2, 0]
    let looks = 0
    start(async () => {
      looks++
      return counts.shift() ?? 0
    })
    await sleep(20)
    expect(looks).to.equal(3)
  })

  it('is idle while it neither works nor was woken', async () => {
    let end = () => {}
    const idle = start(
      () =>
        new Promise((resolve) => {
          end = () => resolve(0)
        }),
    )
    expect(idle.isIdle(), 'at work').to.equal(false)
    end()
    await sleep(20)
    expect(idle.isIdle(), 'with nothing to do').to.equal(true)
    idle.wake()
    expect(idle.isIdle(), 'just woken').to.equal(false)
    await sleep(20)
    expect(idle.isIdle(), 'at work again').to.equal(false)
    end()
  })

  it('looks now and then unasked', async () => {
    let looks = 0
    start(async () => {
      looks++
      return 0
    }, 10)
    await sleep(100)
    expect(looks).to.be.within(3, 12)
  })

  it('lets more gather after a part of a group, whoever rings, and looks at once after nothing', async () => {
    const counts = [1, 0, 0]
    const looks: number[] = []
    const { wake } = start(
      async () => {
        looks.push(performance.now())
        return counts.shift() ?? 0
      },
      never,
      { fullGroup: 2, gatherMs: 40 },
    )
    await sleep(5)
    wake()
    await sleep(100)
    wake()
    await sleep(10)
    const [first = 0, second = 0] = looks
    expect(looks).to.have.length(3)
    expect(second - first).to.be.at.least(38)
  })

  it('looks when it is woken', async () => {
    let looks = 0
    const { wake } = start(async () => {
      looks++
      return 0
    })
    await sleep(10)
    wake()
    await sleep(10)
    expect(looks).to.equal(2)
  })

  it('looks again when it is woken while it works: what came meanwhile may have been missed', async () => {
    let looks = 0
    let finish = () => {}
    const { wake } = start(async () => {
      looks++
      if (looks === 1)
        await new Promise<void>((resolve) => {
          finish = resolve
        })
      return 0
    })
    await sleep(5)
    wake()
    wake()
    finish()
    await sleep(20)
    expect(looks).to.equal(2)
  })

  it('never works twice at once', async () => {
    let atOnce = 0
    let most = 0
    const { wake } = start(async () => {
      most = Math.max(most, ++atOnce)
      await sleep(2)
      atOnce--
      return 0
    }, 1)
    for (let times = 0; times < 20; times++) {
      wake()
      await sleep(1)
    }
    expect(most).to.equal(1)
  })

  for (const [label, fail] of [
    ['rejects', () => Promise.reject(new Error('database away'))],
    [
      'throws',
      () => {
        throw new Error('a bug')
      },
    ],
  ] as [string, () => Promise<number>][]) {
    it(`goes on after work that ${label}`, async () => {
      let looks = 0
      start(async () => {
        looks++
        return looks === 1 ? fail() : 0
      })
      await sleep(1_200)
      expect(looks).to.equal(2)
    })
  }

  it('does not spin on an error, however often it is woken', async () => {
    let looks = 0
    const { wake } = start(async () => {
      looks++
      throw new Error('database away')
    })
    for (let times = 0; times < 20; times++) {
      wake()
      await sleep(5)
    }
    expect(looks).to.equal(1)
  })

  it('stops at once while it waits', async () => {
    let looks = 0
    const { stop } = start(async () => {
      looks++
      return 0
    })
    await sleep(10)
    await stop()
    expect(looks).to.equal(1)
  })

  it('stops after the work that is under way, and begins no other', async () => {
    let looks = 0
    let finish = () => {}
    const { stop, wake } = start(async () => {
      looks++
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      return 1
    })
    await sleep(5)
    let isStopped = false
    const stopped = stop().then(() => {
      isStopped = true
    })
    wake()
    await sleep(10)
    expect(isStopped).to.equal(false)
    finish()
    await stopped
    expect(looks).to.equal(1)
  })

  it('stops at once when the work that is under way fails, or has failed', async () => {
    let fail = (_error: Error) => {}
    const failing = start(
      () =>
        new Promise<number>((_, reject) => {
          fail = reject
        }),
    )
    await sleep(5)
    const startedAt = performance.now()
    const stopped = failing.stop()
    fail(new Error('database away'))
    await stopped
    const failed = start(() => Promise.reject(new Error('database away')))
    await sleep(5)
    await failed.stop()
    expect(performance.now() - startedAt).to.be.lessThan(500)
  })
})
