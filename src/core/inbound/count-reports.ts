/** Counts what applied reports made of their messages. */

import { type Stage, stages } from '../observe/metric-table.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { PendingReport } from './inbound-store.ts'
import { knownStatus } from './raise-message.ts'

export interface AppliedReports {
  readonly pending: readonly Pick<PendingReport, 'connectionId' | 'status'>[]
  /** Messages before and after. */
  readonly raised: readonly { readonly before: OutgoingRecord | undefined; readonly after: OutgoingRecord }[]
}

export function countReports(metrics: Metrics, { pending, raised }: AppliedReports): void {
  for (const { connectionId, status } of pending) {
    metrics.reports.inc({ status: knownStatus(status) ?? 'other' })
    metrics.connectionReports.inc({ connection: String(connectionId) })
  }
  for (const { before, after } of raised) {
    if (before?.state === 'in_doubt' && after.state !== 'in_doubt') metrics.doubts.inc({ resolution: 'reported' })
    if (after.rootOutgoingId !== null || !before) continue
    for (const stage of newStages(before, after)) metrics.firstMessages.inc({ account: String(after.accountId), stage })
  }
}

type Times = Pick<OutgoingRecord, 'sentAt' | 'deliveredAt' | 'readAt'>

const reached: Partial<Record<Stage, (times: Times) => boolean>> = {
  // Providers may leave out a step: what was delivered was sent.
  sent: ({ sentAt, deliveredAt, readAt }) => (sentAt ?? deliveredAt ?? readAt) !== null,
  delivered: ({ deliveredAt, readAt }) => (deliveredAt ?? readAt) !== null,
  read: ({ readAt }) => readAt !== null,
}

/** Stages of a message that only the newest reports told of. */
export const newStages = (before: Times, after: Times): Stage[] =>
  stages.filter((stage) => reached[stage]?.(after) && !reached[stage]?.(before))
