import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { newestConversations } from '../../src/core/inbound/newest-conversations.ts'
import { createOutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const start = new Date('2026-11-20T06:30:00.000Z')
const minutes = (count: number) => new Date(start.getTime() + count * 60_000)
const phone = '+919810012345'
const userId = 'IN.1001'

for (const kind of storages) {
  describe(`what names no message belongs to the newest conversation, on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    beforeEach(async () => {
      for (const table of ['wa_outgoing_messages', 'wa_conversations']) await database.write(`DELETE FROM ${table}`)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    /** A first message that its provider took. */
    const begun = async (
      at: Date,
      { connectionId = 1, isClosed = false, address = { customerPhone: phone } as object } = {},
    ) => {
      const reference = randomBytes(16).toString('base64url')
      const route = { connectionId, why: 'test' }
      const draft = {
        accountId: 379,
        kind: 'fdr',
        snapshot: {},
        state: 'queued',
        reference,
        route,
        connectionId,
      } as const
      const store = createOutgoingStore(database)
      const [inserted] = await database.transaction((tx) =>
        store.insert(tx, [{ ...draft, ...address, idempotencyKey: reference }], at),
      )
      const id = inserted?.id ?? 0
      await database.write(`UPDATE wa_outgoing_messages SET state = 'accepted' WHERE id = $1`, [id])
      if (isClosed)
        await database.write(
          `INSERT INTO wa_conversations (root_outgoing_message_id, account_id, state, closed_at, created_at, updated_at)
           VALUES ($1, 379, 'closed', $2, $2, $2)`,
          [id, sqlTime(at)],
        )
      return id
    }
    /** What a customer wrote at a time, and is looked at half an hour after the start. */
    const of = async (before: Date, addresses: object[] = [{ phone }]) => {
      const wanted = [{ key: 7, connectionId: 1, addresses, before }]
      return (await newestConversations(database, wanted, minutes(30))).get(7)
    }

    it('that had begun when they wrote, however late that is looked at', async () => {
      const first = await begun(minutes(0))
      const second = await begun(minutes(10))
      await begun(minutes(20))
      expect(await of(minutes(5))).to.equal(first)
      expect(await of(minutes(15))).to.equal(second)
      expect(await of(minutes(-5))).to.equal(undefined)
    })

    it('that is open, if there is one among those', async () => {
      const open = await begun(minutes(0))
      const closed = await begun(minutes(1), { isClosed: true })
      await begun(minutes(20))
      expect(await of(minutes(5))).to.equal(open)
      await database.write('DELETE FROM wa_outgoing_messages WHERE id = $1', [open])
      expect(await of(minutes(5))).to.equal(closed)
    })

    it('on the same connection, by phone or user id', async () => {
      await begun(minutes(0), { connectionId: 2 })
      const byUser = await begun(minutes(1), { address: { customerUserId: userId } })
      await begun(minutes(20))
      expect(await of(minutes(5), [{ phone }, { userId }])).to.equal(byUser)
      expect(await of(minutes(5))).to.equal(undefined)
    })
  })
}
