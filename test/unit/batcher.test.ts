import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect } from 'chai'
import fc from 'fast-check'
import { type Batcher, BatcherFullError, createBatcher } from '../../src/core/storage/batcher.ts'

/** A flush whose groups are seen, and finish one by one when the test says so. */
function heldFlush() {
  const groups: number[][] = []
  const finish: (() => void)[] = []
  const flush = (items: readonly number[]) => {
    groups.push([...items])
    return new Promise<number[]>((resolve) => finish.push(() => resolve(items.map((item) => item * 10))))
  }
  return { groups, flush, finishNext: () => finish.shift()?.() }
}

const turns = async (count = 5): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await nextTurn()
}

const endOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (error: Error) => error.message,
  )

const addAll = (batcher: Batcher<number, number>, items: readonly number[]) =>
  Promise.all(items.map((item) => endOf(batcher.add(item))))

const away = (): Error => Object.assign(new Error('no connection'), { name: 'SequelizeConnectionRefusedError' })

describe('batcher', () => {
  it('takes what comes in the same turn as one group', async () => {
    const { groups, flush, finishNext } = heldFlush()
    const batcher = createBatcher({ flush })
    const results = addAll(batcher, [1, 2, 3])
    await turns()
    finishNext()
    expect(await results).to.deep.equal([10, 20, 30])
    expect(groups).to.deep.equal([[1, 2, 3]])
  })

  it('gathers what comes while a group is under way, and keeps one in flight', async () => {
    const { groups, flush, finishNext } = heldFlush()
    const batcher = createBatcher({ flush })
    const first = batcher.add(1)
    await turns()
    const rest = addAll(batcher, [2, 3])
    await turns()
    const last = batcher.add(4)
    await turns()
    expect(groups).to.deep.equal([[1]])
    finishNext()
    expect(await first).to.equal(10)
    await turns()
    expect(groups).to.deep.equal([[1], [2, 3, 4]])
    finishNext()
    expect(await Promise.all([rest, last])).to.deep.equal([[20, 30], 40])
  })

  it('starts as many groups at once as it may', async () => {
    const { groups, flush, finishNext } = heldFlush()
    const batcher = createBatcher({ flush, maxSize: 1, inFlight: 2 })
    const results = addAll(batcher, [1, 2, 3])
    await turns()
    expect(groups).to.deep.equal([[1], [2]])
    for (let group = 0; group < 3; group++) {
      finishNext()
      await turns()
    }
    expect(await results).to.deep.equal([10, 20, 30])
  })

  it('cuts what waits into groups of the greatest size, in order, and tells their sizes', async () => {
    const sizes: number[] = []
    const groups: number[][] = []
    const flush = async (items: readonly number[]) => {
      groups.push([...items])
      return items
    }
    const batcher = createBatcher({ flush, maxSize: 4, onFlush: (size) => sizes.push(size) })
    const items = Array.from({ length: 10 }, (_, index) => index)
    expect(await addAll(batcher, items)).to.deep.equal(items)
    expect(groups.flat()).to.deep.equal(items)
    await batcher.idle()
    expect(sizes).to.deep.equal([4, 4, 2])
  })

  it('lets an item that cannot be written cost only itself', async () => {
    const groups: number[][] = []
    const flush = async (items: readonly number[]) => {
      groups.push([...items])
      if (items.includes(2)) throw new Error('2 is refused')
      return items.map((item) => item * 10)
    }
    expect(await addAll(createBatcher({ flush }), [1, 2, 3])).to.deep.equal([10, '2 is refused', 30])
    expect(groups).to.deep.equal([[1, 2, 3], [1], [2], [3]])
  })

  it('does not try a single item twice', async () => {
    let flushes = 0
    const flush = async () => {
      flushes++
      throw new Error('refused')
    }
    expect(await addAll(createBatcher<number, number>({ flush }), [1])).to.deep.equal(['refused'])
    expect(flushes).to.equal(1)
  })

  it('fails the whole group at once while the database is away', async () => {
    let flushes = 0
    const flush = async () => {
      flushes++
      throw away()
    }
    const results = await addAll(createBatcher<number, number>({ flush }), [1, 2, 3])
    expect(results).to.deep.equal(Array(3).fill('no connection'))
    expect(flushes).to.equal(1)
  })

  it('gives up the rest of a group when the database goes away in the middle of it', async () => {
    const groups: number[][] = []
    const flush = async (items: readonly number[]) => {
      groups.push([...items])
      if (items.length > 1) throw new Error('one of them is refused')
      if (items[0] === 2) throw away()
      return items
    }
    const results = await addAll(createBatcher({ flush }), [1, 2, 3, 4])
    expect(results).to.deep.equal([1, 'no connection', 'no connection', 'no connection'])
    expect(groups).to.deep.equal([[1, 2, 3, 4], [1], [2]])
  })

  it('takes a flush that throws at once for one that rejects', async () => {
    const flush = (): Promise<number[]> => {
      throw new Error('not even begun')
    }
    const batcher = createBatcher<number, number>({ flush })
    expect(await addAll(batcher, [1, 2])).to.deep.equal(['not even begun', 'not even begun'])
    await batcher.idle()
  })

  it('goes on after a failure', async () => {
    let isBroken = true
    const flush = async (items: readonly number[]) => {
      if (isBroken) throw away()
      return items
    }
    const batcher = createBatcher({ flush })
    expect(await addAll(batcher, [1])).to.deep.equal(['no connection'])
    isBroken = false
    expect(await addAll(batcher, [2])).to.deep.equal([2])
  })

  it('ends a group before its work is too much, and takes a heavier item alone', async () => {
    const groups: number[][] = []
    const flush = async (items: readonly number[]) => {
      groups.push([...items])
      return items
    }
    const batcher = createBatcher<number, number>({ flush, weightOf: (item) => item, maxWeight: 10 })
    await addAll(batcher, [4, 6, 1, 25, 3, 3])
    expect(groups).to.deep.equal([[4, 6], [1], [25], [3, 3]])
  })

  it('refuses when the work that waits is too much', async () => {
    const { flush, finishNext } = heldFlush()
    const batcher = createBatcher({ flush, weightOf: (item) => item, maxWeight: 5, maxWaiting: 10 })
    const first = batcher.add(5)
    await turns()
    const others = [endOf(batcher.add(9)), endOf(batcher.add(9)), endOf(batcher.add(1))]
    await turns()
    for (let left = 0; left < 3; left++) {
      finishNext()
      await turns()
    }
    expect(await first).to.equal(50)
    expect(await Promise.all(others)).to.deep.equal([90, 90, 'too much is waiting to be written'])
  })

  it('refuses what is more than it may hold, and only that', async () => {
    const { flush, finishNext } = heldFlush()
    const batcher = createBatcher({ flush, maxWaiting: 2, maxSize: 1 })
    const results = Promise.allSettled([batcher.add(1), batcher.add(2), batcher.add(3)])
    for (let group = 0; group < 2; group++) {
      await turns()
      finishNext()
    }
    const [first, second, third] = await results
    expect([first?.status, second?.status, third?.status]).to.deep.equal(['fulfilled', 'fulfilled', 'rejected'])
    expect(third?.status === 'rejected' && third.reason).to.be.instanceOf(BatcherFullError)
  })

  it('is idle at once with nothing to do, and otherwise when all is written', async () => {
    const { flush, finishNext } = heldFlush()
    const batcher = createBatcher({ flush, maxSize: 1 })
    await batcher.idle()
    let isIdle = false
    void addAll(batcher, [1, 2])
    const idle = batcher.idle().then(() => {
      isIdle = true
    })
    await turns()
    finishNext()
    await turns()
    expect(isIdle).to.equal(false)
    finishNext()
    await idle
  })

  it('tells those who wait for it when fewer items are left', async () => {
    const { flush, finishNext } = heldFlush()
    const batcher = createBatcher({ flush, maxSize: 2 })
    void addAll(batcher, [1, 2, 3, 4, 5])
    const seen: string[] = []
    void batcher.below(6).then(() => seen.push('below 6'))
    void batcher.below(3).then(() => seen.push('below 3'))
    void batcher.below(4).then(() => seen.push('below 4'))
    await turns()
    expect(seen).to.deep.equal(['below 6'])
    finishNext()
    await turns()
    expect(seen).to.deep.equal(['below 6', 'below 4'])
    finishNext()
    await turns()
    expect(seen).to.deep.equal(['below 6', 'below 4', 'below 3'])
    finishNext()
    await batcher.idle()
  })

  it('ends every item exactly once with its own result, whatever fails and however it is cut', async () => {
    const plan = fc.record({
      items: fc.array(fc.record({ isBad: fc.boolean(), pause: fc.integer({ min: 0, max: 3 }) }), { maxLength: 40 }),
      maxSize: fc.integer({ min: 1, max: 8 }),
      inFlight: fc.integer({ min: 1, max: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(plan, async ({ items, maxSize, inFlight }) => {
        let underWay = 0
        const flush = async (group: readonly number[]) => {
          underWay++
          expect(underWay).to.be.at.most(inFlight)
          expect(group.length).to.be.within(1, maxSize)
          await turns(group.length % 3)
          underWay--
          if (group.some((index) => items[index]?.isBad)) throw new Error('bad')
          return group.map((index) => index * 10)
        }
        const batcher = createBatcher<number, number>({ flush, maxSize, inFlight })
        const ends: Promise<unknown>[] = []
        for (const [index, { pause }] of items.entries()) {
          ends.push(endOf(batcher.add(index)))
          await turns(pause)
        }
        expect(await Promise.all(ends)).to.deep.equal(items.map(({ isBad }, index) => (isBad ? 'bad' : index * 10)))
        await batcher.idle()
      }),
      { numRuns: 60 },
    )
  })
})
