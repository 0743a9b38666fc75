/** The story of a webhook, second half, for news about customers: what is known of them changes. */

import type { Connection } from '../accounts/connections.ts'
import { saidAt, type Wish } from '../contacts/consent.ts'
import type { ConsentStore } from '../contacts/consent-store.ts'
import type { ContactStore, ContactUpdate } from '../contacts/contact-store.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import type { Database, Executor } from '../storage/database.ts'
import { applyGroup } from '../storage/one-by-one.ts'
import type { ContactNewsStore, PendingNews, SettledNews } from './contact-news-store.ts'
import { nextLook } from './matching.ts'
import { newestConversations } from './newest-conversations.ts'

export interface ApplyContactNewsDeps {
  readonly database: Database
  readonly news: ContactNewsStore
  readonly contacts: ContactStore
  readonly consents: ConsentStore
  readonly connection: (id: number) => Promise<Connection | undefined>
  readonly outgoing: Pick<OutgoingStore, 'readdress'>
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => Date
}

/** News that are applied in one transaction at most. */
export const newsGroupSize = 32

/** Applies one group of stored news. Resolves with how many were looked at. */
export function applyContactNews(deps: ApplyContactNewsDeps): Promise<number> {
  const apply = (limit: number) => applyDue(deps, limit)
  return applyGroup({ apply, putOffFirst: () => putOffFirst(deps), log: deps.log }, newsGroupSize)
}

async function putOffFirst({ database, news, now }: ApplyContactNewsDeps): Promise<void> {
  await database.transaction(async (tx) => {
    const [first] = await news.due(tx, 1, now())
    if (first) await news.settle(tx, [{ ...settled(first), dueAt: nextLook(first.tries, now()) }], now())
  })
}

async function applyDue(deps: ApplyContactNewsDeps, limit: number): Promise<number> {
  const { database, news, contacts, outgoing, metrics, now } = deps
  const pending = await database.transaction(async (tx) => {
    const pending = await news.due(tx, limit, now())
    if (pending.length === 0) return pending
    for (const { news: kind, connectionId, customer, movedTo } of pending)
      if (kind === 'moved') await outgoing.readdress(tx, connectionId, customer, movedTo, now())
    await contacts.apply(tx, pending.flatMap(updateOf), now())
    await applyWishes(deps, tx, pending)
    const written = pending.filter((entry) => entry.news === 'human_wrote')
    const roots = await newestConversations(
      tx,
      written.map(({ id, connectionId, customer, at }) => ({
        key: id,
        connectionId,
        addresses: [customer],
        before: at,
      })),
      now(),
    )
    const ends = pending.map((entry) => settled(entry, roots.get(entry.id)))
    await news.settle(tx, ends, now())
    return pending
  })
  for (const { news: kind } of pending) metrics.contactNews.inc({ news: kind })
  return pending.length
}

function updateOf({ news, connectionId, customer: address, movedTo, at }: PendingNews): ContactUpdate[] {
  switch (news) {
    case 'moved':
      return [{ connectionId, address, change: { type: 'address', address: movedTo } }]
    case 'human_wrote':
      return [{ connectionId, address, change: { type: 'human_wrote', at } }]
    case 'marketing_stopped':
    case 'marketing_resumed':
      return []
  }
}

/** What was said to a number was said to its owner; what was said before goes with somebody who moves. */
async function applyWishes(
  { consents, connection, now }: ApplyContactNewsDeps,
  tx: Executor,
  pending: readonly PendingNews[],
): Promise<void> {
  const wishes: Wish[] = []
  for (const entry of pending) {
    const owner = entry.news === 'human_wrote' ? undefined : (await connection(entry.connectionId))?.accountId
    if (owner === undefined) continue
    if (entry.news === 'moved') await consents.follow(tx, entry.customer, entry.movedTo, owner, now())
    else wishes.push(wishOf(entry, owner))
  }
  await consents.hear(tx, wishes, now())
}

const wishOf = ({ news, customer, at, receivedAt }: PendingNews, accountId: number): Wish => ({
  accountId,
  address: customer,
  topic: 'marketing',
  isWanted: news === 'marketing_resumed',
  at: saidAt(at, receivedAt),
  by: 'preference',
})

const settled = ({ id, tries }: PendingNews, rootId?: number): SettledNews => ({
  id,
  tries: tries + 1,
  dueAt: null,
  rootId: rootId ?? null,
})
