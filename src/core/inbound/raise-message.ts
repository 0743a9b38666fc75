/** What one delivery report makes of its message: pure. */

import type { ReportStatus } from '../contract/events.ts'
import { givenUpAt } from '../sending/lifetime.ts'
import { rank } from '../sending/outgoing-message.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { PendingReport } from './inbound-store.ts'
import { withReport } from './message-status.ts'

const statuses: ReadonlySet<string> = new Set<ReportStatus>(['accepted', 'sent', 'delivered', 'read', 'failed'])

/** The status as one that changes a message; undefined for a word of the provider's that is only kept. */
export const knownStatus = (status: string): ReportStatus | undefined =>
  statuses.has(status) ? (status as ReportStatus) : undefined

const noFailure = { failureCode: null, failureReason: null }

/**
 * Raises a message by a report.
 * @param lifetimeMs how long the provider tries to deliver it, at least
 */
export function raise(
  record: OutgoingRecord,
  report: PendingReport,
  status: ReportStatus,
  lifetimeMs: number,
): OutgoingRecord {
  const lasting = withoutRefuted(record, status)
  const raised = withReport(lasting, status, report.at)
  const isEnded = isNeverSent(record) || isGivenUp(lasting)
  return {
    ...raised,
    // Whatever we believed, the provider took it: nothing is left to send.
    state: isEnded ? record.state : 'accepted',
    dueAt: isEnded ? null : nextLookAt(raised, lifetimeMs),
    messageId: record.messageId ?? report.messageId,
    ...failureOf(status === 'failed' ? report : lasting),
  }
}

const failureOf = ({ failureCode, failureReason }: Pick<OutgoingRecord, 'failureCode' | 'failureReason'>) => ({
  failureCode,
  failureReason,
})

/** One that was skipped after an attempt was believed not to have been taken: a report proves more. */
const isNeverSent = ({ state, attempts }: OutgoingRecord): boolean => state === 'skipped' && attempts === 0

const isGivenUp = ({ state, acceptedAt }: OutgoingRecord): boolean => state === 'expired' && acceptedAt !== null

/**
 * What failed before the acceptance was proved (a throttled, doubted or refused attempt) is over, and what was only
 * inferred from silence ends with the silence.
 */
function withoutRefuted(record: OutgoingRecord, status: ReportStatus): OutgoingRecord {
  if (!record.acceptedAt) return { ...record, ...noFailure, failedAt: null, statusRank: rank.accepted }
  return isGivenUp(record) && rank[status] > rank.sent ? { ...record, ...noFailure, state: 'accepted' } : record
}

/** `sent` may stay the last word for ever. */
const nextLookAt = ({ statusRank, sentAt }: OutgoingRecord, lifetimeMs: number): Date | null =>
  statusRank === rank.sent && sentAt ? givenUpAt(sentAt, lifetimeMs) : null
