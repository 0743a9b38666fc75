import { expect } from 'chai'
import { type ContactStore, type ContactUpdate, createContactStore } from '../../src/core/contacts/contact-store.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import * as contacts from '../../src/core/storage/migrations/004-contacts.ts'
import { createStorage, type Storage } from '../support/world.ts'

const now = new Date('2026-11-20T06:30:00.000Z')
const plus = (ms: number) => new Date(now.getTime() + ms)

const wrote = (phone: string, ms = 0, userId?: string): ContactUpdate => ({
  connectionId: 1,
  address: { phone, ...(userId ? { userId } : {}) },
  change: { type: 'wrote', at: plus(ms) },
})

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`contact store on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let store: ContactStore

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
      store = createContactStore(database)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const apply = (...updates: ContactUpdate[]) => database.transaction((tx) => store.apply(tx, updates, now))
    const find = async (address: ContactUpdate['address'], connectionId = 1) =>
      (await store.find(database, [{ connectionId, address }]))[0]

    it('keeps what is learnt, and finds it by either address', async () => {
      await apply(wrote('+911', 5, 'IN.1'), wrote('+911', 3), {
        connectionId: 1,
        address: { userId: 'IN.1' },
        change: { type: 'human_wrote', at: now },
      })
      const contact = await find({ userId: 'IN.1' })
      expect(contact).to.deep.equal(await find({ phone: '+911' }))
      expect(contact).to.deep.include({
        lastInboundAt: plus(5),
        humanWroteAt: now,
      })
      expect(await find({ phone: '+911' }, 2), 'another connection knows nobody').to.equal(undefined)
    })

    it('joins rows that show to be one person', async () => {
      await apply(wrote('+921', 1))
      await apply({ connectionId: 1, address: { userId: 'IN.21' }, change: { type: 'wrote', at: plus(9) } })
      await apply(wrote('+921', 2, 'IN.21'))
      const rows = await database.select(
        `SELECT phone, user_id FROM wa_contacts WHERE phone = '+921' OR user_id = 'IN.21'`,
      )
      expect(rows).to.deep.equal([{ phone: '+921', user_id: 'IN.21' }])
      expect((await find({ phone: '+921' }))?.lastInboundAt).to.deep.equal(plus(9))
    })

    it('loses nothing when many write about the same new customers at once', async () => {
      const people = Array.from({ length: 10 }, (_, index) => `+9130000000${index}`)
      const groups = Array.from({ length: 8 }, (_, group) =>
        apply(...(group % 2 ? people : [...people].reverse()).map((phone) => wrote(phone, group))),
      )
      await Promise.all(groups)
      const found = await store.find(
        database,
        people.map((phone) => ({ connectionId: 1, address: { phone } })),
      )
      expect(found.map((contact) => contact?.lastInboundAt)).to.deep.equal(people.map(() => plus(7)))
    })

    it('enters whoever wrote before there were contacts, once', async () => {
      await database.write(
        `INSERT INTO wa_customer_reply_messages
         (connection_id, from_phone, reply_message_id, customer_reply_type, created_at, updated_at)
         VALUES (1, '+941', 'wamid.a', 'text', '2026-11-19 10:00:00.000', '2026-11-19 10:00:00.000'),
                (1, '+941', 'wamid.b', 'text', '2026-11-19 11:00:00.000', '2026-11-19 11:00:00.000'),
                (1, '+911', 'wamid.c', 'text', '2026-11-19 11:00:00.000', '2026-11-19 11:00:00.000')`,
      )
      for (let times = 0; times < 2; times++) await contacts.up(database.sequelize.getQueryInterface())
      expect((await find({ phone: '+941' }))?.lastInboundAt).to.deep.equal(new Date('2026-11-19T11:00:00Z'))
      expect((await find({ phone: '+911' }))?.lastInboundAt, 'what is known is kept').to.deep.equal(plus(5))
    })
  })
}
