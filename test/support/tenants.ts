/** Accounts that have one of everything, each marked so that it is recognised wherever it shows. */

import { expect } from 'chai'
import { aKey, bearer } from './clients.ts'
import { aCustomer, aFirstMessage, anOwnConnection, eventFor, http, tap } from './stories.ts'
import { adminKey, type World } from './world.ts'

export interface Tenant {
  readonly accountId: number
  readonly message: string
  readonly connection: string
  readonly action: string
  readonly rejectedEvent: string
  readonly apiKey: string
  readonly bulk: string
  /** Texts that only appear in what is this tenant's. */
  readonly marks: readonly string[]
}

/** An account with a connection, a conversation, a decision, a parked event, news and a key. */
export async function aTenant(world: World): Promise<Tenant> {
  const { accountId, connectionId, phoneNumberId } = await anOwnConnection(world)
  const customer = aCustomer()
  const name = `Parcel of ${accountId} ${connectionId}`
  const { id, sent } = await aFirstMessage(world, { customer, account_id: accountId, customerName: name })
  await tap(world, sent, 'Reattempt')
  const [action] = await world.rows<{ id: number }>(`SELECT id FROM ndr_actions WHERE account_id = ${accountId}`)
  const bad = eventFor(customer, { account_id: accountId, customerName: name, remarks: 'hm', track_payload: {} })
  const { body } = await world.call<{ rejectedEventId: string }>('POST', '/v1/events', bad)
  const news = `News of ${accountId} ${connectionId}`
  await world.database.write(
    `INSERT INTO wa_connection_events (connection_id, account_id, topic, severity, summary, payload, dedupe_key,
       happened_at, created_at, updated_at)
     VALUES ($1, $2, 'account_update', 'info', $3, '{}', $4, $5, $5, $5)`,
    [connectionId, accountId, news, `tenant-${accountId}`, '2026-11-20 06:30:00.000'],
  )
  const { id: apiKey } = await aKey(world, accountId, { name: `Key of ${accountId} ${connectionId}` })
  const lines = JSON.stringify([{ to: customer.phone, text: name, source: 'customer' }])
  const bulked = await http(world, 'POST', `/v1/messages/bulk?accountId=${accountId}`, {
    headers: { ...bearer(adminKey), 'idempotency-key': `tenant-${accountId}` },
    body: lines,
  })
  const bulk = (JSON.parse(bulked.text) as { id: string }).id
  expect(action?.id).to.be.greaterThan(0)
  return {
    accountId,
    message: id,
    connection: connectionId,
    action: String(action?.id),
    rejectedEvent: body.rejectedEventId,
    apiKey,
    bulk,
    marks: [customer.local, name, phoneNumberId, news, `Key of ${accountId} ${connectionId}`],
  }
}
