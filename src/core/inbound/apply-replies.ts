/** The story of a webhook, second half, for replies: each one is the next move of its conversation. */

import type { AccountSettings } from '../accounts/settings.ts'
import type { ActivityStore } from '../activity/activity-store.ts'
import { type Advance, type AdvanceDeps, advance } from '../conversations/advance.ts'
import type { ConversationStore, StoredConversation } from '../conversations/conversation-store.ts'
import type { NdrStore } from '../conversations/ndr-store.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import type { Database, Executor } from '../storage/database.ts'
import type { InboundStore, PendingReply, SettledReply } from './inbound-store.ts'
import { type MatchedReply, matchReplies } from './match-replies.ts'
import { nextLook } from './matching.ts'
import { applyGroup } from './one-by-one.ts'

export interface ApplyRepliesDeps extends AdvanceDeps {
  readonly database: Database
  readonly store: InboundStore
  readonly outgoing: OutgoingStore
  readonly conversations: ConversationStore
  readonly ndr: NdrStore
  readonly activity: ActivityStore
  readonly settings: (accountId: number, channelId?: string) => Promise<AccountSettings>
  readonly log: Logger
  readonly metrics: Metrics
  /** Follow-ups are committed: these connections have something to send. */
  readonly wake: (connectionIds: ReadonlySet<number>) => void
  /** Decisions are committed: they may be pushed. */
  readonly decided: () => void
}

/** Replies that are applied in one transaction at most. */
export const replyGroupSize = 32

/** Applies one group of stored replies. Resolves with how many were looked at. */
export function applyReplies(deps: ApplyRepliesDeps): Promise<number> {
  const apply = (limit: number) => applyDue(deps, limit)
  return applyGroup({ apply, putOffFirst: () => putOffFirst(deps), log: deps.log }, replyGroupSize)
}

async function putOffFirst({ database, store, now }: ApplyRepliesDeps): Promise<void> {
  await database.transaction(async (tx) => {
    const first = await store.dueReplies(tx, 1, now())
    await store.settleReplies(tx, settle(first, [], now()), now())
  })
}

async function applyDue(deps: ApplyRepliesDeps, limit: number): Promise<number> {
  const { database, store, outgoing, conversations, now } = deps
  const { looked, advances } = await database.transaction(async (tx) => {
    const pending = await store.dueReplies(tx, limit, now())
    if (pending.length === 0) return { looked: 0, advances: [] }
    const { matched, roots } = await matchReplies(tx, outgoing, pending)
    const known = await conversations.load(tx, [...roots.keys()])
    const advances = await advanceAll(deps, matched, roots, known)
    await write(deps, tx, advances)
    await store.settleReplies(tx, settle(pending, matched, now()), now())
    return { looked: pending.length, advances }
  })
  announce(deps, advances)
  return looked
}

/** Replies to one conversation build on each other, in the order in which they came. */
async function advanceAll(
  deps: ApplyRepliesDeps,
  matched: readonly MatchedReply[],
  roots: ReadonlyMap<number, OutgoingRecord>,
  known: ReadonlyMap<number, StoredConversation>,
): Promise<Advance[]> {
  const current = new Map(known)
  const advances: Advance[] = []
  for (const { reply, rootId } of matched) {
    const root = roots.get(rootId)
    if (!root) continue
    const conversation = current.get(rootId) ?? { rootId, accountId: root.accountId, offeredDates: [] }
    const settings = await deps.settings(root.accountId, root.snapshot.channelId)
    const step = advance(deps, root, conversation, reply, settings)
    current.set(rootId, step.conversation)
    advances.push(step)
  }
  return advances
}

async function write(deps: ApplyRepliesDeps, tx: Executor, advances: readonly Advance[]): Promise<void> {
  const now = deps.now()
  const last = new Map(advances.map(({ conversation }) => [conversation.rootId, conversation]))
  await deps.conversations.save(tx, [...last.values()], now)
  await deps.outgoing.insert(
    tx,
    advances.flatMap((step) => step.followUp ?? []),
    now,
  )
  await deps.ndr.insert(
    tx,
    advances.flatMap((step) => step.ndr ?? []),
    now,
  )
  await deps.activity.insert(
    tx,
    advances.map((step) => step.activity),
    now,
  )
}

function settle(pending: readonly PendingReply[], matched: readonly MatchedReply[], now: Date): SettledReply[] {
  const byReply = new Map(matched.map((match) => [match.reply.id, match]))
  return pending.map((reply) => {
    const match = byReply.get(reply.id)
    return {
      id: reply.id,
      tries: reply.tries + 1,
      contextOutgoingId: match?.contextId ?? null,
      rootOutgoingId: match?.rootId ?? null,
      dueAt: match ? null : nextLook(reply.tries, now),
    }
  })
}

function announce(deps: ApplyRepliesDeps, advances: readonly Advance[]): void {
  if (advances.length === 0) return
  deps.activity.committed()
  deps.wake(new Set(advances.flatMap((step) => step.followUp?.connectionId ?? [])))
  if (advances.some((step) => step.ndr)) deps.decided()
  for (const step of advances) deps.metrics.replies.inc({ step: step.eventSubType })
}
