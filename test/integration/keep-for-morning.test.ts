import { expect } from 'chai'
import { uselessFailure } from '../../src/core/notifications/morning.ts'
import { type KeptMessage, keepForMorning } from '../../src/core/sending/keep-for-morning.ts'
import { createOutgoingStore, type OutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const now = new Date('2026-06-20T17:00:00.000Z')
const morning = new Date('2026-06-21T02:30:00.000Z')
const hourMs = 3_600_000

for (const kind of storages) {
  describe(`messages that were claimed in quiet hours, on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let store: OutgoingStore
    let made = 0

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
      store = createOutgoingStore(database)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    /** One that is being sent. */
    async function aClaimed(expiresAt: Date, columns: Readonly<Record<string, string | number>> = {}) {
      const number = String(++made)
      const draft = {
        reference: number.padStart(22, 'k'),
        accountId: 379,
        kind: 'fdr',
        idempotencyKey: `fdr:379:${number}`,
        connectionId: made,
        customerPhone: `+9198100${number.padStart(5, '0')}`,
        content: { type: 'text', text: 'hello' },
        snapshot: {},
        route: { connectionId: made, why: 'test' },
        state: 'sending',
        expiresAt,
      } as const
      const [inserted] = await database.transaction((tx) => store.insert(tx, [draft], now))
      const id = inserted?.id ?? 0
      for (const [column, value] of Object.entries(columns))
        await database.write(`UPDATE wa_outgoing_messages SET ${column} = $1 WHERE id = $2`, [value, id])
      return id
    }
    const keep = (id: number, attempt = 1) => {
      const kept: KeptMessage = { id, attempt, morning }
      return keepForMorning({ database, store, useless: uselessFailure, now: () => now }, [kept])
    }
    const soon = new Date(now.getTime() + hourMs)
    const tomorrow = new Date(morning.getTime() + hourMs)

    it('wait for the morning, once, and are claimed then', async () => {
      const id = await aClaimed(tomorrow)
      await keep(id)
      await keep(id)
      expect(await store.get(id)).to.deep.include({
        state: 'queued',
        dueAt: morning,
        quietUntil: morning,
        givenBack: 1,
      })
      expect(await store.claim(made, 1, new Set(), now)).to.deep.equal([])
      const [claimed] = await store.claim(made, 1, new Set(), morning)
      expect(claimed?.attempt).to.equal(2)
      await keep(id)
      expect((await store.get(id))?.state, 'an earlier claim changes nothing').to.equal('sending')
    })

    it('go on waiting for their next attempt where they were tried before', async () => {
      const id = await aClaimed(tomorrow, { attempts: 2 })
      await keep(id, 2)
      expect(await store.get(id)).to.deep.include({ state: 'waiting', dueAt: morning, givenBack: 1 })
    })

    it('are not sent where they are of no use by then', async () => {
      const id = await aClaimed(soon)
      await keep(id)
      const { state, dueAt, quietUntil, failureCode } = (await store.get(id)) ?? {}
      expect([state, dueAt, quietUntil, failureCode]).to.deep.equal([
        'skipped',
        null,
        null,
        'useless_after_quiet_hours',
      ])
    })

    it('are doubts again where an attempt before may have been taken', async () => {
      const id = await aClaimed(soon, { possible_duplicate: 1 })
      await keep(id)
      expect(await store.get(id)).to.deep.include({ state: 'in_doubt', dueAt: now })
    })

    it('stay of use for an hour of the morning where an operator had them sent again', async () => {
      const id = await aClaimed(soon, { resent_by_hand_at: sqlTime(now) ?? '', possible_duplicate: 1 })
      await keep(id)
      expect(await store.get(id)).to.deep.include({ state: 'queued', dueAt: morning, expiresAt: tomorrow })
    })
  })
}
