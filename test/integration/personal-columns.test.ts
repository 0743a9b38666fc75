import { expect } from 'chai'
import { type PersonalTable, personalTables } from '../../src/core/privacy/personal-data.ts'
import { openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'

/** Tables that are deleted with the person, or kept on purpose (docs/privacy.md). */
const wholly = ['wa_contacts', 'wa_consents', 'erasures', 'activity_waiting']

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
  // Recipients stand there as digests, for three days.
  'usage_counters',
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
        Object.keys(table.clear({ context: null, payload: '{"response_data":{}}', root_message_id: null }, 'final')),
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
