/** Decisions on their way to the courier side, as rows. */

import { randomBytes } from 'node:crypto'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows, selectIn, updateRows } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import type { NdrActionName } from './flows.ts'

/** Body of the NDR API call. */
export interface NdrRequest {
  readonly idempotencyKey: string
  readonly source: 'whatsapp'
  readonly accountSlug: string
  readonly shipmentId: number | string
  readonly trackingID: string
  readonly externalShipmentID: string
  readonly action: NdrActionName
  /** dd-mm-yyyy */
  readonly deferredDate?: string
  readonly customerPhone: string
  readonly remarks: string
  readonly decidedAt: string
}

export interface NdrDraft {
  readonly rootId: number
  readonly accountId: number
  /** The action as activity events name it. */
  readonly actionTaken: string
  /** The customer's message that decided, as the provider names it. */
  readonly replyMessageId: string
  /** Not pushed before; absent = at once. */
  readonly dueAt?: Date | undefined
  readonly request: NdrRequest
}

/** A decision that is claimed for one push. */
export interface ClaimedNdr {
  readonly id: number
  readonly rootId: number
  /** Names this push: whoever lost it in the meantime can write nothing down. */
  readonly token: string
  /** Number of this push, from 1. */
  readonly attempt: number
  /** Did an earlier push begin that the courier side may have taken? */
  readonly wasHandedOver: boolean
  readonly actionTaken: string | null
  readonly replyMessageId: string | null
  readonly request: NdrRequest
}

/**
 * - `pending`: waits for its time, for an earlier decision about its shipment, or for a free slot
 * - `pushing`: claimed by a process until its lease ends
 * - `taken` and `refused`: the courier side said so
 */
export type NdrState = 'pending' | 'pushing' | 'taken' | 'refused'

/** How one push ended. */
export interface NdrOutcome {
  readonly token: string
  readonly state: Exclude<NdrState, 'pushing'>
  /** Calls so far. */
  readonly attempts: number
  readonly dueAt: Date | null
  /** May the courier side know the decision? False only where every push provably failed to reach it. */
  readonly isHandedOver: boolean
  readonly responseStatus: number | null
  readonly response: string | null
}

export interface NdrStore {
  insert(tx: Executor, drafts: readonly NdrDraft[], now: Date): Promise<void>
  /**
   * Those of these conversations whose decision the courier side cannot know yet, as {@link NdrStore.replacePending}
   * has it. Held until the transaction's end: no push begins before.
   */
  holdUnpushed(tx: Executor, rootIds: readonly number[]): Promise<ReadonlySet<number>>
  /**
   * Puts another choice in the place of the one that is stored under the same idempotency key, unless the courier side
   * may know that one: only while it is pending and no push of it ever began, but for those that provably did not
   * arrive. Safe against a push that begins at the same time: one of the two sees the other's commit. The rows of the
   * conversation's first message must be held, as for every step of a conversation.
   * @returns whether it was replaced; if not, nothing has changed and the earlier choice stands
   */
  replacePending(tx: Executor, draft: NdrDraft, now: Date): Promise<boolean>
  /**
   * Claims what is due, oldest first and one per shipment; nobody else gets it before the lease ends. A decision waits
   * while an earlier one about its shipment is neither taken nor refused.
   */
  claim(limit: number, now: Date): Promise<ClaimedNdr[]>
  /** Which of these claims still hold; their rows are kept until the transaction's end. */
  held(tx: Executor, tokens: readonly string[]): Promise<ReadonlySet<string>>
  /** Writes outcomes down; one whose claim was lost meanwhile changes nothing. */
  record(tx: Executor, outcomes: readonly NdrOutcome[], now: Date): Promise<void>
  /** Decisions whose process did not come back within the lease are pending again. Resolves with their number. */
  releaseLost(now: Date): Promise<number>
  /** Decisions that wait for their next try are due at once: the courier side answers again. */
  releaseWaiting(now: Date): Promise<void>
}

/** Longer than a call may take to begin ({@link callWithinMs}) and to end (30 s). */
const leaseMs = 60_000
/** A push may only begin so long after its claim: later, somebody else may hold it for lost already. */
export const callWithinMs = 20_000

export const createNdrStore = (database: Database): NdrStore => ({
  async insert(tx, drafts, now) {
    const at = sqlTime(now)
    const rows = drafts.map((draft) => ({
      root_outgoing_message_id: draft.rootId,
      account_id: draft.accountId,
      shipment_id: String(draft.request.shipmentId),
      idempotency_key: draft.request.idempotencyKey,
      ...choiceOf(draft),
      state: 'pending',
      due_at: draft.dueAt ? sqlTime(draft.dueAt) : at,
      created_at: at,
      updated_at: at,
    }))
    await insertRows(tx, 'ndr_actions', rows, database.keepExisting)
  },

  async holdUnpushed(tx, rootIds) {
    const head = 'SELECT root_outgoing_message_id AS root FROM ndr_actions WHERE root_outgoing_message_id'
    const tail = ` AND state = 'pending' AND handed_over = 0 ORDER BY id${database.forUpdate}`
    const rows = await selectIn<{ root: number }>(tx, head, rootIds, tail)
    return new Set(rows.map((row) => Number(row.root)))
  },

  async replacePending(tx, draft, now) {
    const due_at = sqlTime(draft.dueAt ?? now)
    const choice = { ...choiceOf(draft), claim_token: null, due_at, updated_at: sqlTime(now) }
    const columns = Object.keys(choice)
    const changed = await tx.write(
      `UPDATE ndr_actions SET ${columns.map((column, index) => `${column} = $${index + 2}`).join(', ')}
       WHERE idempotency_key = $1 AND state = 'pending' AND handed_over = 0`,
      [draft.request.idempotencyKey, ...Object.values(choice)],
    )
    return changed > 0
  },

  async claim(limit, now) {
    const due = await dueIds(database, limit, now)
    if (due.length === 0) return []
    return database.transaction(async (tx) => {
      const head = `SELECT id, root_outgoing_message_id, attempts, handed_over, action_taken, reply_message_id, request
        FROM ndr_actions WHERE id`
      // Asked again: it may have been replaced, and put off, since the look.
      const isDue = `state = 'pending' AND due_at <= '${sqlTime(now)}'`
      const tail = ` AND ${isDue} ORDER BY id LIMIT ${limit}${database.forUpdateSkipLocked}`
      const claimed = (await selectIn<PendingRow>(tx, head, due, tail)).map(toClaimed)
      const leaseEnd = sqlTime(new Date(now.getTime() + leaseMs))
      const rows = claimed.map(({ id, token, attempt }) => ({
        id,
        state: 'pushing',
        claim_token: token,
        attempts: attempt,
        handed_over: 1,
        due_at: leaseEnd,
        tried_at: sqlTime(now),
        updated_at: sqlTime(now),
      }))
      await updateRows(tx, 'ndr_actions', rows)
      return claimed
    })
  },

  async held(tx, tokens) {
    const head = 'SELECT claim_token FROM ndr_actions WHERE claim_token'
    const tail = ` AND state = 'pushing' ORDER BY id${database.forUpdate}`
    const rows = await selectIn<{ claim_token: string }>(tx, head, tokens, tail)
    return new Set(rows.map((row) => row.claim_token))
  },

  async record(tx, outcomes, now) {
    const rows = outcomes.map((outcome) => ({
      claim_token: outcome.token,
      state: outcome.state,
      attempts: outcome.attempts,
      due_at: sqlTime(outcome.dueAt),
      handed_over: outcome.isHandedOver ? 1 : 0,
      response_status: outcome.responseStatus,
      response: outcome.response?.slice(0, 1024) ?? null,
      updated_at: sqlTime(now),
    }))
    await updateRows(tx, 'ndr_actions', rows)
  },

  releaseLost: (now) =>
    database.transaction((tx) =>
      tx.write(
        `UPDATE ndr_actions SET state = 'pending', claim_token = NULL, updated_at = $1
         WHERE state = 'pushing' AND due_at <= $1`,
        [sqlTime(now)],
      ),
    ),

  async releaseWaiting(now) {
    await database.transaction((tx) =>
      tx.write(`UPDATE ndr_actions SET due_at = $1 WHERE state = 'pending' AND due_at > $1 AND attempts > 0`, [
        sqlTime(now),
      ]),
    )
  },
})

const choiceOf = ({ request, actionTaken, replyMessageId }: NdrDraft) => ({
  action: request.action,
  action_taken: actionTaken,
  reply_message_id: replyMessageId,
  request: JSON.stringify(request),
})

interface PendingRow {
  id: number
  root_outgoing_message_id: number
  attempts: number
  handed_over: number
  action_taken: string | null
  reply_message_id: string | null
  request: string
}

const toClaimed = (row: PendingRow): ClaimedNdr => ({
  id: Number(row.id),
  rootId: Number(row.root_outgoing_message_id),
  token: randomBytes(16).toString('base64url'),
  attempt: row.attempts + 1,
  wasHandedOver: row.handed_over === 1,
  actionTaken: row.action_taken,
  replyMessageId: row.reply_message_id,
  request: JSON.parse(row.request) as NdrRequest,
})

/**
 * Read without locks, so that an earlier decision counts also while another process writes its outcome; twice as many
 * as asked for, since others may hold some. What is finished has no `due_at`.
 */
async function dueIds(database: Database, limit: number, now: Date): Promise<number[]> {
  // Else MariaDB walks along the primary key, from the first decision ever made.
  const byState = database.dialect === 'mysql' ? ' FORCE INDEX (ndr_actions_state_id)' : ''
  const rows = await database.select<{ id: number }>(
    `SELECT a.id FROM ndr_actions a${byState} WHERE a.state = 'pending' AND a.due_at <= $1 AND NOT EXISTS (
       SELECT 1 FROM ndr_actions b
       WHERE b.shipment_id = a.shipment_id AND b.account_id = a.account_id AND b.due_at IS NOT NULL AND b.id < a.id)
     ORDER BY a.id LIMIT ${limit * 2}`,
    [sqlTime(now)],
  )
  return rows.map((row) => Number(row.id))
}
