import { expect } from 'chai'
import { type OutgoingDraft, priority } from '../../src/core/sending/outgoing-message.ts'
import { createOutgoingStore, type OutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { createStorage, type Storage } from '../support/world.ts'

const now = new Date('2026-11-20T06:30:00.123Z')
const plus = (ms: number) => new Date(now.getTime() + ms)

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`messages to one recipient on ${kind}`, () => {
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

    const insert = async (name: string, changes: Partial<OutgoingDraft> = {}) => {
      const draft = {
        reference: name.padEnd(22, '-'),
        accountId: 379,
        kind: 'fdr',
        idempotencyKey: name,
        connectionId: 1,
        customerPhone: '+919810012345',
        content: { type: 'text', text: name },
        snapshot: {},
        route: { connectionId: 1, why: 'test' },
        state: 'queued',
        dueAt: now,
        ...changes,
      } as const
      await database.transaction((tx) => store.insert(tx, [draft], now))
    }
    const become = (name: string, values: string) =>
      database.write(`UPDATE wa_outgoing_messages SET ${values} WHERE idempotency_key = '${name}'`)
    const claimed = async (at = now) =>
      (await store.claim(1, 10, new Set(), at)).map(({ reference }) => reference.replace(/-+$/, ''))

    it('leave one after the other, the oldest first', async () => {
      await insert('first')
      await insert('second')
      expect(await claimed()).to.deep.equal(['first'])
      expect(await claimed(), 'while the first one is being sent, by whomever').to.deep.equal([])
      await become('first', "state = 'accepted', due_at = NULL")
      expect(await claimed()).to.deep.equal(['second'])
    })

    it('keep their order also when only a user id is known', async () => {
      const byId = { customerPhone: undefined, customerUserId: 'IN.20000000000000001' }
      await insert('first', byId)
      await insert('second', byId)
      await insert('other', { customerPhone: undefined, customerUserId: 'IN.20000000000000002' })
      expect(await claimed()).to.deep.equal(['first', 'other'])
      expect(await claimed()).to.deep.equal([])
    })

    it('do not overtake one that was tried and waits for its next attempt', async () => {
      await insert('first')
      await insert('second')
      await insert('other', { customerPhone: '+919810054321' })
      await become('first', `state = 'waiting', attempts = 1, due_at = '${sqlTime(plus(30_000))}'`)
      expect(await claimed()).to.deep.equal(['other'])
      expect(await claimed(plus(30_000))).to.deep.equal(['first'])
    })

    it('do not wait for one of a bulk, but never go at the same time', async () => {
      await insert('bulk', { priority: priority.bulk })
      await insert('other bulk', { priority: priority.bulk })
      await insert('own')
      expect(await claimed()).to.deep.equal(['own'])
      expect(await claimed(), 'while their own is being sent, by whomever').to.deep.equal([])
      await become('own', "state = 'accepted', due_at = NULL")
      expect(await claimed()).to.deep.equal(['bulk'])
    })

    it('do not wait for one that was put off to a time of its own, nor for one of another connection', async () => {
      await insert('morning', { dueAt: plus(3_600_000) })
      await insert('elsewhere', { connectionId: 2 })
      await insert('answer')
      expect(await claimed()).to.deep.equal(['answer'])
    })

    it('go on when the one before them ended, however it did', async () => {
      for (const state of ['failed', 'expired', 'in_doubt', 'unknown', 'skipped']) {
        await database.write('DELETE FROM wa_outgoing_messages')
        await insert('first')
        await insert('second')
        await become('first', `state = '${state}', attempts = 1, due_at = NULL`)
        expect(await claimed(), state).to.deep.equal(['second'])
      }
    })

    it('are given back by claim, never one that somebody claimed since', async () => {
      await insert('first')
      const [mine] = await store.claim(1, 10, new Set(), now)
      if (!mine) throw new Error('nothing was claimed')
      await store.giveBack([mine], now)
      expect(await claimed()).to.deep.equal(['first'])
      await store.giveBack([mine], now)
      expect(await claimed()).to.deep.equal([])
    })
  })
}
