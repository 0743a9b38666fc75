/** The status of a message from its evidence: pure, and independent of the order and number of reports. */

import type { ReportStatus } from '../contract/events.ts'
import { rank } from '../sending/outgoing-message.ts'

export interface Evidence {
  readonly statusRank: number
  readonly acceptedAt: Date | null
  readonly sentAt: Date | null
  readonly deliveredAt: Date | null
  readonly readAt: Date | null
  readonly failedAt: Date | null
}

/**
 * Adds one report to what is known. Ranks only rise; of several times for the same status the smallest stays; `read`
 * implies `delivered`; any report implies that the provider took the message.
 * @param at the provider's time of the report, or the time of arrival where it gave none
 */
export function withReport<E extends Evidence>(known: E, status: ReportStatus, at: Date): E {
  const isRead = status === 'read'
  return {
    ...known,
    statusRank: Math.max(known.statusRank, rank[status]),
    acceptedAt: earliest(known.acceptedAt, at),
    sentAt: status === 'sent' ? earliest(known.sentAt, at) : known.sentAt,
    deliveredAt: status === 'delivered' || isRead ? earliest(known.deliveredAt, at) : known.deliveredAt,
    readAt: isRead ? earliest(known.readAt, at) : known.readAt,
    failedAt: status === 'failed' ? earliest(known.failedAt, at) : known.failedAt,
  }
}

const earliest = (known: Date | null, seen: Date): Date => (known && known <= seen ? known : seen)
