import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { createOutgoingStore, type OutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { type Database, type Executor, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { createStorage, type Storage, until } from '../support/world.ts'

const now = new Date('2026-03-01T10:00:00.000Z')

const draft = {
  reference: 'g'.repeat(22),
  accountId: 379,
  kind: 'fdr',
  idempotencyKey: 'fdr:379:1',
  connectionId: 1,
  customerPhone: '+919810012345',
  content: { type: 'text', text: 'hello' },
  snapshot: {},
  route: { connectionId: 1, why: 'test' },
  state: 'sending',
} as const

type Work = (database: Database, store: OutgoingStore) => Promise<void>

async function inStore(kind: Storage, work: Work): Promise<void> {
  const storage = await createStorage(kind)
  const database = openDatabase({ url: storage.url })
  try {
    await migrate(database)
    await work(database, createOutgoingStore(database))
  } finally {
    await database.close()
    await storage.drop()
  }
}

for (const kind of ['sqlite', 'mysql'] as const) {
  describe(`A message given back because its commit went unanswered, on ${kind}`, () => {
    it('stays with whoever claimed it since, when the answer of the giving back was lost and it is repeated', () =>
      inStore(kind, async (database, store) => {
        const [inserted] = await database.transaction((tx) => store.insert(tx, [draft], now))
        await store.giveBack([{ reference: draft.reference, attempt: 1 }], now)
        const claimed = await store.claim(1, 10, new Set(), now)
        expect(claimed.map(({ id }) => id)).to.deep.equal([inserted?.id])

        await store.giveBack([{ reference: draft.reference, attempt: 1 }], now)

        expect((await store.get(inserted?.id ?? 0))?.state).to.equal('sending')
        expect(await store.claim(1, 10, new Set(), now)).to.deep.equal([])
      }))

    it('is given back by the claim itself when the answer of its commit is lost: nobody calls it', () =>
      inStore(kind, async (database, store) => {
        const [inserted] = await database.transaction((tx) =>
          store.insert(tx, [{ ...draft, state: 'queued', dueAt: now }], now),
        )
        const losing = createOutgoingStore({
          ...database,
          async transaction(work) {
            await database.transaction(work)
            throw Object.assign(new Error('Connection lost'), { name: 'SequelizeConnectionError' })
          },
        })
        const failed = await losing.claim(1, 10, new Set(), now).catch((error: Error) => error.message)
        expect(failed).to.equal('Connection lost')
        await until('it waits again', async () => (await store.get(inserted?.id ?? 0))?.state === 'queued')
      }))

    it('stays with whoever claimed it, when the commit that went unanswered had not gone through', () =>
      inStore(kind, async (database, store) => {
        const [inserted] = await database.transaction((tx) =>
          store.insert(tx, [{ ...draft, state: 'queued', dueAt: now }], now),
        )
        const losing = createOutgoingStore({
          ...database,
          async transaction(work) {
            const cut = async (tx: Executor) => {
              await work(tx)
              throw new Error('cut off')
            }
            await database.transaction(cut).catch(() => {})
            const claimed = await store.claim(1, 10, new Set(), new Date(now.getTime() + 7))
            expect(claimed.map(({ attempt }) => attempt)).to.deep.equal([1])
            throw Object.assign(new Error('Connection lost'), { name: 'SequelizeConnectionError' })
          },
        })
        const failed = await losing.claim(1, 10, new Set(), now).catch((error: Error) => error.message)
        expect(failed).to.equal('Connection lost')
        await sleep(500)
        expect((await store.get(inserted?.id ?? 0))?.state).to.equal('sending')
      }))
  })
}
