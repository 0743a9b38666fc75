import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { createActivityStore } from '../../src/core/activity/activity-store.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { leaseMs } from '../../src/core/sending/outgoing-rows.ts'
import { createOutgoingStore, type OutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { sweepLostSends } from '../../src/core/sending/sweep.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { noPolls } from '../support/plain-provider.ts'
import { aConnection } from '../support/records.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const start = new Date('2026-11-20T06:30:00.000Z')
const later = (minutes: number) => new Date(start.getTime() + leaseMs + minutes * 60_000)

for (const kind of storages) {
  describe(`a message that nobody can work on, on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let store: OutgoingStore

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
      store = createOutgoingStore(database)
    })
    beforeEach(() => database.write('DELETE FROM wa_outgoing_messages'))
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const insert = async (customerPhone: string, state: 'queued' | 'sending' = 'queued') => {
      const reference = randomBytes(16).toString('base64url')
      const route = { connectionId: 1, why: 'test' }
      const content = { type: 'text', text: 'Hello' } as const
      const facts = { accountId: 379, kind: 'fdr', connectionId: 1, customerPhone, snapshot: {}, route, content }
      const draft = { ...facts, reference, idempotencyKey: reference, state, dueAt: start }
      const [inserted] = await database.transaction((tx) => store.insert(tx, [draft], start))
      return inserted?.id ?? 0
    }
    const spoil = (id: number) =>
      database.write(`UPDATE wa_outgoing_messages SET payload = '{"text":"Asha Nair' WHERE id = $1`, [id])
    const rowOf = async (id: number) => {
      const sql = 'SELECT state, due_at, failure_reason AS why FROM wa_outgoing_messages WHERE id = $1'
      const [row] = await database.select<{ state: string; due_at: string | null; why: string | null }>(sql, [id])
      if (!row) throw new Error('gone')
      return row
    }
    const claimAt = async (now: Date) => (await store.claim(1, 10, new Set(), now)).map(({ id }) => id)
    const sweepAt = (now: Date) =>
      sweepLostSends({
        database,
        store,
        activity: createActivityStore({ database, hasBroker: false, waiting: undefined }),
        connection: async (id) => aConnection(id),
        polls: noPolls,
        canCarry: () => true,
        isTemplateUsable: async () => true,
        log: createLogger('silent'),
        now: () => now,
        random: () => 0.5,
      })

    it('stays as it was decided in between', async () => {
      const id = await insert('+919810012345')
      await store.putOff(id, ['in_doubt'], later(0))
      expect(await rowOf(id)).to.deep.equal({ state: 'queued', due_at: (await rowOf(id)).due_at, why: null })
      expect(await claimAt(later(0))).to.deep.equal([id])
    })

    it('keeps no other message of its connection waiting, and tells clients nothing of its row', async () => {
      const [broken, sound] = [await insert('+919810012345'), await insert('+919810012346')]
      await spoil(broken)
      expect(await claimAt(later(0))).to.deep.equal([sound])
      const { state, why } = await rowOf(broken)
      expect(state).to.equal('queued')
      expect(why).to.equal('not decided yet: the message could not be worked on')
    })

    it('that was being sent stands in the way of the customer for about an hour, then is unknown', async () => {
      const [broken, next] = [await insert('+919810012345', 'sending'), await insert('+919810012345')]
      await spoil(broken)
      for (let tries = 0; tries < 5; tries++) await sweepAt(later(10 * tries))
      expect((await rowOf(broken)).state).to.equal('sending')
      expect(await claimAt(later(50))).to.deep.equal([])
      for (const tries of [5, 6]) await sweepAt(later(10 * tries))
      expect(await rowOf(broken)).to.deep.equal({
        state: 'unknown',
        due_at: null,
        why: 'the message could not be worked on',
      })
      expect(await claimAt(later(60))).to.deep.equal([next])
    })
  })
}
