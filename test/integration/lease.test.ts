import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { createLease } from '../../src/core/storage/lease.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

for (const kind of storages) {
  describe(`a lease on ${kind}`, function () {
    this.timeout(60_000)
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let clockMs = Date.parse('2026-11-20T06:30:00Z')
    let names = 0
    const now = () => new Date(clockMs)
    /** Two replicas and the work that only one of them may do. */
    const aPair = () => {
      const name = `work ${names++}`
      return [createLease({ database, name, now }), createLease({ database, name, now })] as const
    }

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    it('is held by one of those who want it, and says until when', async () => {
      const [one, other] = aPair()
      const held = await Promise.all([one.hold(), other.hold()])
      const [until = 0, ...more] = held.filter((end) => end !== undefined)
      expect(more).to.be.empty
      expect(until - performance.now()).to.be.within(20_000, 30_000)
    })

    it('stays with whoever has it', async () => {
      const [one, other] = aPair()
      const end = await one.hold()
      expect(await other.hold()).to.equal(undefined)
      expect(await one.hold()).to.equal(end)
    })

    it('goes to another one at its end', async () => {
      const [one, other] = aPair()
      await one.hold()
      clockMs += 31_000
      expect(await other.hold()).to.be.a('number')
    })

    it('goes to another one at once when it is given back', async () => {
      const [one, other] = aPair()
      await one.hold()
      await one.release()
      expect(await other.hold()).to.be.a('number')
      expect(await one.hold()).to.equal(undefined)
    })

    it('is not asked for again and again by whoever was refused', async () => {
      const [one, other] = aPair()
      await one.hold()
      await other.hold()
      await one.release()
      expect(await other.hold()).to.equal(undefined)
      await sleep(1_050)
      expect(await other.hold()).to.be.a('number')
    })
  })
}
