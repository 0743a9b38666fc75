/** Writes down a group of clicks; the first one on a link is an activity event. */

import { type ActivityRecord, activityRecord } from '../activity/activity-event.ts'
import type { ActivityStore } from '../activity/activity-store.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import type { Database } from '../storage/database.ts'
import { addClicks, type LinkClicks, together } from './click-store.ts'

export interface Click {
  /** The message that carries the link. */
  readonly messageId: number
  readonly at: Date
}

export interface RecordClicksDeps {
  readonly database: Database
  readonly outgoing: Pick<OutgoingStore, 'lock'>
  readonly activity: Pick<ActivityStore, 'insert' | 'committed'>
  readonly now: () => Date
}

/** One transaction for the group, however many clicks there are on one link. */
export async function recordClicks(deps: RecordClicksDeps, clicks: readonly Click[]): Promise<undefined[]> {
  const { database, outgoing, activity, now } = deps
  const added = new Map<number, LinkClicks>()
  for (const { messageId, at } of clicks) {
    const one = { count: 1, firstAt: at, lastAt: at }
    const others = added.get(messageId)
    added.set(messageId, others ? together(others, one) : one)
  }
  await database.transaction(async (tx) => {
    const messages = await outgoing.lock(tx, [...added.keys()])
    const first = await addClicks(tx, added)
    const events = [...first].flatMap((messageId) => {
      const message = messages.get(messageId)
      return message ? [clickActivity(message, added.get(messageId)?.firstAt ?? now())] : []
    })
    if (events.length > 0) await activity.insert(tx, events, now())
  })
  activity.committed()
  return clicks.map(() => undefined)
}

/**
 * A type of its own, and no `action_taken`: the tap that asked for the link has been published under the action's name,
 * and whoever counts actions must not count it twice.
 */
function clickActivity(message: OutgoingRecord, at: Date): ActivityRecord {
  const { content } = message
  const linkAction = content?.type === 'link' ? (content.action ?? content.title) : ''
  return activityRecord(message, {
    eventSubType: 'link_clicked',
    at,
    details: { linkAction, clickedAt: at.toISOString() },
  })
}
