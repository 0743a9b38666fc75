import { expect } from 'chai'
import type { Look } from '../../src/core/privacy/erase.ts'
import { pagesOf } from '../../src/core/privacy/pages.ts'
import { personOf } from '../../src/core/privacy/person.ts'
import { type PersonalTable, personalTables } from '../../src/core/privacy/personal-data.ts'
import { retentionSteps } from '../../src/core/privacy/retention-steps.ts'
import { searches } from '../../src/core/privacy/searches.ts'
import { createTally } from '../../src/core/privacy/tally.ts'
import { openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

/** Tables that are deleted with the person, or kept on purpose (docs/privacy.md). */
const wholly = ['wa_contacts', 'wa_consents', 'erasures', 'activity_waiting', 'usage_counters']

/** Tables of the installation and of its accounts, in which nothing is about a customer. */
const ofNobody = [
  'api_keys',
  'engine_turns',
  'erased_messages',
  'gateway_leases',
  'gateway_replicas',
  'message_bulks',
  'poe_channel_notifications',
  'poe_channel_settings',
  'retention_held_over',
  'retention_marks',
  'schema_migrations',
  'shipment_ends',
  'wa_connection_events',
  'wa_connections',
  'wa_conversations',
  'wa_link_clicks',
  'wa_polls',
  'wa_stats_blocks',
  'wa_stats_state',
  'wa_stats_sums',
  'wa_templates',
  'wa_webhook_notes',
]

/** Texts that tell nothing of a person, in tables in which others do. */
const harmless: Readonly<Record<string, readonly string[]>> = {
  wa_outgoing_messages: [
    'reference',
    'kind',
    'subject_type',
    'subject_id',
    'idempotency_key',
    'order_number',
    'reason',
    'business_phone',
    'route',
    'state',
    'failure_code',
    'pricing_model',
    'pricing_type',
    'pricing_category',
    'conversation_id',
    'conversation_origin',
    'created_by',
  ],
  wa_send_attempts: ['outcome', 'failure_code', 'vendor_code'],
  wa_dlr_messages: ['reference', 'status', 'failure_code', 'dedupe_key', 'pricing'],
  wa_customer_reply_messages: ['customer_reply_type', 'button_reply_id'],
  wa_contact_news: ['news', 'dedupe_key', 'message_type'],
  ndr_actions: ['idempotency_key', 'action', 'state', 'shipment_id', 'action_taken', 'claim_token'],
  activity_events: ['event_id', 'event_sub_type'],
  rejected_events: ['source', 'reason'],
  audit_log: ['actor', 'action', 'subject_type', 'detail'],
  idempotent_requests: ['request_key', 'request_hash', 'holder'],
}

const emptyRow = { context: null, payload: '{"response_data":{}}', root_message_id: null }

describe('columns that may tell of a person', () => {
  it('are all known: a new text column says what becomes of it', async () => {
    const database = openDatabase({ url: 'sqlite::memory:' })
    await migrate(database)
    const columns = await database.select<{ table: string; name: string }>(
      `SELECT t.name AS "table", c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c
       WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND c.type NOT LIKE '%INT%' AND c.type NOT LIKE 'DATE%'`,
    )
    const cleared = new Map(
      Object.values<PersonalTable>(personalTables).map((table) => [
        table.name,
        Object.keys(table.clear(emptyRow, 'final')),
      ]),
    )
    const unknown = columns
      .filter(({ table }) => !wholly.includes(table) && !ofNobody.includes(table))
      .filter(({ table, name }) => !cleared.get(table)?.includes(name) && !harmless[table]?.includes(name))
      .map(({ table, name }) => `${table}.${name}`)
    await database.close()
    expect(unknown).to.deep.equal([])
  })
})

/** A look of one account, which asks for more than one at everything. */
const aLook = (): Look => ({
  erasure: {
    id: 1,
    reference: 'r',
    accountId: 379,
    requestedAt: new Date(),
    watchedUntil: new Date(),
    person: personOf('+919810012345'),
    state: 'working',
    tries: 0,
    counts: {},
    searched: {},
  },
  connectionIds: [1],
  depth: 'final',
  tally: createTally({}, {}),
  mayGoOn: async () => true,
})

for (const kind of storages) {
  describe(`tables and columns that clearing names, on ${kind}`, () => {
    it('are all there', async () => {
      const storage = await createStorage(kind)
      const database = openDatabase({ url: storage.url })
      await migrate(database)
      for (const table of Object.values<PersonalTable>(personalTables)) {
        const columns = ['id', table.time, ...table.columns, ...Object.keys(table.clear(emptyRow, 'final'))]
        await database.select(`SELECT ${columns.join(', ')} FROM ${table.name}`)
      }
      for (const { table } of retentionSteps)
        await database.select(`SELECT ${['id', table.time, ...table.columns].join(', ')} FROM ${table.name}`)
      for (const { rows } of searches(aLook())) expect(await pagesOf(database, rows).next()).to.include({ done: true })
      await database.close()
      await storage.drop()
    })
  })
}
