/**
 * Asks providers about messages that they took, where their callbacks may be lost. What they say is stored and applied
 * like a webhook.
 */

import { type Connection, forProvider } from '../accounts/connections.ts'
import { perConnection } from '../calls/per-connection.ts'
import type { InboundEvent } from '../contract/events.ts'
import { maxPolled, type PolledMessage, type ProviderAdapter } from '../contract/provider.ts'
import type { VerifiedWebhook } from '../inbound/receive.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import { attemptReference } from '../sending/outgoing-message.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import type { Database } from '../storage/database.ts'
import { workOnGroup } from '../storage/one-by-one.ts'
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
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => Date
  readonly random: () => number
}

/** Asks about one group of messages of each connection. Resolves with how many were due. */
export async function sweepPolls(deps: SweepPollsDeps): Promise<number> {
  const due = await deps.polls.claim(maxPolled, deps.now())
  await perConnection(due, (polls) => {
    const work = (some: readonly Poll[]) => pollConnection(deps, some)
    // Its schedule goes on, so that one that always fails is not asked about for ever.
    const putOff = (poll: Poll) => deps.polls.settle([settled(poll, poll.awaits, deps.now(), deps.random())])
    // Asked again when the lease is over, should all of it fail.
    return workOnGroup({ work, putOff, log: deps.log }, polls).catch((error: unknown) =>
      deps.log.warn({ err: error, connectionId: polls[0]?.connectionId }, 'messages could not be asked about'),
    )
  })
  return due.length
}

/** @param due all of one connection */
async function pollConnection(deps: SweepPollsDeps, due: readonly Poll[]): Promise<void> {
  const { database, polls, outgoing, now, random } = deps
  const owner = await deps.connection(due[0]?.connectionId ?? 0)
  const ids = due.map(({ id }) => id)
  const records = await outgoing.read(database, ids)
  const decided = await decidedAmong(database, ids)
  const looked = due.map((poll) => lookAt(poll, owner, records.get(poll.id), decided.has(poll.id), now()))
  const asked = looked.flatMap(({ message }) => message ?? [])
  // A paused one would only be refused: its times pass without a question.
  const events = owner?.state === 'active' && asked.length > 0 ? await ask(deps, owner, asked) : []
  for (const { part } of events) deps.metrics.polled.inc({ part: part.type })
  const ends = looked.map(({ poll, awaits }) => settled(poll, awaits, now(), random()))
  await polls.settle(ends)
  const givenUp = ends.filter(({ dueAt }, index) => dueAt === null && looked[index]?.awaits === 'status')
  await outgoing.expectNoMore(
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
  { adapter, receive, now }: SweepPollsDeps,
  owner: Connection,
  messages: readonly PolledMessage[],
): Promise<readonly InboundEvent[]> {
  const events = (await adapter(owner.provider).poll?.(messages, forProvider(owner), now())) ?? []
  if (events.length > 0) await receive({ connections: [owner], related: [], events })
  return events
}
