import { type ActivityRecord, activityRecord } from '../activity/activity-event.ts'
import type { OutgoingRecord } from './outgoing-rows.ts'

/** Tells that nobody knows whether a message was sent. */
export const unknownActivity = (record: OutgoingRecord, why: string, at: Date): ActivityRecord =>
  activityRecord(record, {
    eventSubType: 'unknown',
    at,
    // One that an operator sends again may end so once more.
    discriminator: `attempt ${record.attempts}`,
    failureReason: `Whether the message was sent is not known: ${why}.`,
  })
