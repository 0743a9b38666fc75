import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { createActivityStore } from '../../src/core/activity/activity-store.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { insertRows } from '../../src/core/storage/rows.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { createActivityHandlers } from '../../src/http/handlers/activity.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const [mine, theirs] = [379, 380]

for (const kind of storages) {
  describe(`streams of activity on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let reads: number
    let stop: AbortController

    beforeEach(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
      reads = 0
      stop = new AbortController()
    })
    afterEach(async () => {
      stop.abort()
      await sleep(50)
      await database.close()
      await storage.drop()
    })

    it("that are idle ask seldom, however often others' events are committed, and hear their own soon", async () => {
      const select: Database['select'] = (sql, bind) => {
        reads++
        return database.select(sql, bind)
      }
      const activity = createActivityStore({ database: { ...database, select }, hasBroker: false })
      const handlers = createActivityHandlers({ activity, now: () => new Date(), stop: stop.signal })
      const commit = async (account_id: number) => {
        const event = { event_id: `event-${Math.random()}`, event_sub_type: 'sent', payload: '{}' }
        await insertRows(database, 'activity_events', [{ ...event, account_id, created_at: sqlTime(new Date()) }])
        activity.committed()
      }
      const heard: string[] = []
      for (const accountId of Array(10).fill(mine)) {
        const query = { accountId, after: 0, limit: 50 }
        const facts = { method: 'GET', caller: { kind: 'admin' as const }, params: {}, body: undefined }
        const { body } = await handlers.stream({ ...facts, query, headers: {}, correlationId: 'none' })
        if (typeof body !== 'object' || !('on' in body)) throw new Error('no stream')
        body.on('data', (chunk: Buffer) => heard.push(chunk.toString()))
      }
      await sleep(300)
      reads = 0
      const startedAt = performance.now()
      for (let times = 0; times < 50; times++) {
        await commit(theirs)
        await sleep(10)
      }
      const wakes = Math.ceil((performance.now() - startedAt) / 250) + 1
      expect(reads).to.be.lessThan(wakes * 12)
      await commit(mine)
      await sleep(600)
      expect(heard.filter((text) => text.includes('id: 51'))).to.have.length(10)
    })
  })
}
