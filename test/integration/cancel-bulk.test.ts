import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type Bulk, bulkMessageKey, createBulkStore } from '../../src/core/bulks/bulk-store.ts'
import { type OutgoingDraft, priority } from '../../src/core/sending/outgoing-message.ts'
import { createOutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { patienceMs } from '../support/scale.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const now = new Date('2026-03-01T10:00:00.000Z')
const later = new Date('2026-03-01T10:05:00.000Z')
const accountId = 379

let nextMessage = 1
function draftOf(fields: Partial<OutgoingDraft>): OutgoingDraft {
  const number = nextMessage++
  return {
    reference: String(number).padStart(22, 'b'),
    accountId,
    kind: 'agent_message',
    idempotencyKey: `agent:${accountId}:once:${number}`,
    connectionId: 1,
    customerPhone: `+9198${String(number).padStart(8, '0')}`,
    content: { type: 'text', text: 'hello' },
    snapshot: {},
    route: { connectionId: 1, why: 'test' },
    state: 'queued',
    priority: priority.bulk,
    dueAt: now,
    expiresAt: new Date('2026-03-01T22:00:00.000Z'),
    ...fields,
  }
}

for (const kind of storages) {
  describe(`cancelling a bulk on ${kind}`, function () {
    this.timeout(120_000)
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database

    beforeEach(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    afterEach(async () => {
      await database.close()
      await storage.drop()
    })

    const outgoing = () => createOutgoingStore(database)
    const write = (drafts: readonly OutgoingDraft[]) => database.transaction((tx) => outgoing().insert(tx, drafts, now))
    async function aBulk(size: number): Promise<{ bulk: Bulk; ids: number[] }> {
      const bulk = await createBulkStore(database, () => now).open(accountId, `key-${nextMessage}`, size)
      const lines = Array.from({ length: size }, (_, index) =>
        draftOf({ idempotencyKey: `agent:${accountId}:${bulkMessageKey(bulk.id, index + 1)}` }),
      )
      return { bulk, ids: (await write(lines)).map(({ id }) => id) }
    }
    const claim = (at: Date, limit = 10) => outgoing().claim(1, limit, new Set(), at)
    const cancel = (bulk: Bulk) => createBulkStore(database, () => now).cancel(bulk)
    const statesOf = async (ids: readonly number[]) =>
      (await Promise.all(ids.map((id) => outgoing().get(id)))).map((message) => message?.state)

    it('takes back all that waits, more than one group, and nothing of its neighbours', async () => {
      const { ids: before } = await aBulk(2)
      const { bulk, ids } = await aBulk(1_203)
      const { ids: behind } = await aBulk(2)
      await cancel(bulk)
      const statuses = await createBulkStore(database, () => now).countStatuses(bulk)
      expect(statuses).to.deep.equal({ cancelled: 1_203 })
      expect((await outgoing().get(ids[700] ?? 0))?.failureCode).to.equal('cancelled')
      expect(await statesOf([...before, ...behind])).to.deep.equal(Array(4).fill('queued'))
    })

    if (kind === 'mysql')
      it('waits for no message of others, whoever holds it', async () => {
        const others = await write(Array.from({ length: 200 }, () => draftOf({})))
        const { bulk, ids } = await aBulk(2_000)
        await database.select('ANALYZE TABLE wa_outgoing_messages')
        let release = () => {}
        const released = new Promise<void>((resolve) => {
          release = resolve
        })
        const holding = new Promise<void>((isHeld, failed) => {
          const hold = database.transaction(async (tx) => {
            await tx.select('SELECT id FROM wa_outgoing_messages WHERE id = $1 FOR UPDATE', [others[0]?.id ?? 0])
            isHeld()
            await released
          })
          hold.catch(failed)
        })
        await holding
        const held = sleep(patienceMs / 4, 'held', { ref: false })
        const ended = await Promise.race([cancel(bulk).then(() => 'cancelled'), held])
        release()
        expect(ended).to.equal('cancelled')
        expect(await statesOf(ids.slice(-5))).to.deep.equal(Array(5).fill('skipped'))
      })

    it('lets nothing leave that was claimed and comes back', async () => {
      const { bulk, ids } = await aBulk(2)
      const claimed = await claim(now)
      expect(claimed).to.have.length(2)
      await cancel(bulk)
      expect(await statesOf(ids), 'its call may have begun').to.deep.equal(['sending', 'sending'])
      await outgoing().giveBack(
        claimed.map(({ reference, attempt }) => ({ reference, attempt })),
        now,
      )
      // Without the cancellation itself: what is out of time is not claimed.
      await database.write('UPDATE message_bulks SET cancelled_at = NULL')
      expect(await claim(later)).to.deep.equal([])
      expect(await outgoing().outOfTime(later, 10)).to.have.members(ids)
    })

    it('lets nothing leave although it was broken off, and goes on when it is repeated', async () => {
      const { bulk, ids } = await aBulk(3)
      const broken = createBulkStore({ ...database, transaction: () => Promise.reject(new Error('gone')) }, () => now)
      expect(await broken.cancel(bulk).catch((error: Error) => error.message)).to.equal('gone')
      expect(await claim(later, 1)).to.deep.equal([])
      await cancel(bulk)
      expect(await statesOf(ids)).to.deep.equal(Array(3).fill('skipped'))
      expect((await outgoing().get(ids[0] ?? 0))?.failureCode).to.equal('cancelled')
    })

    it('leaves what may have been sent to be found out, and lets nobody send it again', async () => {
      const { bulk, ids } = await aBulk(2)
      await database.write("UPDATE wa_outgoing_messages SET possible_duplicate = 1, state = 'waiting'")
      await cancel(bulk)
      expect(await statesOf(ids)).to.deep.equal(['in_doubt', 'in_doubt'])
      expect((await outgoing().get(ids[0] ?? 0))?.expiresAt).to.deep.equal(now)
    })

    it('is not heard by what an operator has sent again since', async () => {
      const { bulk, ids } = await aBulk(1)
      await cancel(bulk)
      await database.write("UPDATE wa_outgoing_messages SET state = 'queued', due_at = $1, resent_by_hand_at = $1", [
        '2026-03-01 10:05:00.000',
      ])
      expect((await claim(later)).map(({ id }) => id)).to.deep.equal(ids)
    })
  })
}
