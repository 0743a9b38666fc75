/** Counts and logs what applied reports made of their messages. */

import type { Logger } from '../observe/logger.ts'
import { type Stage, stages } from '../observe/metric-table.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { PendingReport } from './inbound-store.ts'
import { knownStatus } from './raise-message.ts'

export interface TellDeps {
  readonly metrics: Metrics
  readonly log: Logger
}

export interface AppliedReports {
  readonly pending: readonly Pick<PendingReport, 'id' | 'connectionId' | 'status'>[]
  /** Report id -> id of its message. */
  readonly ids: ReadonlyMap<number, number>
  /** Messages before and after. */
  readonly raised: readonly { readonly before: OutgoingRecord | undefined; readonly after: OutgoingRecord }[]
}

export function tellReports({ metrics, log }: TellDeps, { pending, ids, raised }: AppliedReports): void {
  const owners = new Map(raised.map(({ after }) => [after.id, after]))
  for (const { id, connectionId, status } of pending) {
    metrics.reports.inc({ status: knownStatus(status) ?? 'other' })
    metrics.connectionReports.inc({ connection: String(connectionId) })
    const owner = owners.get(ids.get(id) ?? 0)
    if (!owner) continue
    const conversationId = String(owner.rootOutgoingId ?? owner.id)
    log.debug({ conversationId, messageId: owner.id, status }, 'delivery report applied')
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
