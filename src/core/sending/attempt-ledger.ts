/** The ledger of attempts: what it knows of doubts, and how they ended. */

import type { Executor } from '../storage/database.ts'
import { selectIn } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import type { OutgoingRecord } from './outgoing-rows.ts'

export interface LastAttempt {
  readonly startedAt: Date | null
  readonly vendorCode: string | null
}

/** The newest attempt of each message. */
export async function lastAttempts(
  tx: Executor,
  records: readonly OutgoingRecord[],
): Promise<Map<number, LastAttempt>> {
  const head = `SELECT wa_outgoing_message_id AS id, attempt, started_at, vendor_code FROM wa_send_attempts WHERE wa_outgoing_message_id`
  const rows = await selectIn<{ id: number; attempt: number; started_at: string; vendor_code: string | null }>(
    tx,
    head,
    records.map(({ id }) => id),
    ' ORDER BY attempt',
  )
  return new Map(
    rows.map((row) => [Number(row.id), { startedAt: fromSqlTime(row.started_at), vendorCode: row.vendor_code }]),
  )
}

export interface SettledAttempt {
  readonly id: number
  readonly attempt: number
  readonly outcome: 'accepted' | 'refused'
  readonly messageId: string | null
  readonly detail: string
}

/** Writes down how attempts ended that were in doubt; rare, so one by one. */
export async function settleAttempts(tx: Executor, settled: readonly SettledAttempt[], now: Date): Promise<void> {
  for (const { id, attempt, outcome, messageId, detail } of settled) {
    await tx.write(
      `UPDATE wa_send_attempts SET outcome = $3, message_id = $4, detail = $5, finished_at = $6,
         failure_code = NULL, vendor_code = NULL
       WHERE wa_outgoing_message_id = $1 AND attempt = $2 AND outcome = 'in_doubt'`,
      [id, attempt, outcome, messageId, detail, sqlTime(now)],
    )
  }
}
