import { expect } from 'chai'
import { createSettingsStore } from '../../src/core/accounts/settings.ts'
import { createActivityStore } from '../../src/core/activity/activity-store.ts'
import { createConsentStore } from '../../src/core/contacts/consent-store.ts'
import type { DeliveryReport } from '../../src/core/contract/events.ts'
import { applyReports } from '../../src/core/inbound/apply-reports.ts'
import { createInboundStore, type InboundStore } from '../../src/core/inbound/inbound-store.ts'
import { createMetrics } from '../../src/core/observe/metrics.ts'
import { attemptReference, type OutgoingDraft, rank } from '../../src/core/sending/outgoing-message.ts'
import { createOutgoingStore, type OutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { insertRows } from '../../src/core/storage/rows.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { canCarry, isTemplateUsable, noPolls } from '../support/plain-provider.ts'
import { createStorage, type Storage } from '../support/world.ts'

const start = new Date('2026-11-20T06:30:00.000Z')
const plus = (ms: number) => new Date(start.getTime() + ms)

const aClaimedDraft = (reference: string): OutgoingDraft => ({
  reference,
  accountId: 379,
  kind: 'fdr',
  idempotencyKey: `fdr/${reference}`,
  connectionId: 1,
  customerPhone: '+919800000001',
  content: { type: 'text', text: 'hello' },
  snapshot: {},
  route: { connectionId: 1, why: 'its own' },
  state: 'sending',
  expiresAt: plus(3_600_000),
})

const aReport = (messageId: string, status: 'sent' | 'delivered', reference?: string): DeliveryReport => ({
  type: 'report',
  messageId,
  ...(reference ? { reference } : {}),
  status,
  vendorStatus: status,
  at: start,
  recipient: { phone: '+919800000001' },
  raw: null,
})

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`reports about a message that was sent twice, on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let store: OutgoingStore
    let inbound: InboundStore
    let echoes: number[] = []
    const metrics = createMetrics()

    const insert = async (reference: string): Promise<number> => {
      const [row] = await database.transaction((tx) => store.insert(tx, [aClaimedDraft(reference)], start))
      return row?.id ?? 0
    }
    const apply = (reports: readonly DeliveryReport[], connectionId = 1) => {
      echoes = []
      const received = reports.map((report) => ({ connectionId, report }))
      return database
        .transaction((tx) => inbound.insert(tx, received, [], start))
        .then(() =>
          applyReports({
            database,
            store: inbound,
            outgoing: store,
            activity: createActivityStore({ database, hasBroker: false }),
            consents: createConsentStore(database),
            polls: noPolls,
            canCarry,
            isTemplateUsable,
            noteEcho: (echoed) => echoes.push(echoed),
            lifetimeMs: () => 43_200_000,
            settings: createSettingsStore({ database, now: () => start }).get,
            connection: async () => undefined,
            wake: () => {},
            accountFailed: () => {},
            log: { error: () => {} } as never,
            metrics,
            now: () => plus(60_000),
          }),
        )
    }

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
      store = createOutgoingStore(database)
      inbound = createInboundStore(database)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    it('applies one that names it only by the id of its other copy', async () => {
      const reference = 'AAAAAAAAAAAAAAAAAAAAA2'
      const id = await insert(reference)
      await apply([aReport('wamid.second', 'sent', attemptReference(reference, 2))])
      await apply([aReport('wamid.first', 'sent', attemptReference(reference, 1))])
      await apply([aReport('wamid.first', 'delivered')])
      const record = await store.get(id)
      expect(record?.messageId).to.equal('wamid.second')
      expect(record?.deliveredAt).to.deep.equal(start)
    })

    it('applies one that came through the connection which had it before, and to no other', async () => {
      const reference = 'AAAAAAAAAAAAAAAAAAAAA3'
      const id = await insert(reference)
      const attempt = { wa_outgoing_message_id: id, attempt: 1, connection_id: 1, outcome: 'in_doubt' }
      const at = { started_at: sqlTime(start), finished_at: sqlTime(start) }
      await insertRows(database, 'wa_send_attempts', [{ ...attempt, ...at }])
      await database.write('UPDATE wa_outgoing_messages SET whatsappSenderConnectionId = 2 WHERE id = $1', [id])
      await apply([aReport('wamid.elsewhere', 'delivered', attemptReference(reference, 1))], 3)
      expect((await store.get(id))?.state).to.equal('sending')
      await apply([aReport('wamid.early', 'delivered', attemptReference(reference, 1))])
      expect((await store.get(id))?.state).to.equal('accepted')
      expect(echoes).to.deep.equal([1])
    })

    it('does not hold against a copy that was taken what was refused of the other', async () => {
      const reference = 'AAAAAAAAAAAAAAAAAAAAA4'
      const id = await insert(reference)
      await database.write(
        "UPDATE wa_outgoing_messages SET state = 'failed', status_rank = 5, failure_code = 'content_refused' WHERE id = $1",
        [id],
      )
      await apply([aReport('wamid.taken', 'sent', attemptReference(reference, 1))])
      const record = await store.get(id)
      expect(record?.statusRank).to.equal(rank.sent)
      expect(record?.failureCode).to.equal(null)
    })
  })
}
