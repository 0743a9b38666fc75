/** Messages that were sent and of which nothing more was heard for as long as the provider tries to deliver them. */

import { activityRecord } from '../activity/activity-event.ts'
import type { ActivityStore } from '../activity/activity-store.ts'
import type { Logger } from '../observe/logger.ts'
import type { Database } from '../storage/database.ts'
import { workOnGroup } from '../storage/one-by-one.ts'
import { givenUpAt, lifetimeOver } from './lifetime.ts'
import { rank } from './outgoing-message.ts'
import type { OutgoingRecord } from './outgoing-rows.ts'
import type { OutgoingStore } from './outgoing-store.ts'

export interface UndeliveredDeps {
  readonly database: Database
  readonly store: OutgoingStore
  readonly activity: ActivityStore
  /** How long the provider tries to deliver the message, in milliseconds. */
  readonly lifetimeMs: (message: OutgoingRecord) => Promise<number>
  readonly log: Logger
  readonly now: () => Date
}

const sweepLimit = 200

/** Ends them as expired: a conclusion, so a report that comes later still raises them. Resolves with how many were due. */
export async function sweepUndelivered(deps: UndeliveredDeps): Promise<number> {
  const { store, now, log } = deps
  const due = await store.undeliveredDue(now(), sweepLimit)
  const work = (ids: readonly number[]) => endAll(deps, ids)
  const putOff = (id: number) => store.putOff(id, ['accepted'], now())
  if (due.length > 0) await workOnGroup({ work, putOff, log }, due)
  return due.length
}

async function endAll(deps: UndeliveredDeps, due: readonly number[]): Promise<void> {
  const { database, store, activity, now } = deps
  // Before any row is held: it may have to be looked up.
  const lifetimes = await lifetimesOf(deps, due)
  await database.transaction(async (tx) => {
    const locked = [...(await store.lock(tx, due)).values()].filter(isAlone)
    const ended = locked.map((record) => end(record, lifetimes.get(record.id) ?? 0, now()))
    await store.apply(tx, ended, now())
    await activity.insert(tx, ended.filter(isExpired).map(failedEvent(now())), now())
  })
  activity.committed()
}

async function lifetimesOf({ database, store, lifetimeMs }: UndeliveredDeps, ids: readonly number[]) {
  const lifetimes = new Map<number, number>()
  for (const record of (await store.read(database, ids)).values()) {
    lifetimes.set(record.id, await lifetimeMs(record))
  }
  return lifetimes
}

const isAlone = ({ state, statusRank, sentAt, acceptedAt }: OutgoingRecord): boolean =>
  state === 'accepted' && statusRank <= rank.sent && (sentAt ?? acceptedAt) !== null

const isExpired = ({ state }: OutgoingRecord): boolean => state === 'expired'

/** The first look is at the shortest time that any provider has; a message may live longer. */
function end(record: OutgoingRecord, lifetimeMs: number, now: Date): OutgoingRecord {
  const endsAt = givenUpAt(record.sentAt ?? record.acceptedAt ?? now, lifetimeMs)
  if (endsAt > now) return { ...record, dueAt: endsAt }
  const { code, reason } = lifetimeOver(lifetimeMs)
  return { ...record, state: 'expired', dueAt: null, failureCode: code, failureReason: reason }
}

const failedEvent = (at: Date) => (record: OutgoingRecord) =>
  activityRecord(record, {
    eventSubType: 'failed',
    at,
    failureReason: record.failureReason ?? '',
    discriminator: 'lifetime',
  })
