import { expect } from 'chai'
import { createConnectionEvents } from '../../src/core/accounts/connection-events.ts'
import type { CustomerReply, DeliveryReport, InboundPart } from '../../src/core/contract/events.ts'
import { createContactNewsStore } from '../../src/core/inbound/contact-news-store.ts'
import { createInboundStore } from '../../src/core/inbound/inbound-store.ts'
import { receiveWebhooks } from '../../src/core/inbound/receive.ts'
import { createRejectedEvents } from '../../src/core/notifications/rejected-events.ts'
import { createMetrics } from '../../src/core/observe/metrics.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { aConnection } from '../support/records.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const now = new Date('2026-11-20T06:30:00.000Z')
const sender = aConnection(1, { senderId: '810000000000001' })

const aReport = (messageId: string): DeliveryReport => ({
  type: 'report',
  messageId,
  status: 'sent',
  vendorStatus: 'sent',
  recipient: { phone: '+919810012345' },
  raw: {},
})
const aReply = (messageId: string): CustomerReply => ({
  type: 'reply',
  messageId,
  replyType: 'text',
  from: { phone: '+919810012345' },
  raw: {},
})

for (const kind of storages) {
  describe(`receiving webhooks on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let transactions = 0
    let rung: string[] = []

    const ring = (name: string) => () => void rung.push(name)
    const receive = (...parts: InboundPart[]) =>
      receiveWebhooks(
        {
          database: {
            ...database,
            transaction: (work) => {
              transactions++
              return database.transaction(work)
            },
          },
          store: createInboundStore(database),
          contactNews: createContactNewsStore(database),
          connectionEvents: createConnectionEvents(database),
          rejected: createRejectedEvents(database),
          bells: {
            reports: ring('reports'),
            replies: ring('replies'),
            contactNews: ring('contactNews'),
            accountNews: ring('accountNews'),
          },
          metrics: createMetrics(),
          now: () => now,
        },
        parts.map((part) => ({
          connections: [sender],
          related: [sender],
          events: [{ senderId: '810000000000001', part }],
        })),
      )
    const storedReports = async () => {
      const rows = await database.select<{ id: string }>('SELECT message_id AS id FROM wa_dlr_messages ORDER BY id')
      return rows.map(({ id }) => id)
    }

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    beforeEach(async () => {
      await database.write('DELETE FROM wa_dlr_messages')
      transactions = 0
      rung = []
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    it('wakes those who apply what came, and nobody else', async () => {
      await receive(aReport('m-1'))
      expect(rung).to.deep.equal(['reports'])
      await receive(aReply('r-1'))
      expect(rung).to.deep.equal(['reports', 'replies'])
      await receive({ type: 'ignored', topic: 'test' })
      expect(rung).to.deep.equal(['reports', 'replies'])
    })

    it('stores a few reports without a transaction around their statement, those that are there among them', async () => {
      await receive(aReport('m-1'), aReport('m-2'))
      await receive(aReport('m-2'), aReport('m-3'), aReport('m-1'))
      expect(transactions).to.equal(0)
      expect((await storedReports()).sort()).to.deep.equal(['m-1', 'm-2', 'm-3'])
    })

    it('stores in one transaction what takes several statements', async () => {
      await receive(...Array.from({ length: 9 }, (_, index) => aReport(`m-${index}`)))
      expect(transactions).to.equal(1)
      await receive(aReport('m-9'), aReply('r-9'))
      expect(transactions).to.equal(2)
      expect(await storedReports()).to.have.length(10)
    })
  })
}
