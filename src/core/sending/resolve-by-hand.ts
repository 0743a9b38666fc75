/** What operators decide about messages whose fate is not known. */

import { activityRecord } from '../activity/activity-event.ts'
import type { ActivityStore } from '../activity/activity-store.ts'
import { writeAudit } from '../audit/audit-log.ts'
import type { Database } from '../storage/database.ts'
import { updateWhereIn } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import { rank } from './outgoing-message.ts'
import type { OutgoingChange, OutgoingRecord } from './outgoing-rows.ts'
import type { OutgoingStore } from './outgoing-store.ts'

export const resolutions = ['resend', 'mark_sent', 'ignore'] as const
export type Resolution = (typeof resolutions)[number]

export interface ResolveDeps {
  readonly database: Database
  readonly store: OutgoingStore
  readonly activity: ActivityStore
  readonly now: () => Date
}

/** Long enough for the operator's resend to get out. */
const resendUsefulMs = 3_600_000

/**
 * What an operator decides about a message whose fate is not known; written down with who did it.
 * @returns the message as it was, or undefined when there is none; unchanged unless it was in doubt or unknown
 */
export async function resolveByHand(
  deps: ResolveDeps,
  id: number,
  resolution: Resolution,
  actor: string,
): Promise<{ record: OutgoingRecord; isChanged: boolean } | undefined> {
  const { database, store, activity, now } = deps
  const result = await database.transaction(async (tx) => {
    const record = (await store.lock(tx, [id])).get(id)
    if (!record) return undefined
    // What it said may have been cleared since: nothing is left to send.
    const isPossible = resolution !== 'resend' || record.content !== null
    const isChanged = isPossible && (record.state === 'unknown' || record.state === 'in_doubt')
    if (!isChanged) return { record, isChanged }
    await store.apply(tx, [handChange(record, resolution, now())], now())
    if (resolution === 'resend') {
      const expiresAt = sqlTime(new Date(now().getTime() + resendUsefulMs))
      await updateWhereIn(
        tx,
        'wa_outgoing_messages',
        { possible_duplicate: 1, absences: 0, expires_at: expiresAt, resent_by_hand_at: sqlTime(now()) },
        'id',
        [id],
      )
    }
    if (resolution === 'mark_sent' && record.rootOutgoingId === null) {
      await activity.insert(tx, [activityRecord(record, { eventSubType: 'inqueue', at: now() })], now())
    }
    await writeAudit(tx, auditOf(record, resolution, actor), now())
    return { record, isChanged }
  })
  activity.committed()
  return result
}

function handChange(record: OutgoingRecord, resolution: Resolution, now: Date): OutgoingChange {
  switch (resolution) {
    case 'resend':
      return { ...record, state: 'queued', statusRank: rank.pending, dueAt: now }
    case 'mark_sent':
      return { ...record, state: 'accepted', statusRank: rank.accepted, dueAt: null, acceptedAt: now }
    case 'ignore':
      return { ...record, state: 'unknown', statusRank: rank.unclear, dueAt: null }
  }
}

const auditOf = ({ id, accountId, state }: OutgoingRecord, resolution: Resolution, actor: string) => ({
  actor,
  action: `message.${resolution}`,
  subjectType: 'message',
  subjectId: String(id),
  accountId,
  detail: { from: state },
})
