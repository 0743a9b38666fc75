/** Conversations in the database: one per first message, from its first answer on. */

import type { Action } from '../notifications/reason.ts'
import type { Executor, SqlValue } from '../storage/database.ts'
import { insertRows, selectIn, updateRows } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import type { Conversation } from './next-step.ts'

/** A conversation and the message that it began with; `id` undefined = not stored yet. */
export interface StoredConversation extends Conversation {
  readonly id?: number
  readonly rootId: number
  readonly accountId: number
  readonly decidedAt?: Date
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
}

interface Progress {
  readonly offeredDates?: readonly string[]
  readonly choicesAt?: string
}

const stateColumns = ['state', 'progress', 'decision', 'decision_value', 'decided_at', 'updated_at']

export const createConversationStore = (): ConversationStore => ({
  async load(tx, rootIds) {
    const head = `SELECT id, root_outgoing_message_id, account_id, progress, decision, decision_value, decided_at
      FROM wa_conversations WHERE root_outgoing_message_id`
    const rows = await selectIn<ConversationRow>(tx, head, rootIds)
    return new Map(rows.map(fromRow).map((conversation) => [conversation.rootId, conversation]))
  },
  async save(tx, conversations, now) {
    const isNew = (conversation: StoredConversation) => conversation.id === undefined
    const known = conversations.filter((conversation) => !isNew(conversation))
    const columns = ['root_outgoing_message_id', 'account_id', 'created_at', ...stateColumns]
    const rows = conversations
      .filter(isNew)
      .map((conversation) => [conversation.rootId, conversation.accountId, sqlTime(now), ...stateOf(conversation, now)])
    await insertRows(tx, 'wa_conversations', columns, rows)
    await updateRows(
      tx,
      'wa_conversations',
      'id',
      stateColumns,
      known.map((entry) => [entry.id ?? 0, ...stateOf(entry, now)]),
    )
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
  }
}

function stateOf({ decision, offeredDates, choicesAt, decidedAt }: StoredConversation, now: Date): SqlValue[] {
  const progress = { offeredDates, ...(choicesAt ? { choicesAt: choicesAt.toISOString() } : {}) }
  return [
    decision ? 'decided' : 'open',
    JSON.stringify(progress),
    decision?.action ?? null,
    decision?.value ?? null,
    sqlTime(decidedAt),
    sqlTime(now),
  ]
}
