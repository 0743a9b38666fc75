import { expect } from 'chai'
import { createReplicas } from '../../src/core/sending/replicas.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { createStorage, type Storage } from '../support/world.ts'

const start = Date.parse('2026-11-20T06:30:00.000Z')
const second = 1_000

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`replicas on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let nowMs: number

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    beforeEach(async () => {
      nowMs = start
      await database.write('DELETE FROM gateway_replicas')
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const aReplica = () => createReplicas(database, () => new Date(nowMs))
    const rows = async () => Number((await database.select('SELECT COUNT(*) AS n FROM gateway_replicas'))[0]?.n)

    it('one alone is one, also before its first beat', async () => {
      const only = aReplica()
      expect(only.count()).to.equal(1)
      expect(await only.beat()).to.equal(1)
      expect(await only.beat()).to.equal(1)
      expect(await rows()).to.equal(1)
    })

    it('each counts all that live', async () => {
      const replicas = [aReplica(), aReplica(), aReplica()]
      for (const replica of replicas) await replica.beat()
      for (const replica of replicas) {
        await replica.beat()
        expect(replica.count()).to.equal(3)
      }
    })

    it('a newcomer takes next to nothing of the pace until the others have counted it, and then its part', async () => {
      const [old, newcomer] = [aReplica(), aReplica()]
      await old.beat()
      expect(old.share()).to.equal(1)
      nowMs += 60 * second
      await old.beat()
      await newcomer.beat()
      expect(newcomer.share()).to.be.below(0.05)
      nowMs += second
      await old.beat()
      expect(old.share()).to.equal(0.5)
      nowMs += second
      expect(newcomer.share()).to.equal(0.5)
    })

    it('one alone has all of the pace from its first beat', async () => {
      const only = aReplica()
      await only.beat()
      expect(only.share()).to.equal(1)
    })

    it('begin at the same time without harm', async () => {
      const replicas = Array.from({ length: 10 }, aReplica)
      await Promise.all(replicas.map((replica) => replica.beat()))
      expect(await replicas[0]?.beat()).to.equal(10)
    })

    it('a beat at an unchanged time keeps its one row', async () => {
      const replica = aReplica()
      for (let beat = 0; beat < 5; beat++) await replica.beat()
      expect(await rows()).to.equal(1)
    })

    it('one that fell silent does not count after ten seconds, and counts again when it wakes', async () => {
      const [awake, frozen] = [aReplica(), aReplica()]
      await frozen.beat()
      nowMs += 10 * second
      expect(await awake.beat()).to.equal(2)
      nowMs += 1
      expect(await awake.beat()).to.equal(1)
      expect(await frozen.beat()).to.equal(2)
      expect(await awake.beat()).to.equal(2)
    })

    it('one that leaves does not count from then on', async () => {
      const [stays, leaves] = [aReplica(), aReplica()]
      await leaves.beat()
      expect(await stays.beat()).to.equal(2)
      await leaves.leave()
      expect(await stays.beat()).to.equal(1)
    })

    it('forgets those that are gone for long', async () => {
      for (let count = 0; count < 5; count++) await aReplica().beat()
      nowMs += 3_601 * second
      await aReplica().beat()
      expect(await rows()).to.equal(1)
    })
  })
}
