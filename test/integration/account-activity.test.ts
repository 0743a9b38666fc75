import { expect } from 'chai'
import { type ActivityStore, createActivityStore } from '../../src/core/activity/activity-store.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { insertRows } from '../../src/core/storage/rows.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const now = new Date('2026-11-20T06:30:00.000Z')
const later = new Date(now.getTime() + 16_000)
const [mine, theirs] = [379, 380]

const rowOf = (accountId: number, at: Date) => ({
  event_id: `event-${Math.random()}`,
  event_sub_type: 'sent',
  account_id: accountId,
  payload: '{}',
  created_at: sqlTime(at),
})

for (const kind of storages) {
  describe(`activity events of one account on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let store: ActivityStore

    beforeEach(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
      store = createActivityStore({ database, hasBroker: false })
    })
    afterEach(async () => {
      await database.close()
      await storage.drop()
    })

    const write = (at: Date, ...accounts: number[]) =>
      insertRows(
        database,
        'activity_events',
        accounts.map((account) => rowOf(account, at)),
      )
    const idsOf = async (after: number, at: Date, account = mine, limit = 100) =>
      (await store.after(after, limit, at, account)).map(({ id }) => id)

    it('come without those of others, in pages', async () => {
      await write(now, mine, theirs, theirs, mine, theirs, mine)
      expect(await idsOf(0, now)).to.deep.equal([1, 4, 6])
      expect(await idsOf(0, now, theirs)).to.deep.equal([2, 3, 5])
      expect(await idsOf(1, now, mine, 1)).to.deep.equal([4])
      expect(await idsOf(6, now)).to.deep.equal([])
    })

    it('are seen as soon as they are there', async () => {
      for (let count = 1; count <= 20; count++) {
        await write(now, theirs, mine)
        expect(await idsOf(0, now)).to.have.length(count)
      }
    })

    it('wait behind an id that may still come, and no longer than it may', async () => {
      await write(now, mine, theirs, mine, mine)
      await database.write('DELETE FROM activity_events WHERE id = 3')
      expect(await idsOf(0, now)).to.deep.equal([1])
      expect(await idsOf(0, later)).to.deep.equal([1, 4])
    })

    it("wait behind somebody else's that may still come, since it may be theirs", async () => {
      await write(now, mine, theirs, mine)
      await database.write('DELETE FROM activity_events WHERE id = 2')
      expect(await idsOf(0, now)).to.deep.equal([1])
    })

    it('do not wait for what was rolled back long ago', async () => {
      await write(now, mine, theirs, mine)
      await database.write('DELETE FROM activity_events WHERE id = 2')
      await write(later, mine)
      expect(await idsOf(0, later)).to.deep.equal([1, 3, 4])
    })

    it('are all found in a large table, from wherever a process begins', async () => {
      await write(now, ...Array.from({ length: 3_000 }, (_, n) => (n % 3 === 0 ? mine : theirs)))
      expect(await idsOf(0, now, mine, 2_000)).to.have.length(1_000)
      expect(await idsOf(0, later, theirs, 3_000)).to.have.length(2_000)
    })

    it('cost little after a long silence of readers, and still wait behind what may come', async () => {
      let reads = 0
      const select: Database['select'] = (sql, bind) => {
        reads++
        return database.select(sql, bind)
      }
      store = createActivityStore({ database: { ...database, select }, hasBroker: false })
      await write(now, mine)
      expect(await idsOf(0, now)).to.deep.equal([1])
      for (let times = 0; times < 4; times++) await write(now, ...Array<number>(5_000).fill(theirs))
      await write(later, mine, theirs, mine)
      await database.write('DELETE FROM activity_events WHERE id = 20003')
      reads = 0
      expect(await idsOf(1, later)).to.deep.equal([20_002])
      expect(reads).to.be.lessThan(8)
    })

    if (kind === 'mysql')
      it('use the index that carries them', async () => {
        await write(now, ...Array.from({ length: 3_000 }, (_, n) => n % 100))
        await database.select('ANALYZE TABLE activity_events')
        const [plan] = await database.select<{ key: string; rows: number; Extra: string }>(
          `EXPLAIN SELECT id, payload FROM activity_events
           WHERE account_id = 7 AND id > 100 AND id <= 3000 ORDER BY id LIMIT 50`,
        )
        expect(plan?.key).to.equal('activity_events_account_id_id')
        expect(Number(plan?.rows)).to.be.lessThan(100)
        expect(plan?.Extra).not.to.include('filesort')
      })
  })
}
