/** The story of a webhook, second half, for replies: each one is the next move of its conversation. */

import type { Connection } from '../accounts/connections.ts'
import type { AccountSettings } from '../accounts/settings.ts'
import type { ActivityRecord } from '../activity/activity-event.ts'
import type { ActivityStore } from '../activity/activity-store.ts'
import type { ContactStore } from '../contacts/contact-store.ts'
import { type Advance, type AdvanceDeps, advance } from '../conversations/advance.ts'
import type { ConversationStore, StoredConversation } from '../conversations/conversation-store.ts'
import type { NdrStore } from '../conversations/ndr-store.ts'
import { type KnownEnd, readEnds } from '../conversations/shipment-ends.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import type { Database, Executor } from '../storage/database.ts'
import { applyGroup } from '../storage/one-by-one.ts'
import { type HearDeps, type Heard, hearWishes } from './hear-wishes.ts'
import type { InboundStore, PendingReply, SettledReply } from './inbound-store.ts'
import { type KnownReply, type MatchedReply, matchReplies } from './match-replies.ts'
import { nextLook } from './matching.ts'
import { isByCustomer } from './reply-kinds.ts'
import { contactUpdates, isToBeAnnounced, strayReplies } from './stray-replies.ts'

export interface ApplyRepliesDeps extends AdvanceDeps, HearDeps {
  readonly database: Database
  readonly store: InboundStore
  readonly outgoing: OutgoingStore
  readonly contacts: ContactStore
  readonly conversations: ConversationStore
  readonly ndr: NdrStore
  readonly activity: ActivityStore
  readonly settings: (accountId: number, channelId?: string) => Promise<AccountSettings>
  readonly connection: (id: number) => Promise<Connection | undefined>
  /** Does a dialogue at the provider ask and answer the customers of this connection? */
  readonly isCarriedElsewhere: (connection: Connection) => boolean
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
    await store.settleReplies(
      tx,
      first.map((reply) => inVain(reply, now())),
      now(),
    )
  })
}

async function applyDue(deps: ApplyRepliesDeps, limit: number): Promise<number> {
  const { database, store, outgoing, contacts, now } = deps
  const { looked, advances, strays } = await database.transaction(async (tx) => {
    const pending = await store.dueReplies(tx, limit, now())
    if (pending.length === 0) return { looked: 0, advances: [], strays: [] }
    const known = await withContacts(tx, contacts, pending)
    const { matched, roots } = await matchReplies(tx, outgoing, known, now())
    await contacts.apply(tx, contactUpdates(known, matched, roots), now())
    const heard = await hearWishes(deps, tx, known, matched, roots)
    const advances = await advanceAll(deps, tx, { matched, roots, heard })
    const strays = await strayReplies(deps, pending, matched)
    await write(deps, tx, advances, strays)
    await store.settleReplies(tx, settleAll(pending, matched, now()), now())
    return { looked: pending.length, advances, strays }
  })
  announce(deps, advances, strays.length)
  return looked
}

async function withContacts(
  tx: Executor,
  contacts: ContactStore,
  pending: readonly PendingReply[],
): Promise<KnownReply[]> {
  const found = await contacts.find(
    tx,
    pending.map(({ connectionId, fromPhone, fromUserId }) => ({
      connectionId,
      address: { ...(fromPhone ? { phone: fromPhone } : {}), ...(fromUserId ? { userId: fromUserId } : {}) },
    })),
  )
  return pending.map((reply, index) => ({ reply, contact: found[index] }))
}

interface Conversing {
  readonly matched: readonly MatchedReply[]
  readonly roots: ReadonlyMap<number, OutgoingRecord>
  readonly heard: ReadonlyMap<number, Heard>
}

/** Replies to one conversation build on each other, in the order in which they came. */
async function advanceAll(
  deps: ApplyRepliesDeps,
  tx: Executor,
  { matched, roots, heard }: Conversing,
): Promise<Advance[]> {
  const current: Map<number, StoredConversation> = await deps.conversations.load(tx, [...roots.keys()])
  const unpushed = new Set(await unpushedOf(deps, tx, current, roots))
  const endOf = await readEnds(tx, [...roots.values()])
  const advances: Advance[] = []
  for (const { reply, contact, rootId } of matched) {
    const root = roots.get(rootId)
    // What was announced before is linked only, since its moment has passed; so is what no customer said.
    if (!root || reply.isAnnounced || !isByCustomer(reply.type)) continue
    const conversation = current.get(rootId) ?? { rootId, accountId: root.accountId, offeredDates: [] }
    const known = closedAt(conversation, endOf(root))
    const settings = await deps.settings(root.accountId, root.snapshot.channelId)
    const connection = await deps.connection(reply.connectionId)
    const isCarriedElsewhere = connection !== undefined && deps.isCarriedElsewhere(connection)
    const isUnpushed = unpushed.has(rootId)
    const wish = heard.get(reply.id)
    const step = advance(deps, { reply, contact, wish, root, known, settings, isUnpushed, isCarriedElsewhere })
    current.set(rootId, step.conversation)
    // Not even written yet, so nobody pushes it meanwhile.
    if (step.ndr) unpushed.add(rootId)
    advances.push(step)
  }
  return advances
}

/** An end that was written while the first message was, by another replica, closed nothing: it counts all the same. */
const closedAt = (conversation: StoredConversation, end: KnownEnd | undefined): StoredConversation =>
  conversation.closedBy === undefined && end
    ? { ...conversation, closedBy: end.status, closedAt: end.endedAt }
    : conversation

/** Conversations whose customers may still choose otherwise; held, so that no push begins meanwhile. */
async function unpushedOf(
  deps: ApplyRepliesDeps,
  tx: Executor,
  conversations: ReadonlyMap<number, StoredConversation>,
  roots: ReadonlyMap<number, OutgoingRecord>,
): Promise<ReadonlySet<number>> {
  const changeable: number[] = []
  for (const { rootId, decision } of conversations.values()) {
    const root = roots.get(rootId)
    if (!root || !decision) continue
    const { flows } = await deps.settings(root.accountId, root.snapshot.channelId)
    if (deps.flowsFor(flows).changeUntilPushed) changeable.push(rootId)
  }
  return changeable.length > 0 ? deps.ndr.holdUnpushed(tx, changeable) : new Set()
}

async function write(
  deps: ApplyRepliesDeps,
  tx: Executor,
  advances: readonly Advance[],
  strays: readonly ActivityRecord[],
): Promise<void> {
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
    advances.flatMap(({ ndr, isChange }) => (ndr && !isChange ? [ndr] : [])),
    now,
  )
  for (const { ndr, isChange } of advances) {
    if (!ndr || !isChange) continue
    if (!(await deps.ndr.replacePending(tx, ndr, now))) throw new Error('a decision that is held was pushed')
  }
  await deps.activity.insert(tx, [...advances.map((step) => step.activity), ...strays], now)
}

function settleAll(pending: readonly PendingReply[], matched: readonly MatchedReply[], now: Date): SettledReply[] {
  const byReply = new Map(matched.map((match) => [match.reply.id, match]))
  return pending.map((reply) => settled(reply, byReply.get(reply.id), now))
}

function settled(reply: PendingReply, match: MatchedReply | undefined, now: Date): SettledReply {
  const isAnnounced = reply.isAnnounced || (!match && isToBeAnnounced(reply))
  // Once announced, only a message that it names can still turn up; the next conversation must not get an old text.
  const isOver = match !== undefined || (isAnnounced && reply.contextMessageId === null)
  return {
    ...inVain(reply, now),
    contextOutgoingId: match?.contextId ?? null,
    rootOutgoingId: match?.rootId ?? null,
    isAnnounced,
    ...(isOver ? { dueAt: null } : {}),
  }
}

const inVain = ({ id, tries, isAnnounced }: PendingReply, now: Date): SettledReply => ({
  id,
  tries: tries + 1,
  contextOutgoingId: null,
  rootOutgoingId: null,
  isAnnounced,
  dueAt: nextLook(tries, now),
})

function announce(deps: ApplyRepliesDeps, advances: readonly Advance[], strayCount: number): void {
  if (strayCount > 0) deps.metrics.replies.inc({ step: 'stray' }, strayCount)
  if (advances.length + strayCount > 0) deps.activity.committed()
  deps.wake(new Set(advances.flatMap((step) => step.followUp?.connectionId ?? [])))
  if (advances.some((step) => step.ndr)) deps.decided()
  for (const step of advances) report(deps, step)
}

function report({ metrics, log }: ApplyRepliesDeps, { conversation, eventSubType, ndr, isChange }: Advance): void {
  log.debug({ conversationId: String(conversation.rootId), eventSubType }, 'reply applied')
  const step = eventSubType === 'customer_reply' ? 'words' : 'choice'
  metrics.replies.inc({ step: ndr ? 'decision' : step })
  if (!ndr) return
  if (conversation.decision) metrics.decisions.inc({ action: conversation.decision.action })
  if (!isChange) metrics.firstMessages.inc({ account: String(conversation.accountId), stage: 'decided' })
}
