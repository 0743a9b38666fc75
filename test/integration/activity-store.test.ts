import { expect } from 'chai'
import { type ActivitySubject, activityRecord } from '../../src/core/activity/activity-event.ts'
import { type ActivityStore, createActivityStore } from '../../src/core/activity/activity-store.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { insertRows } from '../../src/core/storage/rows.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const now = new Date('2026-11-20T06:30:00.000Z')

const aSubject = (id: number, rootId = id): ActivitySubject => ({
  id,
  reference: `reference-${id}`,
  accountId: 379,
  messageId: `wamid.${id}`,
  rootMessageId: rootId === id ? null : `wamid.${rootId}`,
  rootOutgoingId: rootId === id ? null : rootId,
  businessPhone: '+911140001234',
  customerPhone: '+919810012345',
  snapshot: {},
  sentAt: null,
  deliveredAt: null,
  readAt: null,
})

const anEvent = (subject: ActivitySubject, discriminator: string) =>
  activityRecord(subject, { eventSubType: 'customer_reply', at: now, discriminator })

for (const kind of storages) {
  describe(`numbers of activity events on ${kind}`, function () {
    this.timeout(60_000)
    let storage: Awaited<ReturnType<typeof createStorage>>
    let replicas: Database[]
    let stores: ActivityStore[]

    before(async () => {
      storage = await createStorage(kind)
      // Each replica has a pool of its own.
      replicas = [1, 2, 3].map(() => openDatabase({ url: storage.url }))
      stores = replicas.map((database) => createActivityStore({ database, hasBroker: true }))
      const [database] = replicas
      if (database) await migrate(database)
    })
    after(async () => {
      await Promise.all(replicas.map((database) => database.close()))
      await storage.drop()
    })

    const write = (replica: number, ...records: ReturnType<typeof anEvent>[]) =>
      replicas[replica]?.transaction(async (tx) => stores[replica]?.insert(tx, records, now))
    /** As all of the gateway does it: the message that the event is about is held. */
    const writeHolding = (replica: number, record: ReturnType<typeof anEvent>) =>
      replicas[replica]?.transaction(async (tx) => {
        const held = `SELECT id FROM wa_outgoing_messages WHERE id = $1${replicas[replica]?.forUpdate}`
        await tx.select(held, [record.messageId])
        await stores[replica]?.insert(tx, [record], now)
      })
    const eventsOf = async (rootId: number) => (await stores[0]?.ofConversation(rootId)) ?? []
    const sequencesOf = async (rootId: number) => (await eventsOf(rootId)).map(({ sequence }) => sequence)
    const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)
    const insertMessage = async (id: number, rootId?: number) => {
      const at = sqlTime(now)
      const row = { id, reference: `reference-${id}`, account_id: 379, kind: 'fdr', idempotency_key: `key-${id}` }
      const state = { root_outgoing_message_id: rootId ?? null, state: 'accepted', status_rank: 3 }
      if (replicas[0])
        await insertRows(replicas[0], 'wa_outgoing_messages', [{ ...row, ...state, created_at: at, updated_at: at }])
    }

    it('begin with 1 in each conversation and have no gap', async () => {
      await write(0, anEvent(aSubject(1), 'a'), anEvent(aSubject(2), 'a'), anEvent(aSubject(1), 'b'))
      await write(1, anEvent(aSubject(1), 'c'))
      expect(await sequencesOf(1)).to.deep.equal([1, 2, 3])
      expect(await sequencesOf(2)).to.deep.equal([1])
    })

    it('stand in the body, with the conversation that they count in', async () => {
      await write(0, anEvent(aSubject(31, 30), 'a'))
      const [event] = await eventsOf(30)
      expect(JSON.parse(event?.payload ?? '{}').response_data).to.include({ conversationId: '30', sequence: 1 })
    })

    it('are given once: an event that is there already is left out, its neighbours are not', async () => {
      await write(0, anEvent(aSubject(3), 'a'), anEvent(aSubject(3), 'b'))
      await write(1, anEvent(aSubject(3), 'b'), anEvent(aSubject(3), 'c'), anEvent(aSubject(3), 'c'))
      const events = await eventsOf(3)
      expect(events.map(({ sequence }) => sequence)).to.deep.equal([1, 2, 3])
      expect(new Set(events.map(({ eventId }) => eventId))).to.have.property('size', 3)
    })

    it('stay right when replicas write about one conversation at once', async () => {
      const [root, followUps] = [100, [101, 102, 103]]
      for (const id of [root, ...followUps]) await insertMessage(id, id === root ? undefined : root)
      const subjects = [aSubject(root), ...followUps.map((id) => aSubject(id, root))]
      const writes = Array.from({ length: 120 }, (_, index) =>
        writeHolding(index % 3, anEvent(subjects[index % 4] ?? aSubject(root), `event ${index}`)),
      )
      await Promise.all(writes)
      expect(await sequencesOf(root)).to.deep.equal(upTo(120))
    })

    it('leave no gap in the ids, at which readers would wait', async () => {
      const ids = (await eventsOf(100)).map(({ id }) => id)
      expect(ids).to.deep.equal(ids.map((_, index) => (ids[0] ?? 0) + index))
    })

    it('stay right even when nobody holds the message', async () => {
      for (let round = 0; round < 20; round++) {
        await Promise.all([0, 1, 2].map((replica) => write(replica, anEvent(aSubject(50), `${round}/${replica}`))))
      }
      expect(await sequencesOf(50)).to.deep.equal(upTo(60))
    })

    it('rise with the ids, by which events are published', async () => {
      const ids = (await eventsOf(50)).map(({ id }) => id)
      expect(ids).to.deep.equal(ids.toSorted((a, b) => a - b))
    })

    it('are not used up by a transaction that is taken back', async () => {
      const failing = replicas[0]?.transaction(async (tx) => {
        await stores[0]?.insert(tx, [anEvent(aSubject(4), 'a')], now)
        throw new Error('taken back')
      })
      await failing?.catch(() => {})
      await write(1, anEvent(aSubject(4), 'b'))
      expect(await sequencesOf(4)).to.deep.equal([1])
    })
  })
}
