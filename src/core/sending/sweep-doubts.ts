/** Looks at sends in doubt whose time has come. */

import type { Connection } from '../accounts/connections.ts'
import type { AccountSettings } from '../accounts/settings.ts'
import { activityRecord } from '../activity/activity-event.ts'
import type { ActivityStore } from '../activity/activity-store.ts'
import { perConnection } from '../calls/per-connection.ts'
import type { FailureCode } from '../contract/failures.ts'
import { readEnds } from '../conversations/shipment-ends.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { PollStore } from '../polling/poll-store.ts'
import type { Database, Executor } from '../storage/database.ts'
import { workOnGroup } from '../storage/one-by-one.ts'
import { updateRows, updateWhereIn } from '../storage/rows.ts'
import { isAfterEnd, withoutSending } from './after-end.ts'
import { type LastAttempt, lastAttempts, type SettledAttempt, settleAttempts } from './attempt-ledger.ts'
import { type LookUpMessage, lookUpAll } from './look-up-doubts.ts'
import { rank } from './outgoing-message.ts'
import type { OutgoingChange, OutgoingRecord } from './outgoing-rows.ts'
import type { DueDoubt, OutgoingStore } from './outgoing-store.ts'
import { type DoubtCircumstances, type DoubtDecision, decideDoubt } from './resolve-doubt.ts'
import { unknownActivity } from './unknown-activity.ts'

export interface DoubtDeps {
  readonly database: Database
  readonly store: OutgoingStore
  readonly activity: ActivityStore
  readonly settings: (accountId: number, channelId?: string) => Promise<AccountSettings>
  readonly connection: (id: number) => Promise<Connection | undefined>
  /** Do the provider's reports carry our reference, and surely arrive? Only then does their absence say anything. */
  readonly echoesReference: (provider: string) => boolean
  /** Asks the provider for the message of an attempt; undefined where it cannot be asked. */
  readonly lookUp: LookUpMessage
  readonly polls: Pick<PollStore, 'add'>
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => Date
}

/** Of one connection: few enough that asking a slow provider about all of them ends soon. */
const groupSize = 32

/**
 * Decides about one group of doubts of each connection, side by side: none waits for another connection's provider, nor
 * for a doubt about which nothing can be decided. Resolves with how many were looked at.
 */
export async function sweepDoubts(deps: DoubtDeps): Promise<number> {
  const { store, log, now } = deps
  const due = await store.doubtsDue(now(), groupSize)
  const work = (doubts: readonly DueDoubt[]) =>
    decideAll(
      deps,
      doubts.map(({ id }) => id),
    )
  const putOff = ({ id }: DueDoubt) => store.putOff(id, ['in_doubt'], now())
  await perConnection(due, (doubts) => workOnGroup({ work, putOff, log }, doubts))
  return due.length
}

async function decideAll(deps: DoubtDeps, ids: readonly number[]): Promise<void> {
  const { database, store, activity, now } = deps
  const around = await circumstancesOf(deps, await store.read(database, ids))
  const decided = await database.transaction(async (tx) => {
    const records = [...(await store.lock(tx, ids)).values()].filter(isStillDue(around, now()))
    const attempts = await lastAttempts(tx, records)
    const decided = records.map((record) => ({ record, ...decide(record, attempts.get(record.id), around) }))
    await store.apply(tx, decided.map(changeOf(now())), now())
    await markResent(
      tx,
      decided.filter(({ decision }) => decision === 'resend').map(({ record }) => record.id),
    )
    await noteAnswers(deps, tx, decided)
    const lost = decided.flatMap((end) =>
      end.decision === 'unknown' ? [unknownActivity(end.record, end.why, now())] : [],
    )
    await activity.insert(tx, lost, now())
    return decided
  })
  for (const end of decided) report(deps, end)
  activity.committed()
}

function report({ metrics, log }: DoubtDeps, { record, decision }: Decided): void {
  if (decision === 'wait') return
  metrics.doubts.inc({ resolution: decision })
  const conversationId = String(record.rootOutgoingId ?? record.id)
  log.info({ conversationId, messageId: record.id, resolution: decision }, 'doubt decided')
}

type Decided = DoubtDecision & { readonly record: OutgoingRecord }

/** Another replica may have decided meanwhile, and even sent it again. */
const isStillDue = (around: ReadonlyMap<number, Circumstances>, now: Date) => (record: OutgoingRecord) =>
  record.state === 'in_doubt' &&
  record.dueAt !== null &&
  record.dueAt <= now &&
  record.attempts === around.get(record.id)?.attempt

type Circumstances = DoubtCircumstances & {
  /** Number of the attempt that they are about. */
  readonly attempt: number
}

/** What is known besides each message; read before its row is held. */
async function circumstancesOf(
  deps: DoubtDeps,
  records: ReadonlyMap<number, OutgoingRecord>,
): Promise<ReadonlyMap<number, Circumstances>> {
  const asked = await lookUpAll(deps, [...records.values()])
  const endOf = await readEnds(deps.database, [...records.values()])
  const entries = [...records.values()].map(async (record) => {
    const settings = await deps.settings(record.accountId, record.snapshot.channelId)
    const connection = record.connectionId === null ? undefined : await deps.connection(record.connectionId)
    const isEchoed = connection !== undefined && deps.echoesReference(connection.provider)
    const echoedUntil = isEchoed ? connection.echoedUntil : undefined
    const lookUp = asked.get(record.id)
    const end = endOf(record)
    const circumstances = {
      attempt: record.attempts,
      now: deps.now(),
      policy: settings.inDoubtPolicy,
      echoedUntil,
      ...(lookUp ? { lookUp } : {}),
      ...(end && isAfterEnd(record, end.endedAt) ? { endedAs: end.status } : {}),
    }
    return [record.id, circumstances] as const
  })
  return new Map(await Promise.all(entries))
}

function decide(
  record: OutgoingRecord,
  attempt: LastAttempt | undefined,
  around: ReadonlyMap<number, Circumstances>,
): DoubtDecision {
  const circumstances = around.get(record.id)
  if (!circumstances) throw new Error(`nothing is known around message ${record.id}`)
  return decideDoubt(
    {
      attemptedAt: attempt?.startedAt ?? record.createdAt,
      failure: {
        code: (record.failureCode ?? 'no_answer') as FailureCode,
        ...(attempt?.vendorCode ? { vendorCode: attempt.vendorCode } : {}),
      },
      wasResent: record.possibleDuplicate,
      expiresAt: record.expiresAt,
      absences: record.absences,
    },
    circumstances,
  )
}

const changeOf =
  (now: Date) =>
  (end: Decided): OutgoingChange => {
    switch (end.decision) {
      case 'wait':
        return { ...end.record, dueAt: end.until }
      case 'resend':
      case 'not_sent':
        return { ...end.record, state: 'queued', statusRank: rank.pending, dueAt: now }
      case 'not_needed':
        return withoutSending(end.record, end.endedAs, now)
      case 'taken':
        return takenChange(end.record, end.messageId, now)
      case 'unknown':
        return { ...end.record, state: 'unknown', dueAt: null, failureReason: end.why }
    }
  }

const takenChange = (record: OutgoingRecord, messageId: string, now: Date): OutgoingChange => ({
  ...record,
  state: 'accepted',
  statusRank: rank.accepted,
  dueAt: null,
  messageId: record.messageId ?? messageId,
  acceptedAt: now,
  failureCode: null,
  failureReason: null,
})

/** What providers said when they were asked: in the ledger, in the count of absences, and to be followed from now on. */
async function noteAnswers(
  { activity, polls, now }: DoubtDeps,
  tx: Executor,
  decided: readonly Decided[],
): Promise<void> {
  const counts = decided.flatMap((end) =>
    end.decision === 'wait' && end.absences === undefined
      ? []
      : [{ id: end.record.id, absences: end.decision === 'wait' ? (end.absences ?? 0) : 0 }],
  )
  await updateRows(tx, 'wa_outgoing_messages', counts)
  await settleAttempts(tx, decided.flatMap(settledAttempt), now())
  const taken = decided.filter(({ decision }) => decision === 'taken').map(({ record }) => record)
  const followed = taken.flatMap(({ id, connectionId }) => (connectionId === null ? [] : [{ id, connectionId }]))
  await polls.add(tx, followed, now())
  const announced = taken.filter(({ rootOutgoingId }) => rootOutgoingId === null)
  await activity.insert(
    tx,
    decided.flatMap((end) =>
      end.decision === 'taken' && announced.includes(end.record)
        ? [activityRecord({ ...end.record, messageId: end.messageId }, { eventSubType: 'inqueue', at: now() })]
        : [],
    ),
    now(),
  )
}

/** How the attempt in doubt ended, where the provider told. */
function settledAttempt(end: Decided): SettledAttempt[] {
  const { id, attempts } = end.record
  if (end.decision === 'taken')
    return [{ id, attempt: attempts, outcome: 'accepted', messageId: end.messageId, detail: 'found when asked' }]
  if (end.decision === 'not_sent' || end.decision === 'not_needed')
    return [{ id, attempt: attempts, outcome: 'refused', messageId: null, detail: 'asked three times: not there' }]
  return []
}

const markResent = (tx: Executor, ids: readonly number[]) =>
  updateWhereIn(tx, 'wa_outgoing_messages', { possible_duplicate: 1 }, 'id', ids)
