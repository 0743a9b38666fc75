/** What a group of reports makes of their messages, and what is told about it: pure. */

import { type ActivityRecord, activityRecord } from '../activity/activity-event.ts'
import type { Content } from '../contract/content.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { PendingReport } from './inbound-store.ts'
import { knownStatus, raise } from './raise-message.ts'

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
    if (!record || !status) continue
    const raised = raise(record, report, status, lifetimeMs(record.content))
    current.set(record.id, raised)
    if (record.acceptedAt === null && raised.rootOutgoingId === null) {
      activities.push(activityRecord(raised, { eventSubType: 'inqueue', at: report.at }))
    }
    // Told as `inqueue`, when it was news.
    if (status === 'accepted') continue
    const failureReason = status === 'failed' ? (report.failureReason ?? report.failureCode ?? '') : ''
    activities.push(activityRecord(raised, { eventSubType: status, at: report.at, failureReason }))
  }
  return { changed: [...current.values()], activities }
}
