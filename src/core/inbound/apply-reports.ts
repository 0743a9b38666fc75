/** The story of a webhook, second half, for delivery reports: evidence raises the status of its message. */

import type { ActivityStore } from '../activity/activity-store.ts'
import { marketingRefusal, type Wish } from '../contacts/consent.ts'
import type { ConsentStore } from '../contacts/consent-store.ts'
import type { Content } from '../contract/content.ts'
import type { FailureCode } from '../contract/failures.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { PollStore, Taken } from '../polling/poll-store.ts'
import { type FailoverDeps, failovers } from '../sending/failover.ts'
import { parseAttemptReference, rank } from '../sending/outgoing-message.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import { accountFailures } from '../sending/react.ts'
import type { Database, Executor } from '../storage/database.ts'
import { applyGroup } from '../storage/one-by-one.ts'
import { earlierConnections } from './earlier-connections.ts'
import { type InboundStore, type PendingReport, type SettledReport, unconfirmed } from './inbound-store.ts'
import { nextLook } from './matching.ts'
import { writePricing } from './pricing.ts'
import { type MatchedReports, raiseAll } from './raise-all.ts'
import { tellReports } from './tell-reports.ts'

export interface ApplyReportsDeps extends FailoverDeps {
  readonly database: Database
  readonly store: InboundStore
  readonly outgoing: OutgoingStore
  readonly activity: ActivityStore
  /** How long a provider tries to deliver it, at least. */
  readonly lifetimeMs: (content: Content | null) => number
  readonly consents: Pick<ConsentStore, 'hear'>
  /** Messages that their provider is to be asked about. */
  readonly polls: Pick<PollStore, 'isPolled' | 'add' | 'hasten'>
  /** Sends of this connection begun up to a time were echoed. */
  readonly noteEcho: (connectionId: number, sentAt: Date) => void
  /** Messages that take over from failed ones are committed: these connections have something to send. */
  readonly wake: (connectionIds: ReadonlySet<number>) => void
  /** A message failed in the end because its connection cannot send; taken by the provider at `seenAt`. */
  readonly accountFailed: (connectionId: number, code: FailureCode, seenAt: Date) => void
  readonly log: Logger
  readonly metrics: Metrics
}

/** Reports that are applied in one transaction at most. */
export const reportGroupSize = 64

/** Applies one group of stored reports. Resolves with how many were looked at. */
export function applyReports(deps: ApplyReportsDeps): Promise<number> {
  const apply = (limit: number) => applyDue(deps, limit)
  return applyGroup({ apply, putOffFirst: () => putOffFirst(deps), log: deps.log }, reportGroupSize)
}

async function putOffFirst({ database, store, now }: ApplyReportsDeps): Promise<void> {
  await database.transaction(async (tx) => {
    const first = await store.dueReports(tx, 1, now())
    const ends = first.map((report) => settled(report, undefined, now()))
    await store.settleReports(tx, ends, now())
  })
}

const none: ReadonlyMap<number, number> = new Map()

async function applyDue(deps: ApplyReportsDeps, limit: number): Promise<number> {
  const { database, store, outgoing, activity, now } = deps
  const applied = await database.transaction(async (tx) => {
    const pending = await store.dueReports(tx, limit, now())
    if (pending.length === 0)
      return { pending, count: 0, echoed: [], failed: [], takingOver: [], ids: none, raised: [] }
    const candidates = await matchReports(tx, { outgoing, store }, pending)
    const records = await outgoing.lock(tx, [...candidates.values()])
    const ids = await ownOnly(tx, pending, candidates, records)
    const { changed, activities } = raiseAll({ pending, ids, records }, deps.lifetimeMs)
    await outgoing.apply(tx, changed, now())
    await askAbout(deps, tx, { pending, ids, records }, changed)
    await writePricing(tx, pending, ids, new Set(changed.map(({ id }) => id)), now())
    await activity.insert(tx, activities, now())
    await deps.consents.hear(tx, await optOuts(deps, pending, ids, records), now())
    const failed = newlyFailed(changed, records)
    const takingOver = await failovers(deps, tx, failed)
    await outgoing.insert(tx, takingOver, now())
    await store.settleReports(
      tx,
      pending.map((report) => settled(report, ids.get(report.id), now())),
      now(),
    )
    const echoed = echoesIn(pending, ids, changed)
    const raised = changed.map((after) => ({ before: records.get(after.id), after }))
    return { pending, count: activities.length, echoed, failed, takingOver, ids, raised }
  })
  if (applied.count > 0) activity.committed()
  noteEchoes(deps, applied.echoed)
  noteAccountFailures(deps, applied.failed)
  if (applied.takingOver.length > 0) deps.wake(new Set(applied.takingOver.flatMap((draft) => draft.connectionId ?? [])))
  tellReports(deps, applied)
  return applied.pending.length
}

/**
 * Report id -> id of its message: by our echoed reference, else by the provider's id. A report that names one message
 * by the reference and another by the id is matched with neither.
 */
async function matchReports(
  tx: Executor,
  { outgoing, store }: Pick<ApplyReportsDeps, 'outgoing' | 'store'>,
  pending: readonly PendingReport[],
): Promise<Map<number, number>> {
  const referenceOf = (report: PendingReport) => parseAttemptReference(report.reference ?? undefined)?.reference ?? ''
  const references = pending.map(referenceOf).filter(Boolean)
  const byReference = await outgoing.idsByReference([...new Set(references)], tx)
  const byMessageId = await outgoing.idsByMessageId([...new Set(pending.map((report) => report.messageId))], tx)
  const isNamed = (report: PendingReport) => byReference.has(referenceOf(report)) || byMessageId.has(report.messageId)
  // A message that was sent twice has two ids at the provider and keeps one; of the other only its reports know.
  const nameless = pending.filter((report) => !isNamed(report)).map((report) => report.messageId)
  const byReports = await store.ownersOfReports(tx, [...new Set(nameless)])
  const matched = pending.flatMap((report) => {
    const { messageId } = report
    const named = [byReference.get(referenceOf(report)), byMessageId.get(messageId), byReports.get(messageId)]
    const [id, ...others] = new Set(named.filter((found) => found !== undefined))
    return id === undefined || others.length > 0 ? [] : [[report.id, id] as const]
  })
  return new Map(matched)
}

/** Recipients who are reported to want no marketing messages from the owner of the number. */
async function optOuts(
  { connection }: Pick<ApplyReportsDeps, 'connection'>,
  pending: readonly PendingReport[],
  ids: ReadonlyMap<number, number>,
  records: ReadonlyMap<number, OutgoingRecord>,
): Promise<Wish[]> {
  const wishes: Wish[] = []
  for (const report of pending) {
    const record = records.get(ids.get(report.id) ?? 0)
    if (!record || report.failureCode !== 'recipient_opted_out') continue
    const owner = await connection(report.connectionId)
    if (owner) wishes.push(marketingRefusal(record, owner.accountId, report.at))
  }
  return wishes
}

/** A report speaks only of messages that were handed to the connection that it came through. */
async function ownOnly(
  tx: Executor,
  pending: readonly PendingReport[],
  candidates: ReadonlyMap<number, number>,
  records: ReadonlyMap<number, OutgoingRecord>,
): Promise<Map<number, number>> {
  const matched = pending.flatMap((report) => {
    const record = records.get(candidates.get(report.id) ?? 0)
    return record ? [{ report, record }] : []
  })
  const isOf = ({ report, record }: (typeof matched)[number]) => record.connectionId === report.connectionId
  const moved = matched.filter((match) => !isOf(match)).map(({ record }) => record.id)
  const earlier = await earlierConnections(tx, [...new Set(moved)])
  const owned = matched.filter((match) => isOf(match) || earlier.has(`${match.record.id}/${match.report.connectionId}`))
  return new Map(owned.map(({ report, record }) => [report.id, record.id]))
}

/** What is known to be taken only now is asked about from now on; what was only hinted at is asked about at once. */
async function askAbout(
  { polls, now }: ApplyReportsDeps,
  tx: Executor,
  { pending, ids, records }: MatchedReports,
  changed: readonly OutgoingRecord[],
): Promise<void> {
  const taken: Taken[] = []
  for (const { id, connectionId, acceptedAt } of changed) {
    const isNew = acceptedAt !== null && records.get(id)?.acceptedAt === null
    if (isNew && connectionId !== null && (await polls.isPolled(connectionId))) taken.push({ id, connectionId })
  }
  await polls.add(tx, taken, now())
  const hinted = pending.filter(({ status }) => status === unconfirmed).flatMap(({ id }) => ids.get(id) ?? [])
  await polls.hasten(tx, [...new Set(hinted)], now())
}

const newlyFailed = (changed: readonly OutgoingRecord[], before: ReadonlyMap<number, OutgoingRecord>) =>
  changed.filter(({ id, statusRank }) => statusRank === rank.failed && before.get(id)?.statusRank !== rank.failed)

/** Some faults of an account (a payment problem) show only after its messages were taken. */
function noteAccountFailures({ accountFailed }: ApplyReportsDeps, failed: readonly OutgoingRecord[]): void {
  for (const { connectionId, failureCode, acceptedAt } of failed) {
    const code = accountFailures.find((known) => known === failureCode)
    // Providers tell whole seconds: it may have been any moment of that one.
    const latest = acceptedAt && new Date(acceptedAt.getTime() + 999)
    if (code && connectionId !== null && latest) accountFailed(connectionId, code, latest)
  }
}

/** Longest time between the begin of a call and its acceptance. */
const longestCallMs = 30_000

interface Echo {
  readonly connectionId: number
  readonly acceptedAt: Date
}

/**
 * A report that carries our reference proves that such reports arrive through its connection. One without it proves
 * nothing: that of a message whose id nobody knows would not be known for what it is.
 */
function echoesIn(
  pending: readonly PendingReport[],
  ids: ReadonlyMap<number, number>,
  changed: readonly OutgoingRecord[],
): Echo[] {
  const acceptances = new Map(changed.map(({ id, acceptedAt }) => [id, acceptedAt]))
  return pending.flatMap(({ id, connectionId, reference }) => {
    const acceptedAt = acceptances.get(ids.get(id) ?? 0)
    return acceptedAt && reference !== null ? [{ connectionId, acceptedAt }] : []
  })
}

function noteEchoes({ noteEcho, now }: ApplyReportsDeps, echoes: readonly Echo[]): void {
  for (const { connectionId, acceptedAt } of echoes) {
    // A provider's clock that is ahead must not prove a silence that has not been kept yet.
    const acceptedMs = Math.min(acceptedAt.getTime(), now().getTime())
    noteEcho(connectionId, new Date(acceptedMs - longestCallMs))
  }
}

const settled = (report: PendingReport, outgoingId: number | undefined, now: Date): SettledReport => ({
  id: report.id,
  outgoingId: outgoingId ?? null,
  tries: report.tries + 1,
  dueAt: outgoingId === undefined ? nextLook(report.tries, now) : null,
})
