/** What people changed: who, when, what it was before and is now. Never a secret. */

import type { Database, Executor, Row } from '../storage/database.ts'
import { insertRows } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'

export interface AuditEntry {
  /** `admin`, `environment`, or the prefix of a client's key. */
  readonly actor: string
  /** What was done to what, e.g. `connection.change`. */
  readonly action: string
  readonly subjectType: string
  readonly subjectId: string
  /** Whose it is; null = the installation's. */
  readonly accountId: number | null
  readonly detail: object
}

export interface AuditFilter {
  readonly accountId?: number | undefined
  readonly limit: number
  /** Id of the last entry of the page before. */
  readonly cursor?: number | undefined
}

export interface AuditLog {
  /** Newest first. */
  list(filter: AuditFilter): Promise<{ items: object[]; next: string | null }>
}

/** Written in the transaction of the change itself: there is no change without its entry, and no entry without it. */
export const writeAudit = (tx: Executor, entry: AuditEntry, now: Date): Promise<void> =>
  insertRows(tx, 'audit_log', [
    {
      actor: entry.actor,
      action: entry.action,
      subject_type: entry.subjectType,
      subject_id: entry.subjectId,
      account_id: entry.accountId,
      detail: JSON.stringify(entry.detail),
      created_at: sqlTime(now),
    },
  ])

export const createAuditLog = (database: Database): AuditLog => ({
  async list({ accountId, limit, cursor = Number.MAX_SAFE_INTEGER }) {
    const ofAccount = accountId === undefined ? '' : 'account_id = $2 AND '
    const rows = await database.select<Row>(
      `SELECT id, actor, action, subject_type, subject_id, account_id, detail, created_at FROM audit_log
       WHERE ${ofAccount}id < $1 ORDER BY id DESC LIMIT ${limit}`,
      accountId === undefined ? [cursor] : [cursor, accountId],
    )
    return { items: rows.map(shownEntry), next: rows.length === limit ? String(rows.at(-1)?.id) : null }
  },
})

const shownEntry = (row: Row): object => ({
  id: String(row.id),
  at: fromSqlTime(row.created_at),
  actor: row.actor,
  action: row.action,
  subject: { type: row.subject_type, id: row.subject_id },
  accountId: row.account_id,
  detail: row.detail ? (JSON.parse(String(row.detail)) as object) : {},
})

type Facts = Readonly<Record<string, unknown>>

/** The fields that differ, as they were and as they are. */
export function changesBetween(before: Facts, after: Facts): { before: Facts; after: Facts } {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  const of = (facts: Facts) => Object.fromEntries(changed.map((name) => [name, facts[name] ?? null]))
  return { before: of(before), after: of(after) }
}
