/** Takes waiting messages of a connection for sending: whoever commits the claim calls the provider, nobody else. */

import { bulkOfKey, cancelledCode, readCancelled, whyCancelled } from '../bulks/cancelled.ts'
import { endedAtColumn, readEnds } from '../conversations/shipment-ends.ts'
import type { Database, Executor, Row, SqlValue } from '../storage/database.ts'
import { updateRows } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import { isAfterEnd, unsent, withoutSending } from './after-end.ts'
import { type ClaimedMessage, priority } from './outgoing-message.ts'
import {
  callDeadline,
  changeRow,
  claimed,
  leaseMs,
  type OutgoingRecord,
  outgoingColumns,
  recipientOf,
  toRecord,
} from './outgoing-rows.ts'
import { putOff } from './put-off.ts'

export interface ClaimRequest {
  readonly connectionId: number
  readonly limit: number
  /** Recipients who are being written to: their other messages wait for their turn. */
  readonly busy: ReadonlySet<string>
  readonly now: Date
}

/**
 * By priority, the oldest first, one per recipient. What is about a shipment that came to its end meanwhile, or of a bulk
 * that was cancelled, is not taken, and ends.
 * @param chosen told what is about to be committed: when the answer of the commit is lost, these may be claimed
 */
export async function claimMessages(
  database: Database,
  request: ClaimRequest,
  chosen: (messages: readonly ClaimedMessage[]) => void = () => {},
): Promise<ClaimedMessage[]> {
  const callBefore = callDeadline()
  return database.transaction(async (tx) => {
    const records = await choose(tx, database, request)
    await markAsSending(tx, records, request.now)
    const messages = records.flatMap((record) => claimed(record, record.attempts + 1, callBefore) ?? [])
    chosen(messages)
    return messages
  })
}

/** Many messages to one recipient may stand before all others: a few looks get past them. */
const maxLooks = 4

async function choose(tx: Executor, database: Database, request: ClaimRequest): Promise<OutgoingRecord[]> {
  const taken = new Set(request.busy)
  const chosen: OutgoingRecord[] = []
  for (let looks = 0; looks < maxLooks && chosen.length < request.limit; looks++) {
    const wanted = powerOfTwo((request.limit - chosen.length) * 2)
    const found = await look(tx, database, request, [...taken], wanted)
    const late = found.flatMap(({ record, lateFor }) => (record && lateFor === 'end' ? [record] : []))
    if (late.length > 0) await endWithoutSending(tx, late, request.now)
    const cancelled = found.flatMap(({ record, lateFor }) => (record && lateFor === 'cancellation' ? [record] : []))
    if (cancelled.length > 0) await cancelWithoutSending(tx, cancelled, request.now)
    for (const { id, record, lateFor } of found) {
      if (!record) await putOff(tx, id, ['queued', 'waiting'], request.now)
      if (!record || lateFor) continue
      const recipient = recipientOf(record)
      if (chosen.length === request.limit || taken.has(recipient)) continue
      taken.add(recipient)
      chosen.push(record)
    }
    if (found.length < wanted) break
  }
  return chosen
}

interface Candidate {
  readonly id: number
  /** Undefined: its row cannot be read, which is no reason to keep the others waiting. */
  readonly record: OutgoingRecord | undefined
  /** Why it must not be sent any more: its shipment came to its end, its bulk was cancelled. */
  readonly lateFor: 'end' | 'cancellation' | undefined
}

const priorities = Object.values(priority).join(', ')
/** Named: MariaDB would rather read all that a connection ever sent, since that is in the wanted order as well. */
const inOrder = ' FORCE INDEX (wa_outgoing_messages_whatsappsenderconnectionid_priority_due_at)'

async function look(
  tx: Executor,
  { dialect, forUpdateSkipLocked }: Database,
  request: ClaimRequest,
  taken: readonly string[],
  limit: number,
): Promise<Candidate[]> {
  const bind: SqlValue[] = [request.connectionId, sqlTime(request.now)]
  const others =
    taken.length > 0 ? `AND COALESCE(customer_phone, customer_user_id, '') NOT IN (${list(taken, bind)})` : ''
  const rows = await tx.select<Row>(
    `SELECT ${outgoingColumns}, ${endedAtColumn}, idempotency_key
     FROM wa_outgoing_messages AS candidate${dialect === 'mysql' ? inOrder : ''}
     WHERE whatsappSenderConnectionId = $1 AND priority IN (${priorities}) AND due_at <= $2
     AND state IN ('queued', 'waiting') AND (expires_at IS NULL OR expires_at > $2) ${others}
     AND NOT EXISTS (${standingBefore('customer_phone')})
     AND (customer_phone IS NOT NULL OR NOT EXISTS (${standingBefore('customer_user_id')}))
     ORDER BY priority, due_at, id LIMIT ${limit}${forUpdateSkipLocked}`,
    bind,
  )
  const bulkOf = (row: Row) => bulkOfKey(String(row.idempotency_key))
  const cancelledAt = await readCancelled(tx, rows.map(bulkOf))
  return rows.map((row) => {
    const record = readableRecord(row)
    const lateFor = record && whyLate(record, fromSqlTime(row.ended_at), cancelledAt.get(bulkOf(row) ?? 0))
    return { id: Number(row.id), record, lateFor }
  })
}

/** A cancellation ends what is asked for as an end does. */
function whyLate(record: OutgoingRecord, endedAt: Date | null, cancelledAt: Date | undefined): Candidate['lateFor'] {
  if (isAfterEnd(record, endedAt)) return 'end'
  return isAfterEnd(record, cancelledAt) ? 'cancellation' : undefined
}

function readableRecord(row: Row): OutgoingRecord | undefined {
  try {
    return toRecord(row)
  } catch {
    return undefined
  }
}

/** Rare, so the words for it are looked up only now. */
async function endWithoutSending(tx: Executor, late: readonly OutgoingRecord[], now: Date): Promise<void> {
  const endOf = await readEnds(tx, late)
  const rows = late.map((record) => changeRow(withoutSending(record, endOf(record)?.status ?? 'ended', now), now))
  await updateRows(tx, 'wa_outgoing_messages', rows)
}

/** What a cancellation has not come to yet, or was broken off before. */
async function cancelWithoutSending(tx: Executor, cancelled: readonly OutgoingRecord[], now: Date): Promise<void> {
  const failure = { code: cancelledCode, reason: whyCancelled }
  const rows = cancelled.map((record) => changeRow(unsent(record, failure, now), now))
  await updateRows(tx, 'wa_outgoing_messages', rows)
}

/**
 * What goes to the same recipient first: a message that is being sent (by whichever replica), that was tried and waits
 * for its next attempt, or that is due itself and does not leave later by its priority. One that waits for the morning
 * holds up nothing, tried or not.
 * `+ 0` keeps databases from reading all that a connection ever sent instead of what one recipient got.
 */
const standingBefore = (recipient: string) => `SELECT 1 FROM wa_outgoing_messages AS earlier
  WHERE earlier.${recipient} = candidate.${recipient}
  AND earlier.whatsappSenderConnectionId + 0 = candidate.whatsappSenderConnectionId
  AND (earlier.state = 'sending' OR (earlier.id < candidate.id AND earlier.state IN ('queued', 'waiting')
      AND ((earlier.attempts > 0 AND (earlier.quiet_until IS NULL OR earlier.quiet_until <> earlier.due_at))
        OR (earlier.due_at <= $2 AND earlier.priority <= candidate.priority))))`

const powerOfTwo = (count: number): number => 2 ** Math.ceil(Math.log2(count))

/** Placeholders for values; filled up to a power of two, so that few kinds of the statement exist. */
function list(values: readonly string[], bind: SqlValue[]): string {
  const size = powerOfTwo(values.length)
  return Array.from({ length: size }, (_, index) => `$${bind.push(values[index] ?? values[0] ?? '')}`).join(', ')
}

async function markAsSending(tx: Executor, chosen: readonly OutgoingRecord[], now: Date): Promise<void> {
  const leaseEnd = sqlTime(new Date(now.getTime() + leaseMs))
  const rows = chosen.map((record) => ({
    id: record.id,
    state: 'sending',
    attempts: record.attempts + 1,
    due_at: leaseEnd,
    updated_at: sqlTime(now),
  }))
  await updateRows(tx, 'wa_outgoing_messages', rows)
}
