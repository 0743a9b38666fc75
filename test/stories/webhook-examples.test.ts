import { expect } from 'chai'
import { type WebhookExample, webhookExamples } from '../fixtures/meta-webhooks.ts'
import { simulatorAccount } from '../support/fixtures.ts'
import { expectGolden } from '../support/golden.ts'
import { inWorld, postWebhook, storages } from '../support/stories.ts'
import type { World } from '../support/world.ts'

/** What is shown of each table: what was read, not what is decided from it later. */
const tables = {
  reports: [
    'wa_dlr_messages',
    'message_id, reference, status, failure_code, failure_reason, pricing, external_timestamp',
  ],
  replies: [
    'wa_customer_reply_messages',
    'reply_message_id, customer_reply_type, customer_reply_value, button_reply_id, context_message_id, from_phone, from_user_id, external_updated_at',
  ],
  customers: ['wa_contact_news', 'news, phone, user_id, new_phone, new_user_id, external_timestamp'],
  account: ['wa_connection_events', 'topic, severity, summary, effects'],
  parked: ['rejected_events', 'reason, detail, body'],
} as const

const shown = (row: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([name, value]) => name !== 'id' && value !== null)
      .map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString('utf8') : value]),
  )

/** Rows that came since the last look, by table; empty tables are left out. */
function newRows(world: World) {
  const last = new Map<string, number>()
  return async () => {
    const found: Record<string, object[]> = {}
    for (const [name, [table, columns]] of Object.entries(tables)) {
      const rows = await world.rows<Record<string, unknown> & { id: number }>(
        `SELECT id, ${columns} FROM ${table} WHERE id > ${last.get(table) ?? 0} ORDER BY id`,
      )
      last.set(table, Math.max(last.get(table) ?? 0, ...rows.map(({ id }) => Number(id))))
      if (rows.length > 0) found[name] = sorted(rows.map(shown))
    }
    return found
  }
}

/** Rows of one webhook are written in the order of their keys, some of which are hashes. */
const sorted = (rows: object[]): object[] => [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

let time = 1_740_000_000
const bodyOf = ({ changes, accountId = simulatorAccount.credentials.wabaId }: WebhookExample) => ({
  object: 'whatsapp_business_account',
  entry: [{ id: accountId, time: time++, changes }],
})

for (const storage of storages) {
  describe(`every webhook that Meta is known to send, on ${storage}`, () => {
    it('is answered 200, and kept as what it means', () =>
      inWorld({ storage, env: { ROLES: 'http' } }, async (world) => {
        const look = newRows(world)
        await look()
        const kept: [string, object][] = []
        for (const example of webhookExamples) {
          const { status } = await postWebhook(world, bodyOf(example))
          expect(status, example.label).to.equal(200)
          kept.push([`${kept.length + 1} ${example.label}`, await look()])
        }
        expectGolden('webhook-examples', Object.fromEntries(kept))
      }))
  })
}
