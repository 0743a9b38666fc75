import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import type { OutgoingDraft } from '../../src/core/sending/outgoing-message.ts'
import { priority, rank } from '../../src/core/sending/outgoing-message.ts'
import { leaseMs } from '../../src/core/sending/outgoing-rows.ts'
import { createOutgoingStore, type OutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { createStorage, type Storage } from '../support/world.ts'

const now = new Date('2026-11-20T06:30:00.123Z')
const plus = (ms: number) => new Date(now.getTime() + ms)

let nextKey = 1

const aDraft = (changes: Partial<OutgoingDraft> = {}): OutgoingDraft => ({
  reference: randomBytes(16).toString('base64url'),
  accountId: 379,
  kind: 'fdr',
  subject: { type: 'shipment', id: '17148471' },
  idempotencyKey: `fdr:${nextKey++}`,
  statusLogId: '9007199254740993',
  reason: 'otp_cancellation',
  connectionId: 1,
  customerPhone: `+9198100${String(nextKey).padStart(5, '0')}`,
  businessPhone: '+911140001234',
  content: { type: 'text', text: 'नमस्ते 🏠 "Asha"' },
  snapshot: { orderNumber: '#98079', customerName: 'Asha Nair', orderId: '9007199254740993' },
  route: { connectionId: 1, why: "account's own connection" },
  state: 'queued',
  dueAt: now,
  expiresAt: plus(3_600_000),
  ...changes,
})

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`outgoing messages on ${kind}`, () => {
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

    const insert = (drafts: readonly OutgoingDraft[], at = now) =>
      database.transaction((tx) => store.insert(tx, drafts, at))
    const claim = async (limit: number, busy: readonly string[] = [], at = now) =>
      store.claim(1, limit, new Set(busy), at)

    it('stores a draft so that it is read back as it was', async () => {
      const draft = aDraft()
      const [inserted] = await insert([draft])
      expect(inserted).to.deep.include({ isNew: true, reference: draft.reference })
      const record = await store.get(inserted?.id ?? 0)
      expect(record).to.deep.include({
        reference: draft.reference,
        accountId: 379,
        subjectType: 'shipment',
        subjectId: '17148471',
        connectionId: 1,
        customerPhone: draft.customerPhone,
        content: draft.content,
        snapshot: draft.snapshot,
        route: draft.route,
        state: 'queued',
        statusRank: rank.pending,
        attempts: 0,
        dueAt: now,
        expiresAt: plus(3_600_000),
        createdAt: now,
        messageId: null,
        acceptedAt: null,
      })
      const [row] = await database.select('SELECT shipment_status_log_id FROM wa_outgoing_messages')
      expect(String(row?.shipment_status_log_id)).to.equal('9007199254740993')
    })

    it('stores what has no recipient, no content and no connection', async () => {
      const bare = { accountId: 1, kind: 'fdr', snapshot: {}, route: { connectionId: null, why: 'disabled' } }
      const draft = { ...bare, reference: 'r'.repeat(22), idempotencyKey: 'bare', state: 'skipped' as const }
      const [inserted] = await insert([{ ...draft, failure: { code: 'disabled', detail: 'switched off' } }])
      const record = await store.get(inserted?.id ?? 0)
      expect(record).to.deep.include({ state: 'skipped', content: null, connectionId: null, dueAt: null })
      expect(record).to.deep.include({ failureCode: 'disabled', failureReason: 'switched off', snapshot: {} })
      expect(await claim(10)).to.deep.equal([])
    })

    for (const count of [1, 2, 7, 64, 65, 100]) {
      it(`stores ${count} drafts and tells their ids in order`, async () => {
        const drafts = Array.from({ length: count }, () => aDraft()).sort(() => 0.5 - Math.random())
        const inserted = await insert(drafts)
        expect(inserted.map(({ reference }) => reference)).to.deep.equal(drafts.map(({ reference }) => reference))
        expect(inserted.every(({ isNew }) => isNew)).to.equal(true)
        const records = await store.read(
          database,
          inserted.map(({ id }) => id),
        )
        expect(inserted.map(({ id }) => records.get(id)?.reference)).to.deep.equal(drafts.map((d) => d.reference))
      })
    }

    it('keeps one message per key: within a group and across groups', async () => {
      const [first, twin, other] = [aDraft(), aDraft(), aDraft()]
      const key = first.idempotencyKey
      const inserted = await insert([first, { ...twin, idempotencyKey: key }, other])
      expect(inserted.filter(({ isNew }) => isNew)).to.have.length(2)
      expect(inserted[0]?.id).to.equal(inserted[1]?.id)
      const again = await insert([{ ...aDraft(), idempotencyKey: key }, aDraft()])
      expect(again.map(({ isNew }) => isNew)).to.deep.equal([false, true])
      expect(again[0]?.id).to.equal(inserted[0]?.id)
      const [counted] = await database.select<{ n: number }>('SELECT COUNT(*) AS n FROM wa_outgoing_messages')
      expect(counted?.n).to.equal(3)
    })

    it('keeps one message per key when groups with the same keys are written at once', async () => {
      const keys = Array.from({ length: 20 }, (_, index) => `same:${index}`)
      const groups = Array.from({ length: 4 }, () => keys.map((key) => aDraft({ idempotencyKey: key })).reverse())
      const results = (await Promise.all(groups.map((group) => insert(group)))).flat()
      expect(results.filter(({ isNew }) => isNew)).to.have.length(20)
      expect(new Set(results.map(({ id }) => id)).size).to.equal(20)
    })

    it('tells keys apart that differ in case or accents only', async () => {
      const keys = ['key:a', 'key:A', 'key:á', 'key:ä']
      const inserted = await insert(keys.map((idempotencyKey) => aDraft({ idempotencyKey })))
      expect(inserted.map(({ isNew }) => isNew)).to.deep.equal([true, true, true, true])
    })

    it('finds messages by reference and by provider id', async () => {
      const draft = aDraft()
      const [inserted] = await insert([draft])
      const id = inserted?.id ?? 0
      await database.write('UPDATE wa_outgoing_messages SET message_id = $2 WHERE id = $1', [id, 'wamid.A='])
      expect(await store.idsByReference([draft.reference, 'unknown'])).to.deep.equal(new Map([[draft.reference, id]]))
      expect(await store.idsByMessageId(['wamid.A=', 'wamid.a='])).to.deep.equal(new Map([['wamid.A=', id]]))
      expect(await store.idsByMessageId([])).to.deep.equal(new Map())
      expect(await store.get(id + 1)).to.equal(undefined)
    })

    describe('claim', () => {
      it('takes what is due, oldest first, marks it and counts the attempt', async () => {
        const late = aDraft({ dueAt: plus(-1_000) })
        const early = aDraft({ dueAt: plus(-5_000) })
        const future = aDraft({ dueAt: plus(1) })
        const other = aDraft({ connectionId: 2 })
        await insert([late, early, future, other])
        const claimed = await claim(10)
        expect(claimed.map(({ reference }) => reference)).to.deep.equal([early.reference, late.reference])
        expect(claimed[0]).to.deep.include({
          attempt: 1,
          accountId: 379,
          connectionId: 1,
          customerPhone: early.customerPhone,
          content: early.content,
          expiresAt: early.expiresAt,
        })
        const record = await store.get(claimed[0]?.id ?? 0)
        expect(record).to.deep.include({ state: 'sending', attempts: 1, dueAt: plus(leaseMs) })
        expect(await claim(10)).to.deep.equal([])
      })

      it('takes of a bulk only what nothing else needs, however long it has waited', async () => {
        const bulk = Array.from({ length: 5 }, () => aDraft({ priority: priority.bulk, dueAt: plus(-60_000) }))
        await insert(bulk)
        const fresh = aDraft()
        await insert([fresh])
        expect((await claim(1)).map(({ reference }) => reference)).to.deep.equal([fresh.reference])
        expect(await claim(9)).to.have.length(5)
      })

      it('takes at most as many as asked for', async () => {
        await insert(Array.from({ length: 5 }, () => aDraft()))
        expect(await claim(2)).to.have.length(2)
        expect(await claim(1)).to.have.length(1)
        expect(await claim(9)).to.have.length(2)
      })

      it('takes one per recipient, and none of those who are being written to', async () => {
        const [asha, ravi] = ['+919810000001', '+919810000002']
        const first = aDraft({ customerPhone: asha })
        const busy = aDraft({ customerPhone: ravi })
        const byUserId = aDraft({ customerPhone: undefined, customerUserId: 'IN.1234' })
        await insert([first, aDraft({ customerPhone: asha }), busy, byUserId])
        const claimed = await claim(10, [ravi])
        const taken = claimed.map(({ reference }) => reference)
        expect(taken).to.have.members([first.reference, byUserId.reference])
        expect(await claim(10, [asha, ravi, 'IN.1234'])).to.deep.equal([])
        expect(await claim(10, [asha])).to.have.length(1)
      })

      it('gets past many messages to one recipient, and past those that are of no use any more', async () => {
        const crowd = Array.from({ length: 30 }, () => aDraft({ customerPhone: '+919810000001', dueAt: plus(-2) }))
        const late = Array.from({ length: 30 }, () => aDraft({ expiresAt: now, dueAt: plus(-1) }))
        const other = aDraft()
        await insert([...crowd, ...late, other])
        const claimed = await claim(2)
        expect(claimed.map(({ customerPhone }) => customerPhone)).to.deep.equal(['+919810000001', other.customerPhone])
        expect(await claim(1, ['+919810000001'])).to.deep.equal([])
      })

      it('leaves what is of no use any more, and whatever is not waiting', async () => {
        const expired = aDraft({ expiresAt: now })
        await insert([expired, aDraft({ state: 'skipped' }), aDraft({ state: 'sending' })])
        expect(await claim(10)).to.deep.equal([])
        expect(await store.outOfTime(now, 10)).to.have.length(1)
        expect(await store.outOfTime(plus(-1), 10)).to.deep.equal([])
      })

      it('never gives the same message to two claimers', async () => {
        const second = openDatabase({ url: storage.url })
        const claimers = kind === 'mysql' ? [store, createOutgoingStore(second)] : [store, store]
        await insert(Array.from({ length: 60 }, () => aDraft()))
        const claims = Array.from({ length: 20 }, (_, index) => claimers[index % 2]?.claim(1, 3, new Set(), now))
        const ids = (await Promise.all(claims)).flat().map((message) => message?.id)
        expect(new Set(ids).size).to.equal(ids.length)
        const rest = await claim(64)
        expect(new Set([...ids, ...rest.map(({ id }) => id)]).size).to.equal(60)
        await second.close()
      })
    })

    describe('lock and apply', () => {
      it('changes many messages at once, each to its own', async () => {
        const inserted = await insert(Array.from({ length: 5 }, () => aDraft()))
        const ids = inserted.map(({ id }) => id)
        await database.transaction(async (tx) => {
          const locked = await store.lock(tx, [...ids].reverse())
          expect([...locked.keys()]).to.deep.equal(ids)
          const changes = [...locked.values()].map((record, index) => ({
            ...record,
            state: 'accepted' as const,
            statusRank: rank.sent,
            messageId: `wamid.${index}`,
            dueAt: null,
            acceptedAt: plus(1),
            sentAt: plus(2 + index),
            failureReason: index === 2 ? 'x'.repeat(2_000) : null,
          }))
          await store.apply(tx, changes.slice(0, 3), plus(10))
        })
        const records = await store.read(database, ids)
        expect(ids.map((id) => records.get(id)?.messageId)).to.deep.equal(['wamid.0', 'wamid.1', 'wamid.2', null, null])
        const third = records.get(ids[2] ?? 0)
        expect(third).to.deep.include({ state: 'accepted', statusRank: rank.sent, dueAt: null, sentAt: plus(4) })
        expect(third?.failureReason).to.have.length(1_024)
        expect(records.get(ids[3] ?? 0)).to.deep.include({ state: 'queued', dueAt: now })
      })

      it('serialises those who change the same message', async () => {
        const [inserted] = await insert([aDraft()])
        const id = inserted?.id ?? 0
        const raise = () =>
          database.transaction(async (tx) => {
            const record = (await store.lock(tx, [id])).get(id)
            if (!record) throw new Error('gone')
            await store.apply(tx, [{ ...record, failureReason: `${record.failureReason ?? ''}x` }], now)
          })
        await Promise.all(Array.from({ length: 12 }, raise))
        expect((await store.get(id))?.failureReason).to.equal('x'.repeat(12))
      })
    })

    it('finds sends whose lease is over, and only them', async () => {
      const [lost] = await insert([aDraft({ state: 'sending' }), aDraft()])
      expect(await store.leasesOver(plus(leaseMs - 1), 10)).to.deep.equal([])
      const expected = [{ id: lost?.id, attempt: 1, connectionId: 1, since: now }]
      expect(await store.leasesOver(plus(leaseMs), 10)).to.deep.equal(expected)
      await insert([aDraft({ state: 'sending' })])
      expect(await store.leasesOver(plus(leaseMs), 1)).to.have.length(1)
    })

    it('tells which connections have something due', async () => {
      await insert([
        aDraft({ connectionId: 3 }),
        aDraft({ connectionId: 3 }),
        aDraft({ connectionId: 4, dueAt: plus(5) }),
        aDraft({ connectionId: 5, state: 'sending' }),
      ])
      expect(await store.connectionsWithDue(now)).to.deep.equal([3])
      expect((await store.connectionsWithDue(plus(5))).sort()).to.deep.equal([3, 4])
    })
  })
}

describe('a claim on MariaDB or MySQL', () => {
  it('never looks for what stands before a message through all that its connection ever sent', async () => {
    const storage = await createStorage('mysql')
    const database = openDatabase({ url: storage.url })
    try {
      await migrate(database)
      const store = createOutgoingStore(database)
      const finished = Array.from({ length: 300 }, () => aDraft({ state: 'skipped', dueAt: undefined }))
      const bulk = Array.from({ length: 100 }, () => aDraft({ priority: priority.bulk }))
      await database.transaction((tx) => store.insert(tx, [...finished, ...bulk], now))
      await database.select('ANALYZE TABLE wa_outgoing_messages')
      const plans: { select_type: string; table: string; type: string; possible_keys: string | null }[] = []
      const explaining: Database = {
        ...database,
        transaction: (work) =>
          database.transaction((tx) => {
            const select: typeof tx.select = async (sql, bind) => {
              plans.push(...(await tx.select<(typeof plans)[number]>(`EXPLAIN ${sql}`, bind)))
              return tx.select(sql, bind)
            }
            return work({ ...tx, select })
          }),
      }
      await createOutgoingStore(explaining).claim(1, 10, new Set(), now)
      const candidate = plans.find(({ table }) => table === 'candidate')
      expect(candidate?.type, 'nor through it for what comes next').to.equal('range')
      const inner = plans.filter(({ select_type }) => select_type.includes('SUBQUERY'))
      const [shipmentEnd, ...earlier] = inner.sort(
        (a, b) => Number(a.table === 'earlier') - Number(b.table === 'earlier'),
      )
      expect(shipmentEnd, 'one row at most for each candidate').to.include({ table: 'shipment_end', type: 'eq_ref' })
      expect(earlier).to.have.length(2)
      // With statistics of an emptier table the optimizer takes the first index that fits.
      for (const { possible_keys } of earlier) {
        expect(possible_keys?.split(',').map((key) => key.trim())).not.to.include(
          'wa_outgoing_messages_whatsappsenderconnectionid_priority_due_at',
        )
      }
    } finally {
      await database.close()
      await storage.drop()
    }
  })
})
