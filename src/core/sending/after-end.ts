/** What is still sent about a shipment that came to its end, and what becomes of the rest: pure. */

import { rank } from './outgoing-message.ts'
import type { OutgoingChange, OutgoingRecord } from './outgoing-rows.ts'

/**
 * Must this not be sent any more? What somebody asked for since the end is about the shipment as it is now: an answer to
 * a customer who wrote, a message that an operator has sent again. All else is too late.
 */
export function isAfterEnd(
  {
    rootOutgoingId,
    createdAt,
    resentByHandAt,
  }: Pick<OutgoingRecord, 'rootOutgoingId' | 'createdAt' | 'resentByHandAt'>,
  endedAt: Date | null | undefined,
): boolean {
  if (!endedAt) return false
  const askedForAt = resentByHandAt ?? (rootOutgoingId === null ? undefined : createdAt)
  return askedForAt === undefined || askedForAt < endedAt
}

/** @param status of the shipment, as the update named it */
export const whyEnded = (status: string): string => `the shipment was reported as ${status} before this could be sent`

/** A message that waited, at the end of its shipment. */
export const withoutSending = (record: OutgoingRecord, status: string, now: Date): OutgoingChange =>
  unsent(record, { code: 'shipment_ended', reason: whyEnded(status) }, now)

/** A message that waited. One of which an earlier attempt is in doubt may have been sent, so it is a doubt again. */
export function unsent(
  record: OutgoingRecord,
  { code, reason }: { readonly code: string; readonly reason: string },
  now: Date,
): OutgoingChange {
  return record.possibleDuplicate
    ? { ...record, state: 'in_doubt', statusRank: rank.unclear, dueAt: now }
    : { ...record, state: 'skipped', dueAt: null, failureCode: code, failureReason: reason }
}
