import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import type { Connection } from '../../src/core/accounts/connections.ts'
import { type ActivityStore, createActivityStore } from '../../src/core/activity/activity-store.ts'
import type { FailureCode } from '../../src/core/contract/failures.ts'
import type { SendOutcome } from '../../src/core/contract/provider.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { type OutgoingDraft, rank } from '../../src/core/sending/outgoing-message.ts'
import { leaseMs, type OutgoingRecord } from '../../src/core/sending/outgoing-rows.ts'
import { createOutgoingStore, type OutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { type EndedAttempt, recordAttempts } from '../../src/core/sending/record-attempt.ts'
import { type SweepDeps, sweepLostSends } from '../../src/core/sending/sweep.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { isUniqueViolation } from '../../src/core/storage/database-errors.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { noPolls } from '../support/plain-provider.ts'
import { aConnection } from '../support/records.ts'
import { createStorage, type Storage } from '../support/world.ts'

const start = new Date('2026-11-20T06:30:00.000Z')
const minute = 60_000
const plus = (ms: number) => new Date(start.getTime() + ms)

let nextKey = 1
const aDraft = (changes: Partial<OutgoingDraft> = {}): OutgoingDraft => ({
  reference: randomBytes(16).toString('base64url'),
  accountId: 379,
  kind: 'fdr',
  subject: { type: 'shipment', id: '17148471' },
  idempotencyKey: `fdr:${nextKey++}`,
  connectionId: 1,
  customerPhone: `+9198100${String(nextKey).padStart(5, '0')}`,
  businessPhone: '+911140000001',
  content: { type: 'text', text: 'Hello' },
  snapshot: { orderNumber: '#98079', customerName: 'Asha Nair' },
  route: { connectionId: 1, why: "account's own connection" },
  state: 'sending',
  expiresAt: plus(12 * 60 * minute),
  ...changes,
})

const accepted = (messageId: string): SendOutcome => ({ outcome: 'accepted', messageId })
const refused = (code: FailureCode, vendorCode?: string): SendOutcome => ({
  outcome: 'refused',
  failure: { code, ...(vendorCode ? { vendorCode, detail: 'in the words of the vendor' } : {}) },
})
const inDoubt = (code: FailureCode = 'no_answer'): SendOutcome => ({ outcome: 'in_doubt', failure: { code } })

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`outcome of an attempt on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let store: OutgoingStore
    let activity: ActivityStore
    let now: Date
    const connections = new Map<number, Connection>()

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
      store = createOutgoingStore(database)
      activity = createActivityStore({ database, hasBroker: false })
    })
    beforeEach(async () => {
      now = start
      connections.clear()
      connections.set(1, aConnection(1))
      for (const table of ['wa_outgoing_messages', 'wa_send_attempts', 'activity_events'])
        await database.write(`DELETE FROM ${table}`)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    /** Connections through which a message cannot go, whatever they answer. */
    const cannotCarry = new Set<number>()
    /** Connections at which the template is known to be paused. */
    const hasPaused = new Set<number>()
    const deps = (): SweepDeps => ({
      database,
      store,
      activity,
      connection: async (id) => connections.get(id),
      polls: noPolls,
      canCarry: (connection) => !cannotCarry.has(connection.id),
      isTemplateUsable: async (connectionId) => !hasPaused.has(connectionId),
      log: createLogger('silent'),
      now: () => now,
      random: () => 0.5,
    })
    const insert = async (changes: Partial<OutgoingDraft> = {}): Promise<number> => {
      const [inserted] = await database.transaction((tx) => store.insert(tx, [aDraft(changes)], now))
      return inserted?.id ?? 0
    }
    const ended = (messageId: number, outcome: SendOutcome, changes: Partial<EndedAttempt> = {}): EndedAttempt => ({
      messageId,
      attempt: 1,
      connectionId: 1,
      outcome,
      startedAt: now,
      finishedAt: new Date(now.getTime() + 250),
      ...changes,
    })
    const record = (...attempts: EndedAttempt[]) => recordAttempts(deps(), attempts)
    const read = async (id: number): Promise<OutgoingRecord> => {
      const found = await store.get(id)
      if (!found) throw new Error('gone')
      return found
    }
    const ledger = (id: number) =>
      database.select(
        `SELECT attempt, connection_id AS via, outcome, message_id AS wamid, failure_code AS failure, vendor_code AS vendor
         FROM wa_send_attempts WHERE wa_outgoing_message_id = $1 ORDER BY attempt`,
        [id],
      )
    const activities = async () =>
      (await database.select<{ type: string }>('SELECT event_sub_type AS type FROM activity_events ORDER BY id')).map(
        ({ type }) => type,
      )

    it('accepted: the provider’s id is kept, and it is told once', async () => {
      const id = await insert()
      const [recorded] = await record(ended(id, accepted('wamid.1')))
      expect(recorded?.change.state).to.equal('accepted')
      expect(await read(id)).to.deep.include({
        state: 'accepted',
        statusRank: rank.accepted,
        messageId: 'wamid.1',
        acceptedAt: plus(250),
        dueAt: null,
        failureCode: null,
      })
      await record(ended(id, accepted('wamid.1')))
      expect(await activities()).to.deep.equal(['inqueue'])
      expect(await ledger(id)).to.deep.equal([
        { attempt: 1, via: 1, outcome: 'accepted', wamid: 'wamid.1', failure: null, vendor: null },
      ])
    })

    it('refused for good: failed, and it is told with the reason', async () => {
      const id = await insert()
      await record(ended(id, refused('recipient_unreachable', '131026')))
      expect(await read(id)).to.deep.include({
        state: 'failed',
        statusRank: rank.failed,
        failedAt: plus(250),
        dueAt: null,
        failureCode: 'recipient_unreachable',
        failureReason: '131026 in the words of the vendor',
      })
      expect(await activities()).to.deep.equal(['failed'])
      expect(await ledger(id)).to.deep.equal([
        { attempt: 1, via: 1, outcome: 'refused', wamid: null, failure: 'recipient_unreachable', vendor: '131026' },
      ])
    })

    it('throttled: waits, and nothing is told', async () => {
      const id = await insert()
      await record(ended(id, refused('connection_throttled', '130429')))
      expect(await read(id)).to.deep.include({ state: 'waiting', statusRank: rank.pending, dueAt: plus(5_000) })
      expect(await activities()).to.deep.equal([])
    })

    it('in doubt: is looked at when the silence could mean something, and nothing is told', async () => {
      const id = await insert()
      await record(ended(id, inDoubt()))
      expect(await read(id)).to.deep.include({
        state: 'in_doubt',
        statusRank: rank.unclear,
        dueAt: plus(10 * minute),
        acceptedAt: null,
        failedAt: null,
      })
      expect(await activities()).to.deep.equal([])
    })

    it('writes a group with every outcome in it, each to its own message', async () => {
      const ids = [await insert(), await insert(), await insert(), await insert()]
      const outcomes = [inDoubt(), accepted('wamid.2'), refused('window_closed'), refused('provider_busy')]
      const attempts = ids.map((id, index) => ended(id, outcomes[index] ?? inDoubt()))
      await record(...attempts.reverse())
      const states = await Promise.all(ids.map(async (id) => (await read(id)).state))
      expect(states).to.deep.equal(['in_doubt', 'accepted', 'failed', 'waiting'])
      expect((await activities()).sort()).to.deep.equal(['failed', 'inqueue'])
    })

    it('tells nothing of the acceptance of an answer within a conversation', async () => {
      const id = await insert({ root: { id: 4711, messageId: 'wamid.root' } })
      await record(ended(id, accepted('wamid.3')))
      expect(await activities()).to.deep.equal([])
    })

    it('claims that were given back lengthen no wait, and are shown as no attempt', async () => {
      const id = await insert({ state: 'queued', dueAt: now })
      for (let given = 1; given <= 3; given++) {
        const [claim] = await store.claim(1, 10, new Set(), now)
        if (!claim) throw new Error('nothing was claimed')
        await store.giveBack([claim], now)
        await store.giveBack([claim], now)
      }
      await store.claim(1, 10, new Set(), now)
      await record(ended(id, refused('connection_unreachable'), { attempt: 4 }))
      expect(await read(id)).to.deep.include({ state: 'waiting', attempts: 4, givenBack: 3, dueAt: plus(5_000) })
      now = plus(5_000)
      await store.claim(1, 10, new Set(), now)
      await record(ended(id, refused('connection_unreachable'), { attempt: 5 }))
      expect((await read(id)).dueAt).to.deep.equal(plus(35_000))
    })

    describe('when the process was slow and its lease is over', () => {
      const swept = async () => {
        const id = await insert()
        now = plus(leaseMs)
        await sweepLostSends(deps())
        expect(await read(id)).to.deep.include({ state: 'in_doubt', failureCode: 'process_lost' })
        return id
      }

      it('counts the silence from the begin of the call that may have been', async () => {
        const id = await swept()
        const [row] = await database.select<{ started: string }>('SELECT started_at AS started FROM wa_send_attempts')
        expect(row?.started).to.equal('2026-11-20 06:30:00.000')
        expect((await read(id)).dueAt?.getTime()).to.be.at.least(plus(10 * minute).getTime())
      })

      const late: { outcome: SendOutcome; state: string; failure: string | null }[] = [
        { outcome: accepted('wamid.4'), state: 'accepted', failure: null },
        { outcome: refused('window_closed'), state: 'failed', failure: 'window_closed' },
        { outcome: refused('connection_unreachable'), state: 'waiting', failure: 'connection_unreachable' },
        { outcome: inDoubt('provider_error'), state: 'in_doubt', failure: 'provider_error' },
      ]
      for (const { outcome, state, failure } of late) {
        it(`what it knows takes the place of the doubt: ${failure ?? outcome.outcome}`, async () => {
          const id = await swept()
          await record(ended(id, outcome))
          expect(await read(id)).to.deep.include({ state, failureCode: failure })
          const rows = await ledger(id)
          expect(rows).to.have.length(1)
          expect(rows[0]).to.deep.include({ outcome: outcome.outcome, failure })
        })
      }

      for (const state of ['unknown', 'queued', 'skipped'] as const) {
        it(`good news is believed also when the message is ${state} by then`, async () => {
          const id = await swept()
          await database.write('UPDATE wa_outgoing_messages SET state = $2 WHERE id = $1', [id, state])
          await record(ended(id, accepted('wamid.5')))
          expect(await read(id)).to.deep.include({ state: 'accepted', messageId: 'wamid.5', dueAt: null })
          expect((await ledger(id))[0]).to.deep.include({ outcome: 'accepted', wamid: 'wamid.5' })
        })

        it(`bad news changes nothing when the message is ${state} by then`, async () => {
          const id = await swept()
          await database.write('UPDATE wa_outgoing_messages SET state = $2 WHERE id = $1', [id, state])
          await record(ended(id, refused('connection_unreachable')))
          expect((await read(id)).state).to.equal(state)
        })
      }

      it('says nothing about a later attempt', async () => {
        const id = await insert({ state: 'queued', dueAt: now })
        for (const attempt of [1, 2]) {
          await store.claim(1, 10, new Set(), now)
          if (attempt === 1) await record(ended(id, refused('connection_unreachable')))
          now = plus(minute)
        }
        expect(await read(id)).to.deep.include({ state: 'sending', attempts: 2 })
        await record(ended(id, refused('window_closed')))
        expect(await read(id)).to.deep.include({ state: 'sending', attempts: 2 })
      })

      it('is not swept before, and not a second time', async () => {
        const id = await insert()
        now = plus(leaseMs - 1)
        expect(await sweepLostSends(deps())).to.equal(0)
        now = plus(leaseMs)
        expect(await sweepLostSends(deps())).to.equal(1)
        expect(await sweepLostSends(deps())).to.equal(0)
        expect(await ledger(id)).to.have.length(1)
      })
    })

    describe('when the report comes before our commit', () => {
      const proved = async () => {
        const id = await insert()
        const columns = `state = 'accepted', status_rank = ${rank.delivered}, accepted_at = $2, delivered_at = $2, due_at = NULL`
        await database.write(`UPDATE wa_outgoing_messages SET ${columns} WHERE id = $1`, [
          id,
          '2026-11-20 06:30:00.100',
        ])
        return id
      }

      for (const outcome of [inDoubt(), refused('window_closed')]) {
        it(`the evidence is never taken back: ${outcome.outcome}`, async () => {
          const id = await proved()
          await record(ended(id, outcome))
          expect(await read(id)).to.deep.include({
            state: 'accepted',
            statusRank: rank.delivered,
            acceptedAt: plus(100),
          })
          expect(await activities()).to.deep.equal([])
        })
      }

      it('the provider’s id is added, and only that', async () => {
        const id = await proved()
        await record(ended(id, accepted('wamid.6')))
        const expected = { messageId: 'wamid.6', statusRank: rank.delivered, acceptedAt: plus(100) }
        expect(await read(id)).to.deep.include(expected)
        expect(await activities()).to.deep.equal([])
      })
    })

    describe('with a fallback', () => {
      beforeEach(() => {
        connections.set(1, aConnection(1, { fallbackConnectionId: 2 }))
        connections.set(2, aConnection(2, { fallbackConnectionId: 1 }))
        cannotCarry.clear()
      })

      for (const code of ['connection_unreachable', 'credentials_invalid', 'template_missing'] as const) {
        it(`${code}: the message goes on through it at once, and says why`, async () => {
          const id = await insert()
          const [recorded] = await record(ended(id, refused(code)))
          expect(recorded?.fallback?.connection.id).to.equal(2)
          expect(await read(id)).to.deep.include({
            state: 'queued',
            statusRank: rank.pending,
            connectionId: 2,
            businessPhone: '+911140000002',
            route: { connectionId: 2, why: `fallback: connection 1 refused (${code})` },
            dueAt: now,
            failedAt: null,
          })
          expect(await activities()).to.deep.equal([])
          expect(await ledger(id)).to.have.length(1)
          const [claimed] = await store.claim(2, 10, new Set(), now)
          expect(claimed).to.deep.include({ id, attempt: 2, connectionId: 2, businessPhone: '+911140000002' })
        })
      }

      for (const outcome of [inDoubt('provider_error'), inDoubt('no_answer'), refused('connection_throttled')]) {
        const { code } = outcome.outcome === 'accepted' ? { code: '' } : outcome.failure
        it(`${code}: the message stays where it is`, async () => {
          const id = await insert()
          const [recorded] = await record(ended(id, outcome))
          expect(recorded?.fallback).to.equal(undefined)
          expect((await read(id)).connectionId).to.equal(1)
        })
      }

      it('is left out for what it cannot carry: the message stays where it is', async () => {
        cannotCarry.add(2)
        const id = await insert()
        const [recorded] = await record(ended(id, refused('connection_unreachable')))
        expect(recorded?.fallback).to.equal(undefined)
        expect(await read(id)).to.deep.include({ state: 'waiting', connectionId: 1 })
      })

      it('is left out while the template is paused there', async () => {
        hasPaused.add(2)
        const id = await insert()
        const template = { name: 'fdr_otp_cancellation', language: 'en' }
        const [recorded] = await record(ended(id, refused('connection_unreachable'), { template }))
        hasPaused.delete(2)
        expect(recorded?.fallback).to.equal(undefined)
        expect(await read(id)).to.deep.include({ state: 'waiting', connectionId: 1 })
      })

      it('takes no answer of a conversation: it was begun with another number', async () => {
        const rootId = await insert()
        const id = await insert({ root: { id: rootId, messageId: 'wamid.root' } })
        const [recorded] = await record(ended(id, refused('connection_unreachable')))
        expect(recorded?.fallback).to.equal(undefined)
        expect(await read(id)).to.deep.include({ state: 'waiting', connectionId: 1 })
      })

      it('takes nothing because of a fault of our own', async () => {
        const id = await insert()
        const [recorded] = await record(ended(id, refused('not_called')))
        expect(recorded?.fallback).to.equal(undefined)
      })

      it('is tried once: what it refuses is refused', async () => {
        const id = await insert()
        await record(ended(id, refused('template_missing')))
        await store.claim(2, 10, new Set(), now)
        await record(ended(id, refused('template_missing'), { attempt: 2, connectionId: 2 }))
        expect(await read(id)).to.deep.include({ state: 'failed', connectionId: 2 })
        expect((await ledger(id)).map(({ via }) => via)).to.deep.equal([1, 2])
        expect(await activities()).to.deep.equal(['failed'])
      })

      it('moves those of a group that are refused, and no other', async () => {
        const [moved, stays] = [await insert(), await insert()]
        await record(ended(moved, refused('credentials_invalid')), ended(stays, accepted('wamid.7')))
        expect((await read(moved)).connectionId).to.equal(2)
        expect(await read(stays)).to.deep.include({ connectionId: 1, state: 'accepted' })
      })

      it('a paused one is none: the message waits', async () => {
        connections.set(2, aConnection(2, { state: 'paused' }))
        const id = await insert()
        await record(ended(id, refused('credentials_invalid')))
        expect(await read(id)).to.deep.include({ state: 'waiting', connectionId: 1 })
      })
    })

    it('keeps the code of the vendor and the text within their columns', async () => {
      const id = await insert()
      const failure = { code: 'unknown_refusal', vendorCode: '9'.repeat(200), detail: 'नमस्ते'.repeat(500) } as const
      await record(ended(id, { outcome: 'refused', failure }))
      expect((await read(id)).state).to.equal('failed')
    })

    it('refuses the id that another message has', async () => {
      const [first, second] = [await insert(), await insert()]
      await record(ended(first, accepted('wamid.same')))
      let error: unknown
      await record(ended(second, accepted('wamid.same'))).catch((thrown) => {
        error = thrown
      })
      expect(isUniqueViolation(error)).to.equal(true)
      expect((await read(second)).state).to.equal('sending')
    })
  })
}
