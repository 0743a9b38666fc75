/** Writes down how attempts ended: the message's state, the ledger and the activity events, in one transaction. */

import type { Connection } from '../accounts/connections.ts'
import { type ActivityRecord, activityRecord } from '../activity/activity-event.ts'
import type { ActivityStore } from '../activity/activity-store.ts'
import type { TemplateContent } from '../contract/content.ts'
import { failureKind } from '../contract/failures.ts'
import type { SendOutcome } from '../contract/provider.ts'
import type { PollStore, Taken } from '../polling/poll-store.ts'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows, updateRows, type Values } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import { type Route, rank } from './outgoing-message.ts'
import type { OutgoingChange, OutgoingRecord } from './outgoing-rows.ts'
import type { OutgoingStore } from './outgoing-store.ts'
import { afterAttempt } from './retry-policy.ts'
import { type CanCarry, type IsTemplateUsable, reroute } from './route.ts'
import { unknownActivity } from './unknown-activity.ts'

export interface EndedAttempt {
  readonly messageId: number
  /** Number of the attempt, from 1. */
  readonly attempt: number
  readonly connectionId: number
  readonly outcome: SendOutcome
  /** What it sent, if that was a template: elsewhere it may not be in use. */
  readonly template?: TemplateContent['template'] | undefined
  readonly startedAt: Date
  readonly finishedAt: Date
}

export interface RecordDeps {
  readonly database: Database
  readonly store: OutgoingStore
  readonly activity: ActivityStore
  readonly connection: (id: number) => Promise<Connection | undefined>
  /** Can this be sent through that connection at all? */
  readonly canCarry: CanCarry
  readonly isTemplateUsable: IsTemplateUsable
  /** Messages that their provider is to be asked about. */
  readonly polls: Pick<PollStore, 'isPolled' | 'add'>
  readonly now: () => Date
  readonly random: () => number
}

/** Records a group of ended attempts; safe to repeat. Resolves with the messages as they are now. */
export async function recordAttempts(deps: RecordDeps, ended: readonly EndedAttempt[]): Promise<Recorded[]> {
  const { database, store, activity, polls, now } = deps
  const around = await surroundings(deps, ended)
  const results = await database.transaction(async (tx) => {
    const locked = await store.lock(tx, ended.map(messageIdOf))
    const results = ended.map((attempt, index) =>
      afterward(deps, locked.get(attempt.messageId), attempt, around[index]),
    )
    const changes = results.filter(({ isChanged }) => isChanged).map(({ change }) => change)
    await store.apply(tx, changes, now())
    await moveToFallback(tx, results)
    await polls.add(tx, newlyTaken(results, ended, around), now())
    await writeLedger(tx, database.keepExisting, ended)
    await replaceDoubts(
      tx,
      ended.filter((attempt) => isLate(locked.get(attempt.messageId), attempt)),
    )
    await activity.insert(
      tx,
      results.flatMap(({ records }) => records),
      now(),
    )
    return results
  })
  activity.committed()
  return results
}

const messageIdOf = ({ messageId }: EndedAttempt) => messageId

/** What became of a message with its attempt. */
export interface Recorded {
  readonly change: OutgoingChange
  /** The connection through which it goes on, when that is another one. */
  readonly fallback?: Fallback | undefined
}

interface Fallback {
  readonly connection: Connection
  readonly route: Route
}

interface Afterward extends Recorded {
  readonly isChanged: boolean
  readonly records: readonly ActivityRecord[]
}

interface Surroundings {
  /** The other connection that may take over. */
  readonly fallbackFor: FallbackFor | undefined
  /** Can the provider be asked about the message? */
  readonly isPolled: boolean
}

/** What is known besides each attempt; read before any row is held. */
function surroundings(deps: RecordDeps, ended: readonly EndedAttempt[]): Promise<Surroundings[]> {
  return Promise.all(
    ended.map(async (attempt) => ({
      fallbackFor: await fallbackOf(deps, attempt),
      isPolled: await deps.polls.isPolled(attempt.connectionId),
    })),
  )
}

async function fallbackOf(
  deps: RecordDeps,
  { outcome, connectionId, template }: EndedAttempt,
): Promise<FallbackFor | undefined> {
  if (outcome.outcome !== 'refused') return undefined
  const from = await deps.connection(connectionId)
  const id = from?.fallbackConnectionId
  const connection = id === undefined ? undefined : await deps.connection(id)
  if (!from || !connection || (template && !(await deps.isTemplateUsable(connection.id, template)))) return undefined
  return ({ rootOutgoingId, content, route: { why } }) => {
    // What a customer wrote to one number is answered from there: nowhere else is the conversation open.
    if (rootOutgoingId !== null || !deps.canCarry(connection, content)) return undefined
    const route = reroute(outcome.failure, from, connection, why)
    return route && { connection, route }
  }
}

/** Messages that were taken just now by a provider that can be asked about them. */
const newlyTaken = (
  results: readonly Afterward[],
  ended: readonly EndedAttempt[],
  around: readonly Surroundings[],
): Taken[] =>
  ended.flatMap(({ messageId, connectionId }, index) => {
    const isTaken = results[index]?.isChanged && results[index]?.change.state === 'accepted'
    return isTaken && around[index]?.isPolled ? [{ id: messageId, connectionId }] : []
  })

type FallbackFor = (record: Pick<OutgoingRecord, 'rootOutgoingId' | 'content' | 'route'>) => Fallback | undefined

function afterward(
  { now, random }: RecordDeps,
  record: OutgoingRecord | undefined,
  ended: EndedAttempt,
  around: Surroundings | undefined,
): Afterward {
  if (!record) throw new Error(`message ${ended.messageId} is not there`)
  // A report may have proved the acceptance before we came to write it down: evidence is never taken back.
  if (record.acceptedAt) return { isChanged: lacksId(record, ended), change: withId(record, ended), records: [] }
  const isOurs = record.attempts === ended.attempt && isOpen(record, ended)
  if (!isOurs) return { isChanged: false, change: record, records: [] }
  const fallback = around?.fallbackFor?.(record)
  const change = changed(record, ended, around?.isPolled ?? false, now(), random())
  if (fallback) return { isChanged: true, change: goingOn(change, now()), fallback, records: [] }
  return { isChanged: true, change, records: activities({ ...record, ...change }, ended) }
}

/** A doubt may still be settled by its own attempt; one that was given up or is to be sent again by the good news. */
const isOpen = ({ state }: OutgoingRecord, { outcome }: EndedAttempt): boolean =>
  state === 'sending' || state === 'in_doubt' || (outcome.outcome === 'accepted' && afterDoubt.has(state))

const isLate = (record: OutgoingRecord | undefined, ended: EndedAttempt): boolean =>
  record !== undefined && record.state !== 'sending' && isOpen(record, ended)

const afterDoubt: ReadonlySet<OutgoingRecord['state']> = new Set(['queued', 'unknown', 'expired', 'skipped'])

const goingOn = (change: OutgoingChange, now: Date): OutgoingChange => ({
  ...change,
  state: 'queued',
  statusRank: rank.pending,
  dueAt: now,
  failedAt: null,
})

async function moveToFallback(tx: Executor, results: readonly Afterward[]): Promise<void> {
  const moved = results.flatMap(({ change, fallback }) => (fallback ? [{ id: change.id, ...fallback }] : []))
  const rows = moved.map(({ id, connection, route }) => ({
    id,
    whatsappSenderConnectionId: connection.id,
    business_phone: connection.businessPhone,
    route: route.why,
  }))
  await updateRows(tx, 'wa_outgoing_messages', rows)
}

const idFrom = ({ outcome }: EndedAttempt) => (outcome.outcome === 'accepted' ? outcome.messageId : null)
const lacksId = (record: OutgoingRecord, ended: EndedAttempt) => record.messageId === null && idFrom(ended) !== null
const withId = (record: OutgoingRecord, ended: EndedAttempt): OutgoingChange => ({
  ...record,
  messageId: record.messageId ?? idFrom(ended),
})

function changed(
  record: OutgoingRecord,
  ended: EndedAttempt,
  canBeAsked: boolean,
  now: Date,
  chance: number,
): OutgoingChange {
  const { outcome, finishedAt } = ended
  const facts = {
    calls: ended.attempt - record.givenBack,
    expiresAt: record.expiresAt ?? undefined,
    canBeAsked,
    wasInDoubt: record.possibleDuplicate,
  }
  const next = afterAttempt(facts, outcome, now, chance)
  const failure = outcome.outcome === 'accepted' ? undefined : outcome.failure
  return {
    ...withId(record, ended),
    ...next,
    acceptedAt: next.state === 'accepted' ? finishedAt : null,
    failedAt: next.state === 'failed' ? finishedAt : null,
    failureCode: failure?.code ?? null,
    failureReason: failure ? [failure.vendorCode, failure.detail].filter(Boolean).join(' ') || null : null,
  }
}

function activities(record: OutgoingRecord, ended: EndedAttempt): ActivityRecord[] {
  const at = ended.finishedAt
  if (record.state === 'accepted' && record.rootOutgoingId === null) {
    return [activityRecord(record, { eventSubType: 'inqueue', at })]
  }
  if (record.state === 'unknown') return [unknownActivity(record, record.failureReason ?? '', at)]
  if (record.state === 'failed' || record.state === 'expired') {
    const failureReason = failureText(record)
    return [activityRecord(record, { eventSubType: 'failed', at, failureReason, discriminator: 'attempt' })]
  }
  return []
}

/** What consumers read: our sentence, and the vendor's words behind it. */
function failureText(record: OutgoingRecord): string {
  const text = record.failureCode ? failureKind(record.failureCode as never).text : ''
  return record.failureReason ? `${text} (${record.failureReason})` : text
}

async function writeLedger(tx: Executor, keepExisting: string, ended: readonly EndedAttempt[]): Promise<void> {
  const sorted = [...ended].sort((a, b) => a.messageId - b.messageId)
  await insertRows(tx, 'wa_send_attempts', sorted.map(ledgerRow), keepExisting)
}

/** The sweep wrote a doubt for an attempt whose process was only slow: what it knows now takes its place. */
async function replaceDoubts(tx: Executor, late: readonly EndedAttempt[]): Promise<void> {
  for (const ended of late) {
    const { wa_outgoing_message_id: messageId, attempt, ...row } = ledgerRow(ended)
    const assignments = Object.keys(row).map((column, index) => `${column} = $${index + 3}`)
    await tx.write(
      `UPDATE wa_send_attempts SET ${assignments.join(', ')}
       WHERE wa_outgoing_message_id = $1 AND attempt = $2 AND outcome = 'in_doubt'`,
      [messageId ?? null, attempt ?? null, ...Object.values(row)],
    )
  }
}

function ledgerRow(ended: EndedAttempt): Values {
  const { outcome } = ended
  const failure = outcome.outcome === 'accepted' ? undefined : outcome.failure
  const detail = outcome.outcome === 'accepted' ? outcome.note : outcome.failure.detail
  return {
    wa_outgoing_message_id: ended.messageId,
    attempt: ended.attempt,
    connection_id: ended.connectionId,
    outcome: outcome.outcome,
    message_id: idFrom(ended),
    failure_code: failure?.code ?? null,
    vendor_code: failure?.vendorCode?.slice(0, 40) ?? null,
    detail: detail?.slice(0, 1024) ?? null,
    started_at: sqlTime(ended.startedAt),
    finished_at: sqlTime(ended.finishedAt),
  }
}
