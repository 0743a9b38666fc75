import { expect } from 'chai'
import { createPollStore, type PollStore } from '../../src/core/polling/poll-store.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { createStorage, type Storage } from '../support/world.ts'

const start = new Date('2026-11-20T06:30:00.000Z')
const minute = 60_000
const plus = (ms: number) => new Date(start.getTime() + ms)

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`messages to ask about on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let polls: PollStore

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
      polls = createPollStore({ database, isPolled: async () => true, random: () => 0 })
    })
    beforeEach(() => database.write('DELETE FROM wa_polls'))
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const add = (ids: readonly number[], at = start) =>
      database.transaction((tx) =>
        polls.add(
          tx,
          ids.map((id) => ({ id, connectionId: 1 })),
          at,
        ),
      )
    const idsAt = async (ms: number, limit = 50) => (await polls.claim(limit, plus(ms))).map(({ id }) => id)

    it('are due half a minute after they were taken, and are there once however often they are added', async () => {
      await add([1, 2])
      await add([2, 3], plus(minute))
      expect(await idsAt(29_999)).to.deep.equal([])
      expect((await idsAt(30_000)).sort()).to.deep.equal([1, 2])
      expect(await idsAt(90_000)).to.deep.equal([3])
    })

    it('are asked about by one replica at a time, and by another one when its lease is over', async () => {
      await add(Array.from({ length: 40 }, (_, index) => index + 1))
      const [mine, theirs] = await Promise.all([idsAt(minute, 25), idsAt(minute, 25)])
      const all = [...(mine ?? []), ...(theirs ?? [])]
      expect(new Set(all).size).to.equal(all.length)
      const rest = await idsAt(minute)
      expect(all.length + rest.length).to.equal(40)
      expect(await idsAt(10 * minute)).to.deep.equal([])
      expect(await idsAt(11 * minute)).to.have.length(40)
    })

    it('are asked about at once when something was hinted at, and no more when all is known', async () => {
      await add([1, 2])
      await database.transaction((tx) => polls.hasten(tx, [2, 99], start))
      const [hinted] = await polls.claim(50, start)
      const leaseEnd = plus(10 * minute)
      expect(hinted).to.deep.equal({ id: 2, connectionId: 1, awaits: 'status', since: start, leaseEnd })
      if (hinted) await polls.settle([{ ...hinted, dueAt: null }])
      expect(await idsAt(60 * minute)).to.deep.equal([1])
    })

    it('begin a schedule of their own for what is waited for next', async () => {
      await add([1])
      const [poll] = await polls.claim(50, plus(minute))
      if (poll) await polls.settle([{ ...poll, awaits: 'result', since: plus(minute), dueAt: plus(2 * minute) }])
      expect(await polls.claim(50, plus(2 * minute))).to.deep.equal([
        { id: 1, connectionId: 1, awaits: 'result', since: plus(minute), leaseEnd: plus(12 * minute) },
      ])
    })

    for (const dueAt of [plus(30 * minute), null])
      it(`that were hinted at during the question are asked about again, though the answer ${dueAt ? 'sets a time' : 'ends it'}`, async () => {
        await add([1])
        const asked = await polls.claim(50, plus(minute))
        await database.transaction((tx) => polls.hasten(tx, [1], plus(minute + 500)))
        await polls.settle(asked.map((poll) => ({ ...poll, dueAt })))
        expect(await idsAt(minute + 1_000)).to.deep.equal([1])
      })

    it('are left to whoever asks about them since, when an answer comes after the lease', async () => {
      await add([1])
      const slow = await polls.claim(50, plus(minute))
      expect(await idsAt(12 * minute)).to.deep.equal([1])
      await polls.settle(slow.map((poll) => ({ ...poll, dueAt: plus(13 * minute) })))
      expect(await idsAt(14 * minute)).to.deep.equal([])
    })

    it('of one connection leave those of the others their turn', async () => {
      await add(Array.from({ length: 30 }, (_, index) => index + 1))
      await database.transaction((tx) => polls.add(tx, [{ id: 99, connectionId: 2 }], plus(1_000)))
      const ids = await idsAt(minute, 10)
      expect(ids).to.have.length(11)
      expect(ids).to.include(99)
    })
  })
}
