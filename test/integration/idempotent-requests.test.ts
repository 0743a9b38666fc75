import { expect } from 'chai'
import { createIdempotentRequests, type Run } from '../../src/core/requests/idempotent-requests.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const now = new Date('2026-03-01T10:00:00.000Z')

for (const kind of storages) {
  describe(`a request that its caller names, on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const requests = () => createIdempotentRequests(database, () => now)
    async function begun(key: string, hash: string): Promise<Run> {
      const result = await requests().begin(key, hash)
      if (result.state !== 'begun') throw new Error(result.state)
      return result.run
    }

    it('that came to nothing may be tried again at once, and its key is for no other one: it may have been done', async () => {
      const run = await begun('key-1', 'asked')
      expect((await requests().begin('key-1', 'asked')).state).to.equal('running')
      await run.release()
      expect((await requests().begin('key-1', 'something else')).state).to.equal('other_request')
      const again = await begun('key-1', 'asked')
      await run.finish({ status: 202, answer: { by: 'whoever let go of it' } })
      await again.finish({ status: 202, answer: { by: 'whoever took it up' } })
      expect(await requests().begin('key-1', 'asked')).to.deep.equal({
        state: 'answered',
        status: 202,
        answer: { by: 'whoever took it up' },
      })
    })

    it('whose answer was cleared is neither done again nor answered with nothing', async () => {
      await (await begun('key-2', 'asked')).finish({ status: 202, answer: { to: '+919810012345' } })
      await database.write("UPDATE idempotent_requests SET answer = NULL WHERE request_key = 'key-2'")
      expect((await requests().begin('key-2', 'asked')).state).to.equal('cleared')
      expect((await requests().begin('key-2', 'something else')).state).to.equal('other_request')
    })
  })
}
