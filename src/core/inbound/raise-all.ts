/** What a group of reports makes of their messages, and what is told about it: pure. */

import { type ActivityRecord, activityRecord } from '../activity/activity-event.ts'
import type { Content } from '../contract/content.ts'
import { parseAttemptReference } from '../sending/outgoing-message.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { PendingReport } from './inbound-store.ts'
import { knownStatus, proveTaken, raise } from './raise-message.ts'

export interface MatchedReports {
  readonly pending: readonly PendingReport[]
  /** Report id -> id of its message; unmatched reports are left out. */
  readonly ids: ReadonlyMap<number, number>
  readonly records: ReadonlyMap<number, OutgoingRecord>
}

/**
 * Raises messages by their reports, one after the other. State and set of events do not depend on the order of the
 * reports, nor on repeats.
 * @param lifetimeMs how long a provider tries to deliver a message, at least
 */
export function raiseAll(
  { pending, ids, records }: MatchedReports,
  lifetimeMs: (content: Content | null) => number,
): { changed: OutgoingRecord[]; activities: ActivityRecord[] } {
  const current = new Map<number, OutgoingRecord>()
  const activities: ActivityRecord[] = []
  for (const report of pending) {
    const id = ids.get(report.id)
    const status = knownStatus(report.status)
    const record = id === undefined ? undefined : (current.get(id) ?? records.get(id))
    if (!record || (!status && !isProof(record, report))) continue
    const raised = status ? raise(record, report, status, lifetimeMs(record.content)) : proveTaken(record, report)
    current.set(record.id, raised)
    if (record.acceptedAt === null && raised.rootOutgoingId === null) {
      activities.push(activityRecord(raised, { eventSubType: 'inqueue', at: report.at }))
    }
    if (!status) continue
    const failureReason = status === 'failed' ? (report.failureReason ?? report.failureCode ?? '') : ''
    activities.push(activityRecord(raised, { eventSubType: status, at: report.at, failureReason }))
  }
  return { changed: [...current.values()], activities }
}

/** Whatever it says: our reference came back from the provider. */
const isProof = (record: OutgoingRecord, { reference, at }: PendingReport): boolean =>
  parseAttemptReference(reference ?? undefined)?.reference === record.reference &&
  (record.acceptedAt === null || at < record.acceptedAt)
