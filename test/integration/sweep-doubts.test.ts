import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { createSettingsStore, type SettingsStore } from '../../src/core/accounts/settings.ts'
import { type ActivityStore, createActivityStore } from '../../src/core/activity/activity-store.ts'
import type { LookUp } from '../../src/core/contract/provider.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { createMetrics, type Metrics } from '../../src/core/observe/metrics.ts'
import { createPollStore, type PollStore } from '../../src/core/polling/poll-store.ts'
import { rank } from '../../src/core/sending/outgoing-message.ts'
import type { OutgoingRecord } from '../../src/core/sending/outgoing-rows.ts'
import { createOutgoingStore, type OutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { recordAttempts } from '../../src/core/sending/record-attempt.ts'
import { resolveByHand } from '../../src/core/sending/resolve-by-hand.ts'
import { sweepDoubts } from '../../src/core/sending/sweep-doubts.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { fromSqlTime } from '../../src/core/storage/time.ts'
import { canCarry, isTemplateUsable } from '../support/plain-provider.ts'
import { aConnection } from '../support/records.ts'
import { createStorage, type Storage, until } from '../support/world.ts'

const start = new Date('2026-11-20T06:30:00.000Z')
const minute = 60_000
const hour = 60 * minute
const plus = (ms: number) => new Date(start.getTime() + ms)

let nextKey = 1

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`sends in doubt on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let store: OutgoingStore
    let activity: ActivityStore
    let settings: SettingsStore
    let metrics: Metrics
    let now: Date
    let echoedUntil: Date | undefined
    let echoesReference: boolean
    /** What the provider says when it is asked. */
    let answer: LookUp | undefined
    let polls: PollStore

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
      store = createOutgoingStore(database)
      activity = createActivityStore({ database, hasBroker: false })
      polls = createPollStore({ database, isPolled: async () => answer !== undefined, random: () => 0 })
    })
    beforeEach(async () => {
      now = start
      echoedUntil = undefined
      echoesReference = true
      answer = undefined
      metrics = createMetrics()
      settings = createSettingsStore({ database, now: () => now })
      for (const table of ['wa_outgoing_messages', 'wa_send_attempts', 'activity_events', 'audit_log', 'wa_polls'])
        await database.write(`DELETE FROM ${table}`)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const deps = () => ({
      database,
      store,
      activity,
      settings: settings.get,
      connection: async () => aConnection(1, { echoedUntil }),
      echoesReference: () => echoesReference,
      lookUp: async () => answer,
      polls,
      canCarry,
      isTemplateUsable,
      log: createLogger('silent'),
      metrics,
      now: () => now,
    })
    const insert = async (accountId: number, connectionId = 1): Promise<number> => {
      const draft = {
        reference: randomBytes(16).toString('base64url'),
        accountId,
        kind: 'fdr',
        idempotencyKey: `fdr:${nextKey++}`,
        connectionId,
        customerPhone: `+9198100${String(nextKey).padStart(5, '0')}`,
        content: { type: 'text', text: 'Hello' },
        snapshot: {},
        route: { connectionId: 1, why: "account's own connection" },
        state: 'sending',
        expiresAt: plus(12 * hour),
      } as const
      const [inserted] = await database.transaction((tx) => store.insert(tx, [draft], now))
      return inserted?.id ?? 0
    }
    /** Ends the message's attempt without a word of the provider. */
    const doubt = async (messageId: number, attempt = 1, vendorCode?: string) => {
      const code = vendorCode ? 'provider_error' : 'no_answer'
      const outcome = { outcome: 'in_doubt', failure: { code, ...(vendorCode ? { vendorCode } : {}) } } as const
      const facts = { messageId, attempt, connectionId: 1, outcome, startedAt: now, finishedAt: now }
      const recording = { ...deps(), connection: async () => undefined, random: () => 0.5 }
      await recordAttempts(recording, [facts])
    }
    const aDoubt = async (accountId = 379, vendorCode?: string): Promise<number> => {
      const id = await insert(accountId)
      await doubt(id, 1, vendorCode)
      return id
    }
    const read = async (id: number): Promise<OutgoingRecord> => {
      const found = await store.get(id)
      if (!found) throw new Error('gone')
      return found
    }
    const sweepAt = async (ms: number): Promise<number> => {
      now = plus(ms)
      return sweepDoubts(deps())
    }
    const activities = async () =>
      (
        await database.select<{ type: string; payload: string }>(
          'SELECT event_sub_type AS type, payload FROM activity_events ORDER BY id',
        )
      ).map(({ type, payload }) => ({ type, why: JSON.parse(payload).response_data.failureReason as string }))
    const counted = async () =>
      Object.fromEntries(
        (await metrics.doubts.get()).values.flatMap(({ labels, value }) =>
          value > 0 ? [[labels.resolution, value]] : [],
        ),
      )

    it('leaves them until their time has come', async () => {
      const id = await aDoubt()
      expect(await sweepAt(10 * minute - 1)).to.equal(0)
      expect((await read(id)).state).to.equal('in_doubt')
    })

    it('decides about the others when one of them cannot be read, which says so and is looked at later', async () => {
      const [first, broken, last] = [await aDoubt(), await aDoubt(), await aDoubt()]
      await database.write(`UPDATE wa_outgoing_messages SET context = '{broken' WHERE id = $1`, [broken])
      echoedUntil = plus(10 * minute)
      await sweepAt(10 * minute)
      for (const id of [first, last]) expect((await read(id)).state).to.equal('queued')
      const [row] = await database.select<{ state: string; due_at: string; failure_reason: string }>(
        'SELECT state, due_at, failure_reason FROM wa_outgoing_messages WHERE id = $1',
        [broken],
      )
      expect(row?.state).to.equal('in_doubt')
      expect(row?.failure_reason).to.match(/^not decided yet: the message could not be worked on$/)
      expect(fromSqlTime(row?.due_at)).to.deep.equal(plus(20 * minute))
      expect(await sweepAt(10 * minute)).to.equal(0)
    })

    it('does not wait for the provider of another connection', async () => {
      const slow = await aDoubt()
      const other = await insert(379, 2)
      await doubt(other)
      now = plus(10 * minute)
      const isDecided = until('the other one is decided', async () => (await read(other)).state === 'accepted')
      const lookUp = async ({ id }: OutgoingRecord): Promise<LookUp> => {
        if (id === slow) await isDecided
        return { result: 'found', messageId: `m-${id}` }
      }
      await sweepDoubts({ ...deps(), lookUp })
      expect((await read(slow)).state).to.equal('accepted')
    })

    it('leaves connections with few doubts their turn beside one with many', async () => {
      for (let index = 0; index < 40; index++) await aDoubt()
      const other = await insert(379, 2)
      now = plus(1_000)
      await doubt(other)
      echoedUntil = plus(11 * minute)
      await sweepAt(11 * minute)
      expect((await read(other)).state).to.equal('queued')
    })

    it('waits on when nothing proves that reports arrive', async () => {
      const id = await aDoubt()
      expect(await sweepAt(10 * minute)).to.equal(1)
      expect(await read(id)).to.deep.include({
        state: 'in_doubt',
        dueAt: plus(10.5 * minute),
        possibleDuplicate: false,
      })
      expect(await sweepAt(10 * minute + 1)).to.equal(0)
    })

    it('sends once more after proved silence, marked as a possible duplicate', async () => {
      const id = await aDoubt()
      echoedUntil = plus(10 * minute)
      await sweepAt(10 * minute)
      expect(await read(id)).to.deep.include({
        state: 'queued',
        statusRank: rank.pending,
        dueAt: now,
        possibleDuplicate: true,
      })
      const [claimed] = await store.claim(1, 10, new Set(), now)
      expect(claimed).to.deep.include({ id, attempt: 2 })
      expect(await activities()).to.deep.equal([])
      expect(await counted()).to.deep.equal({ resend: 1 })
    })

    it('takes no silence for an answer of a provider whose reports do not carry our reference', async () => {
      const id = await aDoubt()
      echoesReference = false
      echoedUntil = plus(20 * minute)
      await sweepAt(10 * minute)
      expect((await read(id)).state).to.equal('in_doubt')
      await sweepAt(24 * hour)
      expect((await read(id)).state).to.equal('unknown')
    })

    it('is asked about at 2, 5 and 10 minutes, and is sent as if for the first time when it was never there', async () => {
      answer = { result: 'absent' }
      const id = await aDoubt()
      for (const [at, next] of [
        [2, 5],
        [5, 10],
      ] as const) {
        expect(await sweepAt(at * minute - 1)).to.equal(0)
        expect(await sweepAt(at * minute)).to.equal(1)
        expect(await read(id)).to.deep.include({ state: 'in_doubt', dueAt: plus(next * minute) })
      }
      await sweepAt(10 * minute)
      const expected = { state: 'queued', statusRank: rank.pending, dueAt: now, possibleDuplicate: false, absences: 0 }
      expect(await read(id)).to.deep.include(expected)
      const [claimed] = await store.claim(1, 10, new Set(), now)
      expect(claimed).to.deep.include({ id, attempt: 2 })
      const [attempt] = await database.select('SELECT outcome, detail FROM wa_send_attempts')
      expect(attempt).to.deep.equal({ outcome: 'refused', detail: 'asked three times: not there' })
      expect(await counted()).to.deep.equal({ not_sent: 1 })
    })

    it('is accepted with its id when the provider has it, told once, and asked about from then on', async () => {
      answer = { result: 'absent' }
      const id = await aDoubt()
      await sweepAt(2 * minute)
      answer = { result: 'found', messageId: 'm-1' }
      await sweepAt(5 * minute)
      expect(await read(id)).to.deep.include({
        state: 'accepted',
        statusRank: rank.accepted,
        messageId: 'm-1',
        acceptedAt: now,
        dueAt: null,
        failureCode: null,
        absences: 0,
      })
      expect((await activities()).map(({ type }) => type)).to.deep.equal(['inqueue'])
      const [attempt] = await database.select('SELECT outcome, message_id FROM wa_send_attempts')
      expect(attempt).to.deep.equal({ outcome: 'accepted', message_id: 'm-1' })
      expect(await polls.claim(10, plus(6 * minute))).to.have.length(1)
      expect(await sweepAt(hour)).to.equal(0)
    })

    it('stays in doubt where nobody answers, and is asked about ever more rarely', async () => {
      answer = { result: 'not_known', why: 'no answer' }
      const id = await aDoubt()
      let looks = 0
      for (let at = 0; at < 24 * hour; at += minute) looks += await sweepAt(at)
      expect(looks).to.be.within(8, 40)
      expect(await read(id)).to.deep.include({ state: 'in_doubt', possibleDuplicate: false })
      await sweepAt(25 * hour)
      expect((await read(id)).state).to.equal('unknown')
    })

    it('is decided about by one of two replicas that ask at the same time', async () => {
      answer = { result: 'absent' }
      const id = await aDoubt()
      now = plus(2 * minute)
      await Promise.all([sweepDoubts(deps()), sweepDoubts(deps())])
      expect(await read(id)).to.deep.include({ absences: 1, dueAt: plus(5 * minute) })
    })

    it('is sooner when the vendor named a passing fault of its own', async () => {
      const id = await aDoubt(379, '131000')
      echoedUntil = plus(2 * minute)
      expect(await sweepAt(2 * minute)).to.equal(1)
      expect((await read(id)).state).to.equal('queued')
    })

    it('counts the silence of a second attempt from its own begin, and gives up after it', async () => {
      const id = await aDoubt()
      echoedUntil = plus(10 * minute)
      await sweepAt(10 * minute)
      await store.claim(1, 10, new Set(), now)
      await doubt(id, 2)
      expect(await sweepAt(19 * minute)).to.equal(0)
      await sweepAt(20 * minute)
      expect((await read(id)).state).to.equal('in_doubt')
      echoedUntil = plus(20 * minute)
      await sweepAt(21 * minute)
      expect(await read(id)).to.deep.include({ state: 'unknown', statusRank: rank.unclear, dueAt: null })
      const [event, ...others] = await activities()
      expect(others).to.deep.equal([])
      expect(event?.type).to.equal('unknown')
      expect(event?.why).to.include('sent again once already')
    })

    it('never sends again for an account that does not want it', async () => {
      await settings.put(380, undefined, { isWhatsappEnabled: true, inDoubtPolicy: 'never' })
      const [never, once] = [await aDoubt(380), await aDoubt()]
      echoedUntil = plus(10 * minute)
      await sweepAt(10 * minute)
      expect((await read(never)).state).to.equal('unknown')
      expect((await read(once)).state).to.equal('queued')
      expect((await activities()).map(({ type }) => type)).to.deep.equal(['unknown'])
      expect(await counted()).to.deep.equal({ unknown: 1, resend: 1 })
    })

    it('is unknown after a day without any sign that reports arrive', async () => {
      const id = await aDoubt()
      await sweepAt(24 * hour - 1)
      expect((await read(id)).state).to.equal('in_doubt')
      await sweepAt(24 * hour + minute)
      expect((await read(id)).state).to.equal('unknown')
      expect((await activities())[0]?.why).to.include('within a day')
    })

    it('decides about many in groups, each once, also side by side', async () => {
      const ids: number[] = []
      for (let count = 0; count < 130; count++) ids.push(await aDoubt())
      echoedUntil = plus(10 * minute)
      now = plus(11 * minute)
      const results = await Promise.all(Array.from({ length: 4 }, () => sweepDoubts(deps())))
      expect(results.every((count) => count <= 32)).to.equal(true)
      while ((await sweepDoubts(deps())) > 0);
      const states = await Promise.all(ids.map(async (id) => (await read(id)).state))
      expect(new Set(states)).to.deep.equal(new Set(['queued']))
      expect(await counted()).to.deep.equal({ resend: 130 })
    })

    it('leaves a message alone whose acceptance was proved meanwhile', async () => {
      const id = await aDoubt()
      now = plus(10 * minute)
      echoedUntil = now
      const due = await store.doubtsDue(now, 10)
      expect(due).to.deep.equal([{ id, connectionId: 1 }])
      await database.write("UPDATE wa_outgoing_messages SET state = 'accepted', status_rank = 6 WHERE id = $1", [id])
      const stale = { ...store, doubtsDue: async () => due }
      await sweepDoubts({ ...deps(), store: stale })
      expect(await read(id)).to.deep.include({ state: 'accepted', statusRank: 6, possibleDuplicate: false })
    })

    describe('resolved by hand', () => {
      const resolve = (id: number, action: 'resend' | 'mark_sent' | 'ignore') =>
        resolveByHand(deps(), id, action, 'admin')
      const audit = () =>
        database.select(
          `SELECT actor, action, subject_type AS type, subject_id AS id, detail FROM audit_log
           WHERE subject_type = 'message' ORDER BY id`,
        )

      it('resend: goes out again, marked, and stays useful for an hour', async () => {
        const id = await aDoubt()
        now = plus(13 * hour)
        expect(await resolve(id, 'resend')).to.have.property('isChanged', true)
        const expected = { state: 'queued', possibleDuplicate: true, dueAt: now, expiresAt: plus(14 * hour) }
        expect(await read(id)).to.deep.include(expected)
        const detail = JSON.stringify({ from: 'in_doubt' })
        expect(await audit()).to.deep.equal([
          { actor: 'admin', action: 'message.resend', type: 'message', id: String(id), detail },
        ])
      })

      it('mark_sent: counts as accepted, and is told so', async () => {
        const id = await aDoubt()
        await resolve(id, 'mark_sent')
        expect(await read(id)).to.deep.include({ state: 'accepted', statusRank: rank.accepted, acceptedAt: now })
        expect((await activities()).map(({ type }) => type)).to.deep.equal(['inqueue'])
        expect(await audit()).to.have.length(1)
      })

      it('ignore: stays unknown, and is not looked at any more', async () => {
        const id = await aDoubt()
        await resolve(id, 'ignore')
        expect(await read(id)).to.deep.include({ state: 'unknown', dueAt: null })
        expect(await audit()).to.have.length(1)
      })

      it('one that was sent again by hand may end unknown once more, and that is told again', async () => {
        await settings.put(381, undefined, { isWhatsappEnabled: true, inDoubtPolicy: 'never' })
        const id = await aDoubt(381)
        const other = await aDoubt()
        echoedUntil = plus(40 * minute)
        await sweepAt(10 * minute)
        await resolve(id, 'resend')
        await store.claim(1, 10, new Set(), now)
        await doubt(id, 2)
        await sweepAt(30 * minute)
        expect((await read(id)).state).to.equal('unknown')
        expect((await read(other)).state).not.to.equal('in_doubt')
        expect((await activities()).map(({ type }) => type)).to.deep.equal(['unknown', 'unknown'])
        const ids = await database.select<{ id: string }>('SELECT event_id AS id FROM activity_events')
        expect(new Set(ids.map((row) => row.id)).size, 'told apart').to.equal(2)
      })

      it('changes nothing of a message whose fate is known, and writes nothing down', async () => {
        const id = await insert(379)
        expect(await resolve(id, 'resend')).to.have.property('isChanged', false)
        expect((await read(id)).state).to.equal('sending')
        expect(await audit()).to.deep.equal([])
        expect(await resolve(id + 1_000, 'resend')).to.equal(undefined)
      })

      it('two operators at once: one of them decides', async () => {
        const id = await aDoubt()
        const results = await Promise.all([resolve(id, 'resend'), resolve(id, 'mark_sent')])
        expect(results.filter((result) => result?.isChanged)).to.have.length(1)
        expect(await audit()).to.have.length(1)
      })
    })
  })
}
