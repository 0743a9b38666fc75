/** What operators see of decisions, and may do with one that the courier side refused. */

import { writeAudit } from '../audit/audit-log.ts'
import type { Database, Executor, Row, SqlValue } from '../storage/database.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import type { NdrState } from './ndr-store.ts'

export interface ActionFilter {
  readonly state?: NdrState | undefined
  readonly accountId?: number | undefined
  readonly limit: number
  /** Id of the last action of the page before. */
  readonly cursor?: number | undefined
}

/** `newer`: another decision about the same shipment was made since; the order of decisions would be broken. */
export type RetryResult = 'retried' | 'not_refused' | 'newer'

export interface NdrAdmin {
  /** Newest first. */
  list(filter: ActionFilter): Promise<{ items: object[]; next: string | null }>
  get(id: number): Promise<object | undefined>
  /** Decisions of one conversation, oldest first. */
  ofConversation(rootId: number): Promise<object[]>
  /**
   * Lets a refused decision be pushed again, under the same key; written down with who did it.
   * @returns undefined when there is no such action
   */
  retry(id: number, actor: string): Promise<RetryResult | undefined>
}

export interface NdrAdminDeps {
  readonly database: Database
  readonly now: () => Date
  /** A decision may be pushed. */
  readonly decided: () => void
}

export function createNdrAdmin({ database, now, decided }: NdrAdminDeps): NdrAdmin {
  return {
    async list({ state, accountId, limit, cursor = Number.MAX_SAFE_INTEGER }) {
      const bind: SqlValue[] = [cursor]
      const equals = (column: string, value: SqlValue | undefined) =>
        value === undefined ? '' : ` AND ${column} = $${bind.push(value)}`
      const where = `id < $1${equals('state', state)}${equals('account_id', accountId)}`
      const rows = await database.select<Row>(`${actionSelect} WHERE ${where} ORDER BY id DESC LIMIT ${limit}`, bind)
      return { items: rows.map(shownAction), next: rows.length === limit ? String(rows.at(-1)?.id) : null }
    },
    async get(id) {
      const [row] = await database.select<Row>(`${actionSelect} WHERE id = $1`, [id])
      return row && shownAction(row)
    },
    async ofConversation(rootId) {
      const sql = `${actionSelect} WHERE root_outgoing_message_id = $1 ORDER BY id`
      return (await database.select<Row>(sql, [rootId])).map(shownAction)
    },
    async retry(id, actor) {
      const result = await database.transaction((tx) => retryAction(tx, database.forUpdate, { id, actor, now: now() }))
      if (result === 'retried') decided()
      return result
    },
  }
}

interface RetriedRow {
  state: NdrState
  account_id: number | null
  shipment_id: string | null
  attempts: number
  response_status: number | null
}

async function retryAction(
  tx: Executor,
  forUpdate: string,
  { id, actor, now }: { id: number; actor: string; now: Date },
): Promise<RetryResult | undefined> {
  const [row] = await tx.select<RetriedRow>(
    `SELECT state, account_id, shipment_id, attempts, response_status FROM ndr_actions WHERE id = $1${forUpdate}`,
    [id],
  )
  if (!row) return undefined
  if (row.state !== 'refused') return 'not_refused'
  const [newer] = await tx.select(
    'SELECT id FROM ndr_actions WHERE shipment_id = $1 AND account_id = $2 AND id > $3 LIMIT 1',
    [row.shipment_id, row.account_id, id],
  )
  if (newer) return 'newer'
  await tx.write(
    `UPDATE ndr_actions SET state = 'pending', claim_token = NULL, due_at = $2, updated_at = $2 WHERE id = $1`,
    [id, sqlTime(now)],
  )
  const subject = { subjectType: 'decision', subjectId: String(id), accountId: row.account_id }
  const detail = { attempts: row.attempts, responseStatus: row.response_status }
  await writeAudit(tx, { actor, action: 'decision.retry', ...subject, detail }, now)
  return 'retried'
}

const actionSelect = `SELECT id, root_outgoing_message_id, account_id, action, state, attempts, idempotency_key, request,
 response_status, response, due_at, tried_at, created_at, updated_at FROM ndr_actions`

const shownAction = (row: Row): object => ({
  id: String(row.id),
  messageId: String(row.root_outgoing_message_id),
  accountId: row.account_id,
  action: row.action,
  state: row.state,
  attempts: row.attempts,
  idempotencyKey: row.idempotency_key,
  request: JSON.parse(String(row.request)) as object,
  responseStatus: row.response_status,
  response: row.response,
  /** Also of one that waits for an earlier decision about its shipment. */
  nextTryAt: row.state === 'pending' ? fromSqlTime(row.due_at) : null,
  triedAt: fromSqlTime(row.tried_at),
  createdAt: fromSqlTime(row.created_at),
  updatedAt: fromSqlTime(row.updated_at),
})
