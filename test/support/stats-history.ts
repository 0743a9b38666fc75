/** Messages with histories that chance has written, straight into the rows; and their counts, by plain SQL. */

import { randomBytes } from 'node:crypto'
import type { Database, SqlValue } from '../../src/core/storage/database.ts'
import { insertRows, updateRows } from '../../src/core/storage/rows.ts'
import { sqlTime } from '../../src/core/storage/time.ts'

/** Numbers from 0 to below 1, the same ones for the same seed. */
export function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

const pick = <T>(values: readonly T[], random: () => number): T => values[Math.floor(random() * values.length)] as T

const reasons = ['address_issue', 'payment_issue', 'otp_cancellation', null]
const codes = ['no_whatsapp', 'undeliverable', null]
const actions = ['reattempt', 'reschedule', 'cancel']
const phones = ['+919810000001', '+34612345678', null]

export async function aConnectionRow(database: Database, accountId: number, provider: string): Promise<number> {
  const key = randomBytes(8).toString('hex')
  const at = sqlTime(new Date('2026-11-01T00:00:00Z'))
  const row = { account_id: accountId, provider, name: 'Acme', business_phone: '+911140001234', webhook_key: key }
  await insertRows(database, 'wa_connections', [
    { ...row, verify_token: key, credentials: '{}', created_at: at, updated_at: at },
  ])
  const [found] = await database.select<{ id: number }>('SELECT id FROM wa_connections WHERE webhook_key = $1', [key])
  return Number(found?.id)
}

export interface HistoryOptions {
  readonly random: () => number
  /** When the messages were asked for: any time from here on. */
  readonly from: Date
  readonly days: number
  readonly accounts: readonly number[]
  readonly connections: readonly number[]
  /** When it is written down. */
  readonly now: Date
}

/** New messages that wait. */
export async function addMessages(database: Database, count: number, options: HistoryOptions): Promise<void> {
  const { random, from, days, accounts, connections, now } = options
  const [root] = await database.select<{ id: number }>('SELECT MIN(id) AS id FROM wa_outgoing_messages')
  const rows = Array.from({ length: count }, () => {
    const reference = randomBytes(16).toString('base64url')
    const reason = pick(reasons, random)
    const content =
      reason === null
        ? { type: 'text', text: 'Hello' }
        : { type: 'template', template: { name: `fdr_${reason}`, language: 'en' }, values: {}, buttons: [] }
    return {
      reference,
      idempotency_key: reference,
      account_id: pick(accounts, random),
      kind: pick(['fdr', 'agent_message'], random),
      reason,
      whatsappSenderConnectionId: pick([...connections, null], random),
      customer_phone: pick(phones, random),
      // One whose row cannot be read counts as well.
      payload: random() < 0.02 ? '{' : JSON.stringify(content),
      root_outgoing_message_id: root?.id && random() < 0.2 ? Number(root.id) : null,
      created_by: random() < 0.2 ? 'agent-7' : null,
      state: 'queued',
      status_rank: 1,
      created_at: sqlTime(new Date(from.getTime() + Math.floor(random() * days * 86_400_000))),
      updated_at: sqlTime(now),
    }
  })
  await insertRows(database, 'wa_outgoing_messages', rows)
}

type Columns = Readonly<Record<string, SqlValue>>

const none = { accepted_at: null, sent_at: null, delivered_at: null, read_at: null, failed_at: null }

/** Ways in which messages end, or stand for now. */
function anEnd(createdAt: Date, random: () => number): Columns {
  const after = () => sqlTime(new Date(createdAt.getTime() + Math.floor(random() * 6 * 3_600_000)))
  const plain = { ...none, state: 'accepted', failure_code: null, price_micros: null }
  switch (Math.floor(random() * 9)) {
    case 0:
      return { ...plain, status_rank: 3, accepted_at: after() }
    case 1:
      return { ...plain, status_rank: 4, accepted_at: after(), sent_at: after() }
    case 2:
      return { ...plain, status_rank: 6, accepted_at: after(), delivered_at: after() }
    case 3:
      return { ...plain, status_rank: 7, accepted_at: after(), sent_at: after(), read_at: after() }
    case 4:
      return { ...plain, status_rank: 5, accepted_at: after(), failed_at: after(), failure_code: pick(codes, random) }
    case 5:
      return { ...plain, state: 'failed', status_rank: 5, failed_at: after(), failure_code: 'refused' }
    case 6:
      return { ...plain, state: 'skipped', status_rank: 1, failure_code: pick(codes, random) }
    case 7:
      return { ...plain, state: pick(['unknown', 'in_doubt'], random), status_rank: 2 }
    default:
      return { ...plain, state: 'expired', status_rank: 2, failure_code: 'expired', price_micros: 1_500_000 }
  }
}

/** Something happens to so many messages, old and new ones: reports, replies, decisions, a change of the connection. */
export async function letThingsHappen(database: Database, count: number, options: HistoryOptions): Promise<void> {
  const { random, connections, now } = options
  const messages = await database.select<{ id: number; account_id: number; created_at: string }>(
    'SELECT id, account_id, created_at FROM wa_outgoing_messages ORDER BY id',
  )
  for (let index = 0; index < count; index++) {
    const { id, account_id, created_at } = pick(messages, random)
    const createdAt = new Date(`${created_at.slice(0, 23).replace(' ', 'T')}Z`)
    const billable = { is_billable: pick([0, 1, null], random), pricing_category: pick(['utility', null], random) }
    const moved = random() < 0.1 ? { whatsappSenderConnectionId: pick(connections, random) } : {}
    const end = anEnd(createdAt, random)
    await updateRows(database, 'wa_outgoing_messages', [
      { id: Number(id), ...end, ...billable, ...moved, updated_at: sqlTime(now) },
    ])
    if (random() < 0.3) await addReply(database, Number(id), random, now)
    if (random() < 0.2) await addDecision(database, { id: Number(id), accountId: account_id, createdAt }, random, now)
  }
}

async function addReply(database: Database, id: number, random: () => number, now: Date): Promise<void> {
  const [message] = await database.select<{ root: number | null }>(
    'SELECT root_outgoing_message_id AS root FROM wa_outgoing_messages WHERE id = $1',
    [id],
  )
  const root = Number(message?.root ?? id)
  await insertRows(database, 'wa_customer_reply_messages', [
    {
      connection_id: 1,
      reply_message_id: randomBytes(12).toString('hex'),
      customer_reply_type: pick(['button', 'text', 'reaction'], random),
      wa_root_outgoing_message_id: root,
      // A text that names no message belongs to the first one.
      wa_context_outgoing_message_id: root === id && random() < 0.5 ? null : id,
      created_at: sqlTime(now),
      updated_at: sqlTime(now),
    },
  ])
}

interface Decided {
  readonly id: number
  readonly accountId: number
  readonly createdAt: Date
}

/** Its reply is what tells that something has happened. */
async function addDecision(database: Database, { id, accountId, createdAt }: Decided, random: () => number, now: Date) {
  const [known] = await database.select('SELECT id FROM wa_conversations WHERE root_outgoing_message_id = $1', [id])
  const [first] = await database.select(
    'SELECT id FROM wa_outgoing_messages WHERE id = $1 AND root_outgoing_message_id IS NULL',
    [id],
  )
  if (known || !first) return
  const at = { created_at: sqlTime(now), updated_at: sqlTime(now) }
  const decidedAt = sqlTime(new Date(createdAt.getTime() + Math.floor(random() * 86_400_000)))
  const decision = { state: 'decided', decision: pick(actions, random), decided_at: decidedAt }
  const root = { root_outgoing_message_id: id, account_id: accountId }
  await insertRows(database, 'wa_conversations', [{ ...root, ...decision, ...at }])
  await addReply(database, id, () => 0, now)
  const action = { action: decision.decision, request: '{}', state: pick(['pending', 'taken', 'refused'], random) }
  await insertRows(database, 'ndr_actions', [{ ...root, idempotency_key: `ndr:${id}`, ...action, ...at }])
}

/** The counts of messages that fit a condition, from the rows and with none of the code that is tested. */
export async function countBySql(database: Database, where: string): Promise<Record<string, number>> {
  const isSkipped = "m.state = 'skipped'"
  const read = '(m.status_rank = 7 OR m.read_at IS NOT NULL)'
  const delivered = `(${read} OR m.status_rank >= 6 OR m.delivered_at IS NOT NULL)`
  const sent = `(${delivered} OR m.status_rank = 4 OR m.sent_at IS NOT NULL)`
  const accepted = `(${sent} OR m.status_rank = 3 OR m.accepted_at IS NOT NULL)`
  const replied = `EXISTS (SELECT 1 FROM wa_customer_reply_messages r WHERE r.customer_reply_type <> 'reaction'
    AND COALESCE(r.wa_context_outgoing_message_id, r.wa_root_outgoing_message_id) = m.id)`
  const decided = 'EXISTS (SELECT 1 FROM wa_conversations c WHERE c.root_outgoing_message_id = m.id)'
  const saved = `EXISTS (SELECT 1 FROM ndr_actions n WHERE n.root_outgoing_message_id = m.id AND n.state = 'taken')`
  const conditions: Readonly<Record<string, string>> = {
    queued: '1 = 1',
    accepted,
    sent,
    delivered,
    read,
    failed: "m.status_rank = 5 AND m.state <> 'expired'",
    expired: "m.state = 'expired'",
    unknown: "m.status_rank = 2 AND m.state <> 'expired'",
    replied,
    decided,
    savedDeliveries: saved,
  }
  const columns = Object.entries(conditions).map(
    ([name, condition]) => `SUM(CASE WHEN NOT ${isSkipped} AND ${condition} THEN 1 ELSE 0 END) AS \`${name}\``,
  )
  const [row] = await database.select<Record<string, number | string | null>>(
    `SELECT ${columns.join(', ')}, SUM(CASE WHEN ${isSkipped} THEN 1 ELSE 0 END) AS skipped
     FROM wa_outgoing_messages m WHERE ${where}`,
  )
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, count]) => [name, Number(count ?? 0)]))
}
