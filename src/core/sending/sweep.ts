/** What no process is looking after: sends whose process is gone, and messages that came too late. */

import { activityRecord } from '../activity/activity-event.ts'
import type { Logger } from '../observe/logger.ts'
import { workOnGroup } from '../storage/one-by-one.ts'
import { rank } from './outgoing-message.ts'
import type { LostSend } from './outgoing-store.ts'
import { type EndedAttempt, type RecordDeps, recordAttempts } from './record-attempt.ts'

export interface SweepDeps extends RecordDeps {
  readonly log: Logger
}

const sweepLimit = 200

/** Sends whose lease ended without an outcome become doubts: whether the provider got them is not known. */
export async function sweepLostSends(deps: SweepDeps): Promise<number> {
  const now = deps.now()
  const lost = await deps.store.leasesOver(now, sweepLimit)
  const work = async (sends: readonly LostSend[]) => void (await recordAttempts(deps, sends.map(lostAttempt(now))))
  const putOff = ({ id }: LostSend) => deps.store.putOff(id, ['sending'], now)
  if (lost.length > 0) await workOnGroup({ work, putOff, log: deps.log }, lost)
  return lost.length
}

const lostAttempt =
  (now: Date) =>
  ({ id, attempt, connectionId, since }: LostSend): EndedAttempt => ({
    messageId: id,
    attempt,
    connectionId,
    outcome: { outcome: 'in_doubt', failure: { code: 'process_lost' } },
    startedAt: since,
    finishedAt: now,
  })

/** Messages that waited until they were of no use are never sent late. */
export async function sweepExpired(deps: SweepDeps): Promise<number> {
  const { store, now, log } = deps
  const ids = await store.outOfTime(now(), sweepLimit)
  const work = (some: readonly number[]) => expire(deps, some)
  const putOff = (id: number) => store.putOff(id, ['queued', 'waiting'], now())
  if (ids.length > 0) await workOnGroup({ work, putOff, log }, ids)
  return ids.length
}

async function expire({ database, store, activity, now }: RecordDeps, ids: readonly number[]): Promise<void> {
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
}
