/** The story of a webhook, second half, for delivery reports: evidence raises the status of its message. */

import { type ActivityRecord, activityRecord } from '../activity/activity-event.ts'
import type { ActivityStore } from '../activity/activity-store.ts'
import type { ReportStatus } from '../contract/events.ts'
import type { Metrics } from '../observe/metrics.ts'
import { parseAttemptReference } from '../sending/outgoing-message.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import type { Database } from '../storage/database.ts'
import type { InboundStore, PendingReport, SettledReport } from './inbound-store.ts'
import { nextLook } from './matching.ts'
import { withReport } from './message-status.ts'

export interface ApplyReportsDeps {
  readonly database: Database
  readonly store: InboundStore
  readonly outgoing: OutgoingStore
  readonly activity: ActivityStore
  readonly metrics: Metrics
  readonly now: () => Date
}

const groupSize = 64

/** Applies one group of stored reports. Resolves with how many were looked at. */
export async function applyReports(deps: ApplyReportsDeps): Promise<number> {
  const { database, store, outgoing, activity, metrics, now } = deps
  const applied = await database.transaction(async (tx) => {
    const pending = await store.dueReports(tx, groupSize, now())
    if (pending.length === 0) return { pending, count: 0 }
    const candidates = await matchReports(outgoing, pending)
    const records = await outgoing.lock(tx, [...candidates.values()])
    const ids = ownOnly(pending, candidates, records)
    const { changed, activities } = applyAll(pending, ids, records)
    await outgoing.apply(tx, changed, now())
    await activity.insert(tx, activities, now())
    await store.settleReports(
      tx,
      pending.map((report) => settled(report, ids.get(report.id), now())),
      now(),
    )
    return { pending, count: activities.length }
  })
  if (applied.count > 0) activity.committed()
  for (const report of applied.pending) metrics.reports.inc({ status: knownStatus(report.status) ?? 'other' })
  return applied.pending.length
}

/** Report id -> id of its message: by our echoed reference, else by the provider's id. */
async function matchReports(outgoing: OutgoingStore, pending: readonly PendingReport[]): Promise<Map<number, number>> {
  const references = new Map<number, string>()
  for (const report of pending) {
    const ours = parseAttemptReference(report.reference ?? undefined)
    if (ours) references.set(report.id, ours.reference)
  }
  const byReference = await outgoing.idsByReference([...new Set(references.values())])
  const matched = new Map<number, number>()
  for (const [reportId, reference] of references) {
    const id = byReference.get(reference)
    if (id !== undefined) matched.set(reportId, id)
  }
  const rest = pending.filter((report) => !matched.has(report.id))
  const byMessageId = await outgoing.idsByMessageId(rest.map((report) => report.messageId))
  for (const report of rest) {
    const id = byMessageId.get(report.messageId)
    if (id !== undefined) matched.set(report.id, id)
  }
  return matched
}

/** A report speaks only of messages of the connection that it came through. */
function ownOnly(
  pending: readonly PendingReport[],
  candidates: ReadonlyMap<number, number>,
  records: ReadonlyMap<number, OutgoingRecord>,
): Map<number, number> {
  const owned = pending.flatMap((report) => {
    const record = records.get(candidates.get(report.id) ?? 0)
    return record && record.connectionId === report.connectionId ? [[report.id, record.id] as const] : []
  })
  return new Map(owned)
}

function applyAll(
  pending: readonly PendingReport[],
  ids: ReadonlyMap<number, number>,
  records: ReadonlyMap<number, OutgoingRecord>,
): { changed: OutgoingRecord[]; activities: ActivityRecord[] } {
  const current = new Map<number, OutgoingRecord>()
  const activities: ActivityRecord[] = []
  for (const report of pending) {
    const id = ids.get(report.id)
    const status = knownStatus(report.status)
    const record = id === undefined ? undefined : (current.get(id) ?? records.get(id))
    if (!record || !status) continue
    const raised = raise(record, report, status)
    current.set(record.id, raised)
    if (record.acceptedAt === null && raised.rootOutgoingId === null) {
      activities.push(activityRecord(raised, { eventSubType: 'inqueue', at: report.at }))
    }
    const failureReason = status === 'failed' ? (report.failureReason ?? report.failureCode ?? '') : ''
    activities.push(activityRecord(raised, { eventSubType: status, at: report.at, failureReason }))
  }
  return { changed: [...current.values()], activities }
}

function raise(record: OutgoingRecord, report: PendingReport, status: ReportStatus): OutgoingRecord {
  const raised = withReport(record, status, report.at)
  const isFailure = status === 'failed'
  return {
    ...raised,
    // Whatever we believed, the provider took it: nothing is left to send.
    state: record.state === 'skipped' ? record.state : 'accepted',
    dueAt: null,
    messageId: record.messageId ?? report.messageId,
    failureCode: isFailure ? report.failureCode : record.failureCode,
    failureReason: isFailure ? report.failureReason : record.failureReason,
  }
}

const settled = (report: PendingReport, outgoingId: number | undefined, now: Date): SettledReport => ({
  id: report.id,
  outgoingId: outgoingId ?? null,
  tries: report.tries + 1,
  dueAt: outgoingId === undefined ? nextLook(report.tries, now) : null,
})

const statuses: ReadonlySet<string> = new Set<ReportStatus>(['sent', 'delivered', 'read', 'failed'])
const knownStatus = (status: string) => (statuses.has(status) ? (status as ReportStatus) : undefined)
