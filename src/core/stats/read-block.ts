/** Counts the messages of a block from their rows. */

import { opensWindow } from '../inbound/reply-kinds.ts'
import type { MessageState } from '../sending/outgoing-message.ts'
import type { Executor } from '../storage/database.ts'
import { selectIn } from '../storage/rows.ts'
import { fromSqlTime } from '../storage/time.ts'
import { addToCell, type Cells } from './cells.ts'
import { type CountedMessage, countMessage } from './count-message.ts'
import { cellKey, type Dimensions } from './scopes.ts'
import { type Slot, slotOf } from './slots.ts'

/** Ids in a block, as a power of two: few enough to be counted again for one late report. */
const blockBits = 10
const blockSize = 2 ** blockBits

/** Number of the block of a message, in SQL of both databases. */
export const blockColumn = (id: string): string => `${id} >> ${blockBits}`
export const blockOf = (messageId: number): number => Math.floor(messageId / blockSize)

/** Slot -> cells with all dimensions. */
export type BlockCells = Record<Slot, Cells>

/** Counts a block. The caller sees to it that nobody writes down another count of it meanwhile. */
export async function readBlock(tx: Executor, block: number): Promise<BlockCells> {
  const range = [block * blockSize, (block + 1) * blockSize - 1] as const
  const rows = await tx.select<MessageRow>(messagesSql, range)
  if (rows.length === 0) return {}
  const around = await surroundings(tx, range, rows)
  const counted: BlockCells = {}
  for (const row of rows) {
    const createdAt = fromSqlTime(row.created_at) ?? new Date(0)
    const slot = slotOf(createdAt)
    const cells = counted[slot] ?? {}
    counted[slot] = cells
    addToCell(cells, cellKey(dimensionsOf(row, around)), countMessage(messageOf(row, createdAt, around)))
  }
  return counted
}

interface MessageRow {
  id: number
  account_id: number
  kind: string
  reason: string | null
  connection: number | null
  template: string | null
  created_by: string | null
  root: number | null
  customer_phone: string | null
  state: MessageState
  status_rank: number
  created_at: string
  accepted_at: string | null
  sent_at: string | null
  delivered_at: string | null
  read_at: string | null
  failure_code: string | null
  pricing_category: string | null
  is_billable: number | null
  price_micros: number | string | null
}

/** What a message says may be unreadable; it counts nevertheless. */
const messagesSql = `SELECT id, account_id, kind, reason, whatsappSenderConnectionId AS connection,
  CASE WHEN JSON_VALID(payload) THEN JSON_EXTRACT(payload, '$.template.name') END AS template, created_by,
  root_outgoing_message_id AS root, customer_phone, state, status_rank, created_at, accepted_at, sent_at, delivered_at,
  read_at, failure_code, pricing_category, is_billable, price_micros
  FROM wa_outgoing_messages WHERE id BETWEEN $1 AND $2`

interface Surroundings {
  readonly answered: ReadonlySet<number>
  readonly decisions: ReadonlyMap<number, { readonly action: string; readonly decidedAt: Date }>
  readonly taken: ReadonlySet<number>
  readonly providers: ReadonlyMap<number, string>
}

async function surroundings(
  tx: Executor,
  range: readonly [number, number],
  rows: readonly MessageRow[],
): Promise<Surroundings> {
  const decided = await tx.select<{ id: number; action: string; at: string }>(
    `SELECT root_outgoing_message_id AS id, decision AS action, decided_at AS at FROM wa_conversations
     WHERE root_outgoing_message_id BETWEEN $1 AND $2 AND decision IS NOT NULL AND decided_at IS NOT NULL`,
    range,
  )
  const taken = await tx.select<{ id: number }>(
    `SELECT DISTINCT root_outgoing_message_id AS id FROM ndr_actions
     WHERE root_outgoing_message_id BETWEEN $1 AND $2 AND state = 'taken'`,
    range,
  )
  const connections = [...new Set(rows.flatMap(({ connection }) => connection ?? []))]
  const providers = await selectIn<{ id: number; provider: string }>(
    tx,
    'SELECT id, provider FROM wa_connections WHERE id',
    connections,
  )
  return {
    answered: await answeredMessages(tx, rows),
    decisions: new Map(
      decided.map(({ id, action, at }) => [Number(id), { action, decidedAt: fromSqlTime(at) ?? new Date(0) }]),
    ),
    taken: new Set(taken.map(({ id }) => Number(id))),
    providers: new Map(providers.map(({ id, provider }) => [Number(id), provider])),
  }
}

/** A reply belongs to the message that it answers; one that names none, to the first one of its conversation. */
async function answeredMessages(tx: Executor, rows: readonly MessageRow[]): Promise<ReadonlySet<number>> {
  const roots = [...new Set(rows.map(({ root, id }) => Number(root ?? id)))]
  const head = `SELECT DISTINCT COALESCE(wa_context_outgoing_message_id, wa_root_outgoing_message_id) AS id,
    customer_reply_type AS type FROM wa_customer_reply_messages WHERE wa_root_outgoing_message_id`
  const replies = await selectIn<{ id: number; type: string }>(tx, head, roots)
  return new Set(replies.filter(({ type }) => opensWindow(type)).map(({ id }) => Number(id)))
}

/** MariaDB gives JSON's own quotes, the others do not. */
const unquoted = (text: string | null): string | null => (text?.startsWith('"') ? (JSON.parse(text) as string) : text)

const dimensionsOf = (row: MessageRow, { providers }: Surroundings): Dimensions => ({
  account: Number(row.account_id),
  connection: row.connection === null ? null : String(row.connection),
  provider: row.connection === null ? null : (providers.get(Number(row.connection)) ?? null),
  template: unquoted(row.template),
  reason: row.reason,
  kind: row.kind,
  createdBy: row.created_by,
  isFollowUp: row.root !== null,
})

function messageOf(row: MessageRow, createdAt: Date, around: Surroundings): CountedMessage {
  const id = Number(row.id)
  return {
    state: row.state,
    statusRank: Number(row.status_rank),
    createdAt,
    acceptedAt: fromSqlTime(row.accepted_at),
    sentAt: fromSqlTime(row.sent_at),
    deliveredAt: fromSqlTime(row.delivered_at),
    readAt: fromSqlTime(row.read_at),
    failureCode: row.failure_code,
    customerPhone: row.customer_phone,
    template: unquoted(row.template),
    pricingCategory: row.pricing_category,
    isBillable: row.is_billable === null ? null : Number(row.is_billable) === 1,
    priceMicros: row.price_micros === null ? null : Number(row.price_micros),
    isAnswered: around.answered.has(id),
    decision: around.decisions.get(id),
    isDecisionTaken: around.taken.has(id),
  }
}
