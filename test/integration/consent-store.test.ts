import { expect } from 'chai'
import { QueryTypes } from 'sequelize'
import type { Wish } from '../../src/core/contacts/consent.ts'
import { type ConsentStore, createConsentStore } from '../../src/core/contacts/consent-store.ts'
import type { Address } from '../../src/core/contract/address.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import * as consents from '../../src/core/storage/migrations/015-consents.ts'
import { createStorage, type Storage } from '../support/world.ts'

const now = new Date('2026-11-20T06:30:00.000Z')
const plus = (ms: number) => new Date(now.getTime() + ms)
const wish = (address: Address, isWanted: boolean, ms = 0, changes: Partial<Wish> = {}): Wish => ({
  accountId: 379,
  address,
  topic: 'all',
  isWanted,
  at: plus(ms),
  by: 'word',
  ...changes,
})

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`consent store on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let store: ConsentStore

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
      store = createConsentStore(database)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const hear = (...wishes: Wish[]) => database.transaction((tx) => store.hear(tx, wishes, now))
    const refuses = async (address: Address, accountId = 379, topic: Wish['topic'] = 'all') =>
      (await store.read(database, [address])).refused({ accountIds: [accountId], address })[topic]

    it('keeps the latest word, in whatever order the words come, and says what was news', async () => {
      const person = { phone: '+911' }
      expect(await hear(wish(person, false, 10))).to.deep.equal([true])
      expect(await hear(wish(person, false, 12)), 'the same again').to.deep.equal([false])
      expect(await hear(wish(person, true, 5)), 'too late').to.deep.equal([false])
      expect(await refuses(person)).to.equal(true)
      expect(await hear(wish(person, true, 20), wish(person, false, 15))).to.deep.equal([true, false])
      expect(await refuses(person)).to.equal(false)
      expect(await hear(wish({ phone: '+912' }, true)), 'nobody had stopped it').to.deep.equal([false])
    })

    it('keeps accounts and topics apart', async () => {
      const person = { phone: '+921' }
      await hear(wish(person, false, 0, { topic: 'marketing' }), wish(person, false, 0, { accountId: 380 }))
      expect([await refuses(person), await refuses(person, 379, 'marketing')]).to.deep.equal([false, true])
      expect([await refuses(person, 380), await refuses(person, 380, 'marketing')]).to.deep.equal([true, false])
    })

    it('knows a person by both addresses', async () => {
      await hear(wish({ phone: '+931', userId: 'IN.31' }, false, 5))
      expect([await refuses({ phone: '+931' }), await refuses({ userId: 'IN.31' })]).to.deep.equal([true, true])
      expect(await hear(wish({ userId: 'IN.31' }, true, 3)), 'older').to.deep.equal([false])
    })

    it('lets what was said go with a person who moves, as far as the owner of the number vouches for it', async () => {
      const [before, after, elsewhere] = [{ phone: '+941' }, { phone: '+942' }, { phone: '+943' }]
      await hear(wish(before, false, 5), wish(before, false, 5, { accountId: 380, topic: 'marketing' }))
      await database.transaction((tx) => store.follow(tx, before, after, 379, now))
      expect([await refuses(after), await refuses(after, 380, 'marketing')]).to.deep.equal([true, false])
      await hear(wish(elsewhere, true, 9))
      await database.transaction((tx) => store.follow(tx, before, elsewhere, 5, now))
      expect([await refuses(elsewhere), await refuses(elsewhere, 380, 'marketing')]).to.deep.equal([false, true])
    })

    it('loses no word when many hear the same new people at once, and calls it news once', async () => {
      const people = Array.from({ length: 10 }, (_, index) => ({
        phone: `+9150000000${index}`,
        userId: `IN.5${index}`,
      }))
      const groups = Array.from({ length: 8 }, (_, group) =>
        hear(...(group % 2 ? people : [...people].reverse()).map((person) => wish(person, false, 100))),
      )
      const news = (await Promise.all(groups)).flat().filter(Boolean)
      expect(news).to.have.length(people.length)
      for (const person of people) expect(await refuses(person)).to.equal(true)
    })

    it('takes over what was said about marketing on connections, once', async () => {
      const schema = database.sequelize.getQueryInterface()
      const run = (sql: string) => database.sequelize.query(sql, { type: QueryTypes.INSERT })
      const time = `'2026-11-20 06:30:00.000'`
      for (const [id, account] of [
        [101, 379],
        [102, 379],
        [103, 380],
      ])
        await run(
          `INSERT INTO wa_connections (id, account_id, provider, name, sender_id, webhook_key, verify_token, credentials,
             business_phone, state, created_at, updated_at)
           VALUES (${id}, ${account}, 'meta', 'x', 's${id}', 'k${id}', 'v', 'c', '+911', 'active', ${time}, ${time})`,
        )
      const contact = (connection: number, phone: string, userId: string | null, out: number, at: string | null) =>
        run(
          `INSERT INTO wa_contacts (connection_id, phone, user_id, marketing_opt_out, marketing_changed_at,
             marketing_changed_by, created_at, updated_at)
           VALUES (${connection}, '${phone}', ${userId ? `'${userId}'` : 'NULL'}, ${out}, ${at ? `'${at}'` : 'NULL'},
             ${at ? "'preference'" : 'NULL'}, ${time}, ${time})`,
        )
      await contact(101, '+961', 'IN.61', 1, '2026-11-20 01:00:00.000')
      await contact(102, '+961', null, 0, '2026-11-20 02:00:00.000')
      await contact(103, '+961', null, 1, '2026-11-20 01:30:00.000')
      await contact(101, '+962', null, 1, '2026-11-20 03:00:00.000')
      await contact(102, '+962', null, 0, '2026-11-20 03:00:00.000')
      await contact(101, '+963', null, 0, null)
      for (let times = 0; times < 2; times++) await consents.up(schema)
      const said = async (address: Address, accountId: number) => {
        const known = (await store.read(database, [address])).latest(accountId, address, 'marketing')
        return known && [known.isWanted, known.at.toISOString(), known.by]
      }
      expect(await said({ phone: '+961' }, 379), 'the last word').to.deep.equal([
        true,
        '2026-11-20T02:00:00.000Z',
        'preference',
      ])
      expect((await said({ userId: 'IN.61' }, 379))?.[0], 'the only word there').to.equal(false)
      expect((await said({ phone: '+961' }, 380))?.[0]).to.equal(false)
      expect((await said({ phone: '+962' }, 379))?.[0], 'of one moment the refusal').to.equal(false)
      expect(await said({ phone: '+963' }, 379), 'nothing said').to.equal(undefined)
      await hear(wish({ phone: '+961' }, false, 0, { topic: 'marketing' }))
      await consents.up(schema)
      expect((await said({ phone: '+961' }, 379))?.[0], 'what was heard since stays').to.equal(false)
    })
  })
}
