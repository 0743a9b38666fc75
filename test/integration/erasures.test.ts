import { expect } from 'chai'
import { createSecretBox, newKeyRing } from '../../src/core/accounts/secret-box.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { createErasures } from '../../src/core/privacy/erasure.ts'
import { createErasureStore } from '../../src/core/privacy/erasure-store.ts'
import { personOf } from '../../src/core/privacy/person.ts'
import { type Database, openDatabase, type SqlValue } from '../../src/core/storage/database.ts'
import { createLease } from '../../src/core/storage/lease.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { insertRows } from '../../src/core/storage/rows.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { failingWhere } from '../support/failing-database.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

for (const kind of storages) {
  describe(`erasures of which one fails, on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    const start = Date.parse('2026-11-20T06:30:00.000Z')
    let seconds = 0
    let isFailing = true
    let failing: (sql: string, bind: readonly SqlValue[]) => boolean = () => false
    const uncleared: [table: string, id: number][] = []

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    beforeEach(async () => {
      await database.write('DELETE FROM erasures')
      seconds = 0
      isFailing = true
      uncleared.length = 0
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const now = () => new Date(start + seconds * 1_000)
    const gateway = () => {
      const store = createErasureStore(database, createSecretBox(newKeyRing()))
      const nobodys = { read: async () => new Map(), lock: async () => new Map(), apply: async () => {} }
      const erasures = createErasures({
        database: failingWhere(database, (sql, bind) => isFailing && failing(sql, bind)),
        store,
        outgoing: nobodys,
        activity: { insert: async () => {}, committed: () => {} },
        lease: createLease({ database, name: `erasures ${kind}`, now: () => new Date(), leaseMs: 0 }),
        onUncleared: (table, id) => void uncleared.push([table, Number(id)]),
        log: createLogger('silent'),
        now,
      })
      const ask = (phone: string) => ({ accountId: 379, person: personOf(phone), actor: 'admin' })
      return { store, erasures, ask }
    }
    /** State, failures in a row, and seconds from now to the next look. */
    const lookedAt = async () => {
      const rows = await database.select<{ state: string; tries: number; due_at: string }>(
        'SELECT state, tries, due_at FROM erasures ORDER BY id',
      )
      return rows.map(({ state, tries, due_at }) => [
        state,
        Number(tries),
        (Date.parse(`${due_at.slice(0, 23).replace(' ', 'T')}Z`) - now().getTime()) / 1_000,
      ])
    }

    it('holds up no other, and waits longer each time', async () => {
      const { store, erasures, ask } = gateway()
      failing = (_, bind) => bind.includes('+919810012345')
      for (const phone of ['+919810012345', '+919810054321']) await store.create(ask(phone), now())
      seconds += 61
      expect(await erasures.workOff()).to.equal(2)
      expect(await lookedAt()).to.deep.equal([
        ['working', 1, 5],
        ['watching', 0, 59],
      ])
      expect(await erasures.workOff(), 'not due').to.equal(0)
      await database.write('DELETE FROM erasures WHERE tries = 0')
      for (const next of [20, 80, 320, 1_280, 3_600, 3_600]) {
        const [[, , wait] = []] = await lookedAt()
        seconds += Number(wait)
        expect(await erasures.workOff()).to.equal(1)
        expect((await lookedAt())[0]?.[2]).to.equal(next)
      }
      isFailing = false
      seconds += 3_600
      await erasures.workOff()
      expect((await lookedAt())[0]).to.deep.equal(['watching', 0, 3_600])
    })

    it('clears the rows that can be cleared, and tries the others again', async () => {
      const { erasures, ask } = gateway()
      const at = sqlTime(now())
      const rows = [1, 2, 3].map((n) => ({
        connection_id: 1,
        reply_message_id: `wamid.${n}`,
        from_phone: '+919810012345',
        customer_reply_type: 'text',
        created_at: at,
        updated_at: at,
      }))
      await insertRows(database, 'wa_customer_reply_messages', rows)
      const [{ id: badId } = { id: -1 }] = await database.select<{ id: number }>(
        "SELECT id FROM wa_customer_reply_messages WHERE reply_message_id = 'wamid.2'",
      )
      failing = (sql, bind) => sql.startsWith('UPDATE wa_customer_reply_messages') && bind.includes(Number(badId))
      const everywhere = { ...ask('+919810012345'), accountId: undefined }
      expect((await erasures.erase(everywhere)).counts).to.include({ wa_customer_reply_messages: 2 })
      expect(uncleared).to.deep.equal([['wa_customer_reply_messages', Number(badId)]])
      expect(await lookedAt()).to.deep.equal([['working', 1, 5]])
      const left = () => database.select('SELECT id FROM wa_customer_reply_messages WHERE from_phone IS NOT NULL')
      expect(await left()).to.deep.equal([{ id: badId }])
      isFailing = false
      seconds += 5
      await erasures.workOff()
      expect(await left()).to.deep.equal([])
      expect((await lookedAt())[0]?.slice(0, 2)).to.deep.equal(['watching', 0])
    })
  })
}
