/** Conversations in the database: one per first message, from its first answer on. */

import type { Action } from '../notifications/reason.ts'
import type { Executor } from '../storage/database.ts'
import { insertRows, selectIn, updateRows } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import type { Conversation } from './next-step.ts'

/** A conversation and the message that it began with; `id` undefined = not stored yet. */
export interface StoredConversation extends Conversation {
  readonly id?: number
  readonly rootId: number
  readonly accountId: number
  readonly decidedAt?: Date
  readonly closedAt?: Date
}

export interface ConversationStore {
  /** Conversations of these first messages; the caller holds the messages' rows, which guards against a second writer. */
  load(tx: Executor, rootIds: readonly number[]): Promise<Map<number, StoredConversation>>
  save(tx: Executor, conversations: readonly StoredConversation[], now: Date): Promise<void>
}

interface ConversationRow {
  id: number
  root_outgoing_message_id: number
  account_id: number
  progress: string | null
  decision: Action | null
  decision_value: string | null
  decided_at: string | null
  closed_at: string | null
  closed_by: string | null
}

interface Progress {
  readonly offeredDates?: readonly string[]
  readonly choicesAt?: string
}

export const createConversationStore = (): ConversationStore => ({
  async load(tx, rootIds) {
    const head = `SELECT id, root_outgoing_message_id, account_id, progress, decision, decision_value, decided_at,
        closed_at, closed_by FROM wa_conversations WHERE root_outgoing_message_id`
    const rows = await selectIn<ConversationRow>(tx, head, rootIds)
    return new Map(rows.map(fromRow).map((conversation) => [conversation.rootId, conversation]))
  },
  async save(tx, conversations, now) {
    const created = conversations.filter(({ id }) => id === undefined)
    const rows = created.map((conversation) => ({
      root_outgoing_message_id: conversation.rootId,
      account_id: conversation.accountId,
      created_at: sqlTime(now),
      ...stateOf(conversation, now),
    }))
    await insertRows(tx, 'wa_conversations', rows)
    const known = conversations.flatMap(({ id, ...state }) =>
      id === undefined ? [] : [{ id, ...stateOf(state, now) }],
    )
    await updateRows(tx, 'wa_conversations', known)
  },
})

function fromRow(row: ConversationRow): StoredConversation {
  const progress = row.progress ? (JSON.parse(row.progress) as Progress) : {}
  return {
    id: Number(row.id),
    rootId: Number(row.root_outgoing_message_id),
    accountId: row.account_id,
    offeredDates: progress.offeredDates ?? [],
    ...(progress.choicesAt ? { choicesAt: new Date(progress.choicesAt) } : {}),
    ...(row.decision
      ? { decision: { action: row.decision, ...(row.decision_value ? { value: row.decision_value } : {}) } }
      : {}),
    ...(row.decided_at ? { decidedAt: fromSqlTime(row.decided_at) ?? new Date(0) } : {}),
    ...(row.closed_by ? { closedBy: row.closed_by, closedAt: fromSqlTime(row.closed_at) ?? new Date(0) } : {}),
  }
}

function stateOf(conversation: Omit<StoredConversation, 'id'>, now: Date) {
  const { decision, offeredDates, choicesAt, decidedAt, closedBy, closedAt } = conversation
  const progress = { offeredDates, ...(choicesAt ? { choicesAt: choicesAt.toISOString() } : {}) }
  return {
    state: closedBy ? 'closed' : decision ? 'decided' : 'open',
    progress: JSON.stringify(progress),
    decision: decision?.action ?? null,
    decision_value: decision?.value ?? null,
    decided_at: sqlTime(decidedAt),
    closed_at: sqlTime(closedAt),
    closed_by: closedBy ?? null,
    updated_at: sqlTime(now),
  }
}
