/**
 * Asks providers about messages that they took, where their callbacks may be lost. What they say is stored and applied
 * like a webhook.
 */

import { type Connection, forProvider } from '../accounts/connections.ts'
import type { InboundEvent } from '../contract/events.ts'
import { maxPolled, type PolledMessage, type ProviderAdapter } from '../contract/provider.ts'
import type { VerifiedWebhook } from '../inbound/receive.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import { attemptReference } from '../sending/outgoing-message.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import type { Database } from '../storage/database.ts'
import { type Awaited, awaitedOf, nextPollAt } from './poll-schedule.ts'
import { decidedAmong, type Poll, type PollStore, type SettledPoll } from './poll-store.ts'

export interface SweepPollsDeps {
  readonly database: Database
  readonly polls: PollStore
  readonly outgoing: OutgoingStore
  readonly connection: (id: number) => Promise<Connection | undefined>
  readonly adapter: (provider: string) => ProviderAdapter
  /** Stores what was learnt, as it stores a webhook. */
  readonly receive: (webhook: VerifiedWebhook) => Promise<unknown>
  /** Something was stored that waits to be applied. */
  readonly received: () => void
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => Date
  readonly random: () => number
}

/** Asks about one group of messages. Resolves with how many were due. */
export async function sweepPolls(deps: SweepPollsDeps): Promise<number> {
  const due = await deps.polls.claim(maxPolled, deps.now())
  if (due.length === 0) return 0
  const records = await deps.outgoing.read(
    deps.database,
    due.map(({ id }) => id),
  )
  for (const connectionId of new Set(due.map((poll) => poll.connectionId))) {
    const ofConnection = due.filter((poll) => poll.connectionId === connectionId)
    const owner = await deps.connection(connectionId)
    // Asked again when the lease is over, should it fail.
    await pollConnection(deps, owner, ofConnection, records).catch((error: unknown) =>
      deps.log.warn({ err: error, connectionId }, 'messages could not be asked about'),
    )
  }
  return due.length
}

async function pollConnection(
  deps: SweepPollsDeps,
  owner: Connection | undefined,
  due: readonly Poll[],
  records: ReadonlyMap<number, OutgoingRecord>,
): Promise<void> {
  const { database, polls, now, random } = deps
  const decided = await decidedAmong(
    database,
    due.map(({ id }) => id),
  )
  const looked = due.map((poll) => lookAt(poll, owner, records.get(poll.id), decided.has(poll.id), now()))
  const asked = looked.flatMap(({ message }) => message ?? [])
  // A paused one would only be refused: its times pass without a question.
  const events = owner?.state === 'active' && asked.length > 0 ? await ask(deps, owner, asked) : []
  for (const { part } of events) deps.metrics.polled.inc({ part: part.type })
  const ends = looked.map(({ poll, awaits }) => settled(poll, awaits, now(), random()))
  await polls.settle(ends)
  const givenUp = ends.filter(({ dueAt }, index) => dueAt === null && looked[index]?.awaits === 'status')
  await deps.outgoing.expectNoMore(
    givenUp.map(({ id }) => id),
    now(),
  )
}

interface Looked {
  readonly poll: Poll
  readonly awaits: Awaited | undefined
  /** What is asked about now. */
  readonly message: PolledMessage | undefined
}

/** What of a message is open: its end is a new beginning, from which the dialogue's result is waited for. */
function lookAt(
  poll: Poll,
  owner: Connection | undefined,
  record: OutgoingRecord | undefined,
  isDecided: boolean,
  now: Date,
): Looked {
  const hasResults = Object.keys(owner?.dialogueResults ?? {}).length > 0
  const awaits = record && owner && awaitedOf(record, { hasResults, isDecided })
  const isNew = awaits !== undefined && awaits !== poll.awaits
  const since = isNew ? (record?.deliveredAt ?? now) : poll.since
  const message = record && awaits ? polledMessage(record, awaits) : undefined
  return { poll: { ...poll, since, awaits: awaits ?? poll.awaits }, awaits, message }
}

const polledMessage = (record: OutgoingRecord, awaits: Awaited): PolledMessage | undefined =>
  record.messageId === null
    ? undefined
    : {
        messageId: record.messageId,
        reference: attemptReference(record.reference, record.attempts),
        acceptedAt: record.acceptedAt ?? record.createdAt,
        awaitsResultOnly: awaits === 'result',
      }

const settled = (poll: Poll, awaits: Awaited | undefined, now: Date, chance: number): SettledPoll => ({
  ...poll,
  dueAt: (awaits && nextPollAt(awaits, poll.since, now, chance)) ?? null,
})

async function ask(
  { adapter, receive, received, now }: SweepPollsDeps,
  owner: Connection,
  messages: readonly PolledMessage[],
): Promise<readonly InboundEvent[]> {
  const events = (await adapter(owner.provider).poll?.(messages, forProvider(owner), now())) ?? []
  if (events.length > 0) {
    await receive({ connections: [owner], related: [], events })
    received()
  }
  return events
}
