/** What became of the newest messages of a connection. */

import type { Database } from '../storage/database.ts'
import { sqlTime } from '../storage/time.ts'

export interface RecentSends {
  /** Accepted long enough ago for a report to have come. */
  readonly accepted: number
  /** Of these, those of which nothing was reported. */
  readonly unreported: number
  /** When a message was last refused because of a payment problem; undefined = not among the newest. */
  readonly billingProblemAt: string | undefined
  /** When one was last accepted. */
  readonly acceptedAt: string | undefined
}

/** As many as tell whether something is wrong now. */
const newest = 200
const reportDelayMs = 10 * 60_000

interface Counts {
  accepted: number
  unreported: number
  billing_at: string | null
  accepted_at: string | null
}

/** Read backwards from the end of the connection's finished messages; `due_at` is null in all of them. */
export async function recentSends(database: Database, connectionId: number, now: Date): Promise<RecentSends> {
  const [row] = await database.select<Counts>(
    `SELECT SUM(CASE WHEN accepted_at <= $2 THEN 1 ELSE 0 END) AS accepted,
       SUM(CASE WHEN accepted_at <= $2 AND status_rank = 3 THEN 1 ELSE 0 END) AS unreported,
       MAX(CASE WHEN failure_code = 'billing_problem' THEN failed_at END) AS billing_at, MAX(accepted_at) AS accepted_at
     FROM (SELECT accepted_at, status_rank, failure_code, COALESCE(failed_at, updated_at) AS failed_at
       FROM wa_outgoing_messages WHERE whatsappSenderConnectionId = $1 AND due_at IS NULL
       ORDER BY id DESC LIMIT ${newest}) AS newest`,
    [connectionId, sqlTime(new Date(now.getTime() - reportDelayMs))],
  )
  return {
    accepted: Number(row?.accepted ?? 0),
    unreported: Number(row?.unreported ?? 0),
    billingProblemAt: row?.billing_at ?? undefined,
    acceptedAt: row?.accepted_at ?? undefined,
  }
}
