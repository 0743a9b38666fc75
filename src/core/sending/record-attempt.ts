/** Writes down how attempts ended: the message's state, the ledger and the activity events, in one transaction. */

import { type ActivityRecord, activityRecord } from '../activity/activity-event.ts'
import type { ActivityStore } from '../activity/activity-store.ts'
import { failureKind } from '../contract/failures.ts'
import type { SendOutcome } from '../contract/provider.ts'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows, type Values } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import type { OutgoingChange, OutgoingRecord } from './outgoing-rows.ts'
import type { OutgoingStore } from './outgoing-store.ts'
import { afterAttempt } from './retry-policy.ts'

export interface EndedAttempt {
  readonly messageId: number
  /** Number of the attempt, from 1. */
  readonly attempt: number
  readonly connectionId: number
  readonly outcome: SendOutcome
  readonly startedAt: Date
  readonly finishedAt: Date
}

export interface RecordDeps {
  readonly database: Database
  readonly store: OutgoingStore
  readonly activity: ActivityStore
  readonly now: () => Date
  readonly random: () => number
}

/** Records a group of ended attempts; safe to repeat. Resolves with the messages as they are now. */
export async function recordAttempts(deps: RecordDeps, ended: readonly EndedAttempt[]): Promise<OutgoingChange[]> {
  const { database, store, activity, now, random } = deps
  const results = await database.transaction(async (tx) => {
    const locked = await store.lock(
      tx,
      ended.map((attempt) => attempt.messageId),
    )
    const results = ended.map((attempt) => afterward(locked.get(attempt.messageId), attempt, now(), random()))
    await store.apply(
      tx,
      results.flatMap((result) => (result.isChanged ? [result.change] : [])),
      now(),
    )
    await writeLedger(tx, database.keepExisting, ended)
    await replaceDoubts(
      tx,
      ended.filter(({ messageId }) => locked.get(messageId)?.state === 'in_doubt'),
    )
    await activity.insert(
      tx,
      results.flatMap((result) => result.records),
      now(),
    )
    return results
  })
  activity.committed()
  return results.map((result) => result.change)
}

interface Afterward {
  readonly isChanged: boolean
  readonly change: OutgoingChange
  readonly records: readonly ActivityRecord[]
}

function afterward(record: OutgoingRecord | undefined, ended: EndedAttempt, now: Date, chance: number): Afterward {
  if (!record) throw new Error(`message ${ended.messageId} is not there`)
  // A report may have proved the acceptance before we came to write it down: evidence is never taken back.
  if (record.acceptedAt) return { isChanged: lacksId(record, ended), change: withId(record, ended), records: [] }
  const isOurs = record.attempts === ended.attempt && (record.state === 'sending' || record.state === 'in_doubt')
  if (!isOurs) return { isChanged: false, change: record, records: [] }
  const change = changed(record, ended, now, chance)
  return { isChanged: true, change, records: activities({ ...record, ...change }, ended) }
}

const idFrom = ({ outcome }: EndedAttempt) => (outcome.outcome === 'accepted' ? outcome.messageId : null)
const lacksId = (record: OutgoingRecord, ended: EndedAttempt) => record.messageId === null && idFrom(ended) !== null
const withId = (record: OutgoingRecord, ended: EndedAttempt): OutgoingChange => ({
  ...record,
  messageId: record.messageId ?? idFrom(ended),
})

function changed(record: OutgoingRecord, ended: EndedAttempt, now: Date, chance: number): OutgoingChange {
  const { outcome, attempt, finishedAt } = ended
  const next = afterAttempt({ attempt, expiresAt: record.expiresAt ?? undefined }, outcome, now, chance)
  const failure = outcome.outcome === 'accepted' ? undefined : outcome.failure
  return {
    ...withId(record, ended),
    ...next,
    acceptedAt: next.state === 'accepted' ? finishedAt : null,
    failedAt: next.state === 'failed' ? finishedAt : null,
    failureCode: failure?.code ?? null,
    failureReason: failure ? [failure.vendorCode, failure.detail].filter(Boolean).join(' ') || null : null,
  }
}

function activities(record: OutgoingRecord, ended: EndedAttempt): ActivityRecord[] {
  const at = ended.finishedAt
  if (record.state === 'accepted' && record.rootOutgoingId === null) {
    return [activityRecord(record, { eventSubType: 'inqueue', at })]
  }
  if (record.state === 'failed' || record.state === 'expired') {
    const failureReason = failureText(record)
    return [activityRecord(record, { eventSubType: 'failed', at, failureReason, discriminator: 'attempt' })]
  }
  return []
}

/** What consumers read: our sentence, and the vendor's words behind it. */
function failureText(record: OutgoingRecord): string {
  const text = record.failureCode ? failureKind(record.failureCode as never).text : ''
  return record.failureReason ? `${text} (${record.failureReason})` : text
}

async function writeLedger(tx: Executor, keepExisting: string, ended: readonly EndedAttempt[]): Promise<void> {
  const sorted = [...ended].sort((a, b) => a.messageId - b.messageId)
  await insertRows(tx, 'wa_send_attempts', sorted.map(ledgerRow), keepExisting)
}

/** The sweep wrote a doubt for an attempt whose process was only slow: what it knows now takes its place. */
async function replaceDoubts(tx: Executor, late: readonly EndedAttempt[]): Promise<void> {
  for (const ended of late) {
    const { wa_outgoing_message_id: messageId, attempt, ...row } = ledgerRow(ended)
    const assignments = Object.keys(row).map((column, index) => `${column} = $${index + 3}`)
    await tx.write(
      `UPDATE wa_send_attempts SET ${assignments.join(', ')}
       WHERE wa_outgoing_message_id = $1 AND attempt = $2 AND outcome = 'in_doubt'`,
      [messageId ?? null, attempt ?? null, ...Object.values(row)],
    )
  }
}

function ledgerRow(ended: EndedAttempt): Values {
  const { outcome } = ended
  const failure = outcome.outcome === 'accepted' ? undefined : outcome.failure
  const detail = outcome.outcome === 'accepted' ? outcome.note : outcome.failure.detail
  return {
    wa_outgoing_message_id: ended.messageId,
    attempt: ended.attempt,
    connection_id: ended.connectionId,
    outcome: outcome.outcome,
    message_id: idFrom(ended),
    failure_code: failure?.code ?? null,
    vendor_code: failure?.vendorCode?.slice(0, 40) ?? null,
    detail: detail?.slice(0, 1024) ?? null,
    started_at: sqlTime(ended.startedAt),
    finished_at: sqlTime(ended.finishedAt),
  }
}
