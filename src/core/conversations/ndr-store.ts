/** Decisions on their way to the courier side, as rows. */

import type { Database, Executor } from '../storage/database.ts'
import { insertRows, updateRows, updateWhereIn } from '../storage/rows.ts'
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
  readonly request: NdrRequest
}

export interface PendingNdr {
  readonly id: number
  readonly attempts: number
  readonly request: NdrRequest
}

export interface NdrOutcome {
  readonly id: number
  readonly state: 'pending' | 'taken' | 'refused'
  readonly attempts: number
  readonly dueAt: Date | null
  readonly responseStatus: number | null
  readonly response: string | null
}

export interface NdrStore {
  insert(tx: Executor, drafts: readonly NdrDraft[], now: Date): Promise<void>
  /** Takes what is due; nobody else takes it before the lease ends. */
  take(limit: number, now: Date): Promise<PendingNdr[]>
  record(outcomes: readonly NdrOutcome[], now: Date): Promise<void>
}

/** Longer than one call may take. */
const leaseMs = 60_000

export const createNdrStore = (database: Database): NdrStore => ({
  async insert(tx, drafts, now) {
    const at = sqlTime(now)
    const rows = drafts.map(({ rootId, request }) => ({
      root_outgoing_message_id: rootId,
      idempotency_key: request.idempotencyKey,
      action: request.action,
      request: JSON.stringify(request),
      state: 'pending',
      due_at: at,
      created_at: at,
      updated_at: at,
    }))
    await insertRows(tx, 'ndr_actions', rows, database.keepExisting)
  },
  take: (limit, now) =>
    database.transaction(async (tx) => {
      const rows = await tx.select<{ id: number; attempts: number; request: string }>(
        `SELECT id, attempts, request FROM ndr_actions WHERE due_at <= $1 ORDER BY due_at, id LIMIT ${limit}${database.forUpdateSkipLocked}`,
        [sqlTime(now)],
      )
      const leaseEnd = { due_at: sqlTime(new Date(now.getTime() + leaseMs)) }
      await updateWhereIn(
        tx,
        'ndr_actions',
        leaseEnd,
        'id',
        rows.map((row) => row.id),
      )
      return rows.map((row) => ({
        id: Number(row.id),
        attempts: row.attempts,
        request: JSON.parse(row.request) as NdrRequest,
      }))
    }),
  async record(outcomes, now) {
    const rows = outcomes.map((outcome) => ({
      id: outcome.id,
      state: outcome.state,
      attempts: outcome.attempts,
      due_at: sqlTime(outcome.dueAt),
      response_status: outcome.responseStatus,
      response: outcome.response?.slice(0, 1024) ?? null,
      updated_at: sqlTime(now),
    }))
    await updateRows(database, 'ndr_actions', rows)
  },
})
