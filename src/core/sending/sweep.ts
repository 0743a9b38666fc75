/** What no process is looking after: sends whose process is gone, and messages that came too late. */

import { activityRecord } from '../activity/activity-event.ts'
import { rank } from './outgoing-message.ts'
import { type RecordDeps, recordAttempts } from './record-attempt.ts'

const sweepLimit = 200

/** Sends whose lease ended without an outcome become doubts: whether the provider got them is not known. */
export async function sweepLostSends(deps: RecordDeps): Promise<number> {
  const now = deps.now()
  const lost = await deps.store.leasesOver(now, sweepLimit)
  if (lost.length === 0) return 0
  const ended = lost.map(({ id, attempt, connectionId, since }) => ({
    messageId: id,
    attempt,
    connectionId,
    outcome: { outcome: 'in_doubt', failure: { code: 'process_lost' } } as const,
    startedAt: since,
    finishedAt: now,
  }))
  await recordAttempts(deps, ended)
  return lost.length
}

/** Messages that waited until they were of no use are never sent late. */
export async function sweepExpired(deps: RecordDeps): Promise<number> {
  const { database, store, activity, now } = deps
  const ids = await store.outOfTime(now(), sweepLimit)
  if (ids.length === 0) return 0
  await database.transaction(async (tx) => {
    const locked = [...(await store.lock(tx, ids)).values()]
    const waiting = locked.filter(({ state }) => state === 'queued' || state === 'waiting')
    const expired = waiting.map((record) => ({
      ...record,
      state: 'expired' as const,
      statusRank: rank.unclear,
      dueAt: null,
      failureCode: record.failureCode ?? 'expired',
    }))
    await store.apply(tx, expired, now())
    const failureReason = 'The message could not be sent while it was still useful.'
    const event = { eventSubType: 'failed', at: now(), failureReason, discriminator: 'expired' }
    await activity.insert(
      tx,
      expired.map((record) => activityRecord(record, event)),
      now(),
    )
  })
  activity.committed()
  return ids.length
}
