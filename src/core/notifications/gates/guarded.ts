/** What an account allows itself of a day: exact, whichever replica takes an event in, and however often it comes. */

import type { ConnectionEvents } from '../../accounts/connection-events.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Database, Executor } from '../../storage/database.ts'
import { selectIn } from '../../storage/rows.ts'
import type { SendDecision } from '../decision.ts'
import { type GuardFacts, type Judged, judge, usesOf } from '../guards/guard-facts.ts'
import { addToCounters, type Counter, holdCounters } from '../guards/usage-counters.ts'
import type { Gate, Refusal } from './gate.ts'

export interface GuardedDeps {
  readonly database: Database
  readonly connectionEvents: Pick<ConnectionEvents, 'insert'>
  readonly log: Logger
  readonly now: () => Date
}

/** The last gate: what it lets pass is counted. Of accounts without guards nothing is read. */
export const guarded = (deps: GuardedDeps): Gate => ({
  async refuse(tx, messages) {
    const judged = messages.flatMap(judgedOf)
    if (judged.length === 0) return messages.map(() => undefined)
    const used = await holdCounters(tx, deps.database, judged.flatMap(countersOf))
    const refused = await refuse(tx, judged, used)
    if (refused.size > 0) await raise(deps, tx, refused)
    return messages.map((message) => refused.get(message))
  },
  async written(tx, messages) {
    const sums = new Map<string, number>()
    for (const { id, adds } of messages.flatMap(judgedOf).flatMap(({ uses }) => uses))
      sums.set(id, (sums.get(id) ?? 0) + adds)
    await addToCounters(tx, sums)
  },
})

function judgedOf(message: SendDecision): (Judged<SendDecision> & { readonly facts: GuardFacts })[] {
  const { draft, guard } = message
  return guard ? [{ message, key: draft.idempotencyKey, uses: usesOf(draft, guard), facts: guard }] : []
}

const countersOf = ({ message, facts, uses }: ReturnType<typeof judgedOf>[number]): Counter[] =>
  uses.map(({ id }) => ({ id, accountId: message.draft.accountId, day: facts.day }))

/** What comes again uses nothing; which that is matters, and is looked up, only where something is used up. */
async function refuse(tx: Executor, judged: readonly Judged<SendDecision>[], used: ReadonlyMap<string, number>) {
  const refused = judge(judged, used)
  if (refused.size === 0) return refused
  const head = 'SELECT idempotency_key AS k FROM wa_outgoing_messages WHERE idempotency_key'
  const found = await selectIn<{ k: string }>(
    tx,
    head,
    judged.map(({ key }) => key),
  )
  const known = new Set(found.map(({ k }) => k))
  return judge(
    judged.filter(({ key }) => !known.has(key)),
    used,
  )
}

/** Somebody should know, once a day for each account and guard. */
async function raise(
  { database, connectionEvents, log, now }: GuardedDeps,
  tx: Executor,
  refused: ReadonlyMap<SendDecision, Refusal>,
): Promise<void> {
  const entries = [...refused].map(([message, refusal]) => ({ message, refusal, counter: markOf(message, refusal) }))
  const marks = await holdCounters(
    tx,
    database,
    entries.map(({ counter }) => counter),
  )
  const first = entries.filter(
    ({ counter: { id } }, index) => !marks.get(id) && entries.findIndex(({ counter }) => counter.id === id) === index,
  )
  await connectionEvents.insert(
    tx,
    first.map(({ message, refusal, counter }) => newsOf(message, refusal, counter)),
    now(),
  )
  for (const { message, refusal } of first)
    log.warn({ accountId: message.draft.accountId, reason: refusal.code }, 'a guard of an account turns messages away')
  const sums = new Map<string, number>()
  for (const { counter } of entries) sums.set(counter.id, (sums.get(counter.id) ?? 0) + 1)
  await addToCounters(tx, sums)
}

function markOf({ draft: { accountId }, guard }: SendDecision, { code }: Refusal): Counter {
  const day = guard?.day ?? ''
  return { id: `${accountId}/${day}/refused/${code}`, accountId, day }
}

const newsOf = ({ draft: { accountId }, connection }: SendDecision, { code, detail }: Refusal, { day }: Counter) => ({
  connectionId: connection.id,
  accountId: connection.accountId,
  news: {
    type: 'account_news' as const,
    topic: 'guard',
    severity: 'warning' as const,
    summary: `Messages of account ${accountId} are turned away on ${day}: ${detail}.`,
    effects: [],
    raw: { accountId, day, reason: code },
  },
})
