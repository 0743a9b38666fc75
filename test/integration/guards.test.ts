import { expect } from 'chai'
import { createConnectionEvents } from '../../src/core/accounts/connection-events.ts'
import { type AcceptDeps, acceptAll } from '../../src/core/notifications/accept-event.ts'
import type { Ask } from '../../src/core/notifications/decision.ts'
import { guarded } from '../../src/core/notifications/gates/guarded.ts'
import { shipmentEnded } from '../../src/core/notifications/gates/shipment-ended.ts'
import type { Guards } from '../../src/core/notifications/guards/guard-facts.ts'
import { forgetCounters } from '../../src/core/notifications/guards/usage-counters.ts'
import { createRejectedEvents } from '../../src/core/notifications/rejected-events.ts'
import type { Logger } from '../../src/core/observe/logger.ts'
import { createOutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { aConnection } from '../support/records.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const now = new Date('2026-06-20T10:00:00.000Z')
const day = '2026-06-20'

interface Told {
  readonly key: string
  readonly shipment?: string
  readonly recipient?: string
}

let nextReference = 1

/** A message of an account with these guards. */
const asked =
  (accountId: number, guards: Guards, { key, shipment = key, recipient = key }: Told): Ask =>
  async () => ({
    type: 'send',
    connection: aConnection(1),
    guard: { guards, day, price: { micros: 115_000, currency: 'INR' } },
    draft: {
      reference: String(nextReference++).padStart(22, 'g'),
      accountId,
      kind: 'fdr',
      subject: { type: 'shipment', id: shipment },
      idempotencyKey: `fdr:${accountId}:${key}`,
      connectionId: 1,
      customerPhone: `+91${recipient}`,
      content: { type: 'text', text: 'hello' },
      snapshot: {},
      route: { connectionId: 1, why: 'test' },
      state: 'queued',
      dueAt: now,
    },
  })

/** A replica of its own. */
function aReplica(database: Database, warned: object[]): AcceptDeps {
  const log = { warn: (facts: object) => void warned.push(facts) } as unknown as Logger
  return {
    database,
    // One that reads comes before it: what its transaction sees of other rows may be older than the hold.
    gates: [
      shipmentEnded,
      guarded({ database, connectionEvents: createConnectionEvents(database), log, now: () => now }),
    ],
    outgoing: createOutgoingStore(database),
    rejected: createRejectedEvents(database),
    endConversations: async () => {},
    reserve: () => undefined,
    wake: () => {},
    giveBack: () => {},
    now: () => now,
  }
}

const numbered = (count: number, changes: Partial<Told> = {}, from = 0): Told[] =>
  Array.from({ length: count }, (_, index) => ({ key: String(10_000 + from + index), ...changes }))

let nextAccount = 9_000

for (const kind of storages) {
  describe(`guards of an account on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let replicas: Database[]
    let accountId: number

    before(async () => {
      storage = await createStorage(kind)
      replicas = [openDatabase({ url: storage.url }), openDatabase({ url: storage.url })]
      await migrate(replicas[0] as Database)
    })
    beforeEach(() => {
      accountId = nextAccount++
    })
    after(async () => {
      for (const database of replicas) await database.close()
      await storage.drop()
    })

    const rows = <T>(sql: string) => (replicas[0] as Database).select<T>(sql)
    const states = async () => {
      const found = await rows<{ state: string; code: string | null; n: number }>(
        `SELECT state, failure_code AS code, COUNT(*) AS n FROM wa_outgoing_messages WHERE account_id = ${accountId}
         GROUP BY state, failure_code ORDER BY state, failure_code`,
      )
      return found.map(({ state, code, n }) => [state, code, Number(n)])
    }
    const used = async (name: string) => {
      const [row] = await rows<{ used: number }>(
        `SELECT used FROM usage_counters WHERE id = '${accountId}/${day}/${name}'`,
      )
      return row && Number(row.used)
    }
    const acceptWith = (
      guards: Guards,
      told: readonly Told[],
      replica = 0,
      warned: object[] = [],
      reached = (database: Database) => database,
    ) =>
      acceptAll(
        aReplica(reached(replicas[replica] as Database), warned),
        told.map((one) => asked(accountId, guards, one)),
      )

    it('let exactly so many pass, on two replicas at once, with every event delivered to both', async () => {
      const guards = { messagesPerDay: 70, messagesPerRecipientAndDay: 30, firstMessagesPerShipmentAndDay: 25 }
      const groups = Array.from({ length: 8 }, (_, index) =>
        numbered(16, { recipient: `98${index % 4}`, shipment: `77${index % 4}` }, index * 16),
      )
      let begun = 0
      const counting = (database: Database): Database => ({
        ...database,
        transaction: (work) =>
          database.transaction((tx) => {
            begun++
            return work(tx)
          }),
      })
      await Promise.all(
        [0, 1].flatMap((replica) =>
          (replica === 0 ? groups : groups.toReversed()).map((group) =>
            acceptWith(guards, group, replica, [], counting),
          ),
        ),
      )
      expect(begun, 'none has stood in the way of another').to.equal(16)
      const found = await states()
      expect(found.reduce((sum, [, , n]) => sum + Number(n), 0)).to.equal(128)
      expect(found.find(([state]) => state === 'queued')?.[2]).to.equal(70)
      expect(await used('messages')).to.equal(70)
      const most = await rows<{ n: number }>(
        `SELECT COUNT(*) AS n FROM wa_outgoing_messages WHERE account_id = ${accountId} AND state = 'queued'
         GROUP BY subject_id ORDER BY n DESC`,
      )
      expect(Number(most[0]?.n)).to.be.at.most(25)
    })

    it('count an event once, however often it comes, also just below the limit', async () => {
      const guards = { messagesPerDay: 10 }
      await acceptWith(guards, numbered(8))
      const results = await acceptWith(guards, [...numbered(8), ...numbered(3, {}, 8)], 1)
      expect(results.map(({ outcome, reason }) => reason ?? outcome)).to.deep.equal([
        ...Array.from({ length: 8 }, () => 'duplicate'),
        'queued',
        'queued',
        'account_daily_quota',
      ])
      expect(await used('messages')).to.equal(10)
      const again = await acceptWith(guards, numbered(1, {}, 10))
      expect(
        again.map(({ outcome }) => outcome),
        'what was turned away stays so',
      ).to.deep.equal(['duplicate'])
    })

    it('reserve what messages are expected to cost', async () => {
      const guards = { costPerDay: { amount: '1.00', currency: 'INR' } }
      const results = await acceptWith(guards, numbered(10))
      expect(results.filter(({ outcome }) => outcome === 'queued')).to.have.length(8)
      expect(await used('cost/INR')).to.equal(920_000)
    })

    it('tell somebody once a day, not once a message', async () => {
      const guards = { messagesPerDay: 1 }
      const warned: object[] = []
      for (const from of [0, 10, 20]) await acceptWith(guards, numbered(10, {}, from), 0, warned)
      expect(warned).to.deep.equal([{ accountId, reason: 'account_daily_quota' }])
      const told = await rows<{ summary: string }>(
        `SELECT summary FROM wa_connection_events WHERE topic = 'guard' AND summary LIKE '%account ${accountId} %'`,
      )
      expect(told).to.have.length(1)
      expect(told[0]?.summary).to.contain('1 of the 1 messages that are allowed')
      expect(await used('refused/account_daily_quota')).to.equal(29)
    })

    it('are forgotten a few days later, and not sooner', async () => {
      await acceptWith({ messagesPerDay: 10 }, numbered(1))
      const database = replicas[0] as Database
      await forgetCounters(database, new Date('2026-06-22T10:00:00Z'))
      expect(await used('messages')).to.equal(1)
      await forgetCounters(database, new Date('2026-06-24T10:00:00Z'))
      expect(await used('messages')).to.equal(undefined)
    })
  })
}
