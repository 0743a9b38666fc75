import { expect } from 'chai'
import { createMetrics } from '../../src/core/observe/metrics.ts'
import { createStateReading } from '../../src/core/observe/read-state.ts'
import { readStoredState } from '../../src/core/observe/stored-state.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { insertRows, type Values } from '../../src/core/storage/rows.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const now = new Date('2026-03-02T10:00:00.000Z')
const ago = (seconds: number) => sqlTime(new Date(now.getTime() - seconds * 1_000))
const stamps = { created_at: ago(600), updated_at: ago(600) }

let nextKey = 1
const aMessage = (values: Values): Values => ({
  reference: `reference-${nextKey}`,
  account_id: 379,
  kind: 'fdr',
  idempotency_key: `fdr:379:${nextKey++}`,
  whatsappSenderConnectionId: 1,
  state: 'queued',
  status_rank: 1,
  attempts: 0,
  due_at: ago(0),
  ...stamps,
  ...values,
})

const aConnection = (values: Values): Values => ({
  account_id: 379,
  provider: 'meta',
  name: 'Acme',
  business_phone: '+911140001234',
  webhook_key: `key-${nextKey++}`,
  verify_token: 'token',
  credentials: '{}',
  state: 'active',
  state_reason: null,
  ...stamps,
  ...values,
})

const aRejection = (values: Values): Values => ({
  source: 'event',
  reason: 'not_json',
  body: Buffer.from('{'),
  body_hash: `hash-${nextKey++}`,
  state: 'parked',
  ...stamps,
  ...values,
})

for (const storage of storages) {
  describe(`what stands in the tables, on ${storage}`, () => {
    let database: Database
    let drop: () => Promise<void>

    beforeEach(async () => {
      const made = await createStorage(storage)
      drop = made.drop
      database = openDatabase({ url: made.url })
      await migrate(database)
    })
    afterEach(async () => {
      await database.close()
      await drop()
    })

    const insert = (table: string, ...rows: Values[]) => insertRows(database, table, rows)

    it('is nothing at first', async () => {
      const none = { count: 0, oldestSeconds: 0 }
      expect(await readStoredState(database, now)).to.deep.equal({
        waiting: new Map(),
        doubts: none,
        unapplied: { report: none, reply: none, contact_news: none, account_news: none },
        unpushed: none,
        unpublished: none,
        connections: [],
        parked: { event: 0, webhook: 0 },
        stranded: 0,
      })
    })

    it('tells by connection how much waits, and for how long the first is due', async () => {
      await insert(
        'wa_outgoing_messages',
        aMessage({ due_at: ago(90) }),
        aMessage({ state: 'waiting', due_at: ago(30) }),
        // In the morning.
        aMessage({ whatsappSenderConnectionId: 2, due_at: ago(-3_600) }),
        aMessage({ whatsappSenderConnectionId: 2, state: 'accepted', due_at: null }),
      )
      const { waiting, stranded } = await readStoredState(database, now)
      expect([...waiting]).to.have.deep.members([
        [1, { count: 2, oldestSeconds: 90 }],
        [2, { count: 1, oldestSeconds: 0 }],
      ])
      expect(stranded).to.equal(0)
    })

    it('tells how many doubts are open, and since when the oldest attempt is', async () => {
      await insert('wa_outgoing_messages', aMessage({ state: 'in_doubt', attempts: 2 }), aMessage({ state: 'unknown' }))
      const [row] = await database.select<{ id: number }>(
        "SELECT id FROM wa_outgoing_messages WHERE state = 'in_doubt'",
      )
      const attempt = (number: number, started: number): Values => ({
        wa_outgoing_message_id: row?.id ?? 0,
        attempt: number,
        connection_id: 1,
        outcome: 'in_doubt',
        started_at: ago(started),
        finished_at: ago(started),
      })
      await insert('wa_send_attempts', attempt(1, 500), attempt(2, 45))
      expect((await readStoredState(database, now)).doubts).to.deep.equal({ count: 1, oldestSeconds: 45 })
    })

    it('finds messages that nobody will look at again', async () => {
      await insert(
        'wa_outgoing_messages',
        aMessage({ due_at: null }),
        aMessage({ state: 'in_doubt', due_at: null }),
        aMessage({ state: 'unknown', due_at: null }),
      )
      expect((await readStoredState(database, now)).stranded).to.equal(2)
    })

    it('tells what is not published, and what of the newest is parked', async () => {
      const anEvent = { event_id: 'one', event_sub_type: 'sent', account_id: 379, payload: '{}', created_at: ago(70) }
      await insert(
        'activity_events',
        { ...anEvent, due_at: ago(1_000_000) },
        { ...anEvent, event_id: 'two', due_at: null },
      )
      await insert(
        'rejected_events',
        aRejection({}),
        aRejection({ state: 'replayed' }),
        aRejection({ source: 'webhook' }),
      )
      const { unpublished, parked } = await readStoredState(database, now)
      expect(unpublished).to.deep.equal({ count: 1, oldestSeconds: 70 })
      expect(parked).to.deep.equal({ event: 1, webhook: 1 })
    })

    it('tells what came back and is not applied, and the decisions that are not pushed', async () => {
      const report = { connection_id: 1, message_id: 'id', status: 'sent', tries: 0, ...stamps }
      await insert(
        'wa_dlr_messages',
        { ...report, dedupe_key: 'one', due_at: ago(12) },
        // Its message is not known yet.
        { ...report, dedupe_key: 'two', due_at: ago(-60) },
        { ...report, dedupe_key: 'three', due_at: null },
      )
      const decision = { root_outgoing_message_id: 1, action: 'cancel', request: '{}', attempts: 0, ...stamps }
      await insert(
        'ndr_actions',
        { ...decision, idempotency_key: 'one', state: 'pending', due_at: ago(8) },
        { ...decision, idempotency_key: 'two', state: 'taken', due_at: null },
      )
      const { unapplied, unpushed } = await readStoredState(database, now)
      expect(unapplied.report).to.deep.equal({ count: 1, oldestSeconds: 12 })
      expect(unpushed).to.deep.equal({ count: 1, oldestSeconds: 8 })
    })

    it('shows connections by state, and which of them somebody has to mend', async () => {
      await insert(
        'wa_connections',
        aConnection({}),
        aConnection({ state: 'paused', state_reason: 'credentials_invalid' }),
        aConnection({ state: 'paused', state_reason: 'by hand' }),
        aConnection({ state: 'deleted' }),
      )
      const text = await scrape()
      expect(text).to.contain('fdr_connections{provider="meta",state="active"} 1')
      expect(text).to.contain('fdr_connections{provider="meta",state="paused"} 2')
      expect(text).to.contain('fdr_connections_needing_repair{reason="credentials_invalid"} 1')
      expect(text).to.contain('fdr_connections_needing_repair{reason="billing_problem"} 0')
      expect(text).to.contain('fdr_stored_state_read 1')
    })

    it('is shown as last known while the database does not answer', async () => {
      let nowMs = 0
      const metrics = createMetrics()
      const select: Database['select'] = (...args) =>
        nowMs === 0 ? database.select(...args) : Promise.reject(new Error('away'))
      const lanes = () => [{ connectionId: 1, inFlight: 2, breaker: 'open' }]
      metrics.onScrape(
        createStateReading({ database: { ...database, select }, metrics, lanes, now: () => now, nowMs: () => nowMs }),
      )
      await insert('rejected_events', aRejection({}))
      expect(await metrics.text()).to.contain('fdr_stored_state_read 1')
      nowMs = 60_000
      const text = await metrics.text()
      expect(text).to.contain('fdr_stored_state_read 0')
      expect(text).to.contain('fdr_rejected_events_parked{source="event"} 1')
      expect(text).to.contain('fdr_lane_breaker_open{connection="1"} 1')
    })

    async function scrape(): Promise<string> {
      const metrics = createMetrics()
      metrics.onScrape(createStateReading({ database, metrics, lanes: () => [], now: () => now }))
      return metrics.text()
    }
  })
}
