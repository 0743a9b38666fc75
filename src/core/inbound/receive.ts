/** The story of a webhook, first half: sort its parts and store them. Nothing is answered 200 before this resolves. */

import type { ConnectionEvents, ReceivedAccountNews } from '../accounts/connection-events.ts'
import type { Connection } from '../accounts/connections.ts'
import type { AccountNews, InboundEvent } from '../contract/events.ts'
import type { RejectedEvents, Rejection } from '../notifications/rejected-events.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Database, Executor } from '../storage/database.ts'
import { fitsOneInsert } from '../storage/rows.ts'
import type { ContactNewsStore, ReceivedNews } from './contact-news-store.ts'
import type { InboundStore, ReceivedReply, ReceivedReport } from './inbound-store.ts'

/** One verified and parsed webhook request. */
export interface VerifiedWebhook {
  /** The connections that this URL stands for; each part is addressed to one of them. */
  readonly connections: readonly Connection[]
  /** The connections that news which comes by it may be about. */
  readonly related: readonly Connection[]
  readonly events: readonly InboundEvent[]
}

export interface ReceiveDeps {
  readonly database: Database
  readonly store: InboundStore
  readonly contactNews: ContactNewsStore
  readonly connectionEvents: ConnectionEvents
  readonly rejected: RejectedEvents
  /** Each is rung when something of its kind is committed and waits to be applied. */
  readonly bells: Readonly<Record<'reports' | 'replies' | 'contactNews' | 'accountNews', () => void>>
  readonly metrics: Metrics
  readonly now: () => Date
}

/** Stores a group of webhook requests in one transaction. */
export async function receiveWebhooks(deps: ReceiveDeps, webhooks: readonly VerifiedWebhook[]): Promise<undefined[]> {
  const { database, store, contactNews, connectionEvents, rejected, bells, metrics, now } = deps
  const sorted = sortParts(webhooks)
  for (const kind of sortings) metrics.inboundParts.inc({ kind }, sorted.counts[kind])
  const write = async (tx: Executor) => {
    await store.insert(tx, sorted.reports, sorted.replies, now())
    await contactNews.insert(tx, sorted.news, now())
    await connectionEvents.insert(tx, sorted.accountNews, now())
    if (sorted.rejections.length > 0) await rejected.park(tx, sorted.rejections, now())
  }
  await (isOneStatement(sorted) ? write(database) : database.transaction(write))
  if (sorted.reports.length > 0) bells.reports()
  if (sorted.replies.length > 0) bells.replies()
  if (sorted.news.length > 0) bells.contactNews()
  if (sorted.accountNews.length > 0) bells.accountNews()
  return webhooks.map(() => undefined)
}

/** The usual webhook at a moderate rate: its answer need not wait for a begin and a commit on their ways. */
const isOneStatement = ({ reports, replies, news, accountNews, rejections }: SortedParts): boolean =>
  fitsOneInsert(reports.length) && [replies, news, accountNews, rejections].every((others) => others.length === 0)

interface SortedParts {
  readonly reports: ReceivedReport[]
  readonly replies: ReceivedReply[]
  readonly news: ReceivedNews[]
  readonly accountNews: ReceivedAccountNews[]
  readonly rejections: Rejection[]
  readonly counts: Record<Sorting, number>
}

const sortings = ['report', 'reply', 'contact_news', 'account_news', 'unreadable', 'ignored', 'misrouted'] as const
type Sorting = (typeof sortings)[number]

function sortParts(webhooks: readonly VerifiedWebhook[]): SortedParts {
  const counts = { report: 0, reply: 0, contact_news: 0, account_news: 0, unreadable: 0, ignored: 0, misrouted: 0 }
  const sorted: SortedParts = { reports: [], replies: [], news: [], accountNews: [], rejections: [], counts }
  for (const webhook of webhooks) {
    for (const event of webhook.events) counts[sortPart(sorted, webhook, event)]++
  }
  return sorted
}

function sortPart(sorted: SortedParts, { connections, related }: VerifiedWebhook, event: InboundEvent): Sorting {
  const { part, senderId } = event
  if (part.type === 'ignored') return 'ignored'
  const owner = connections.find((candidate) => candidate.senderId === senderId)
  if (part.type === 'unreadable') {
    sorted.rejections.push(rejection('unreadable_part', part.why, part.raw, owner))
    return 'unreadable'
  }
  if (part.type === 'account_news') return sortAccountNews(sorted, related, event, part)
  if (!owner) {
    // Addressed to a number that is not behind this URL: kept for a person to see, never given to anybody by guess.
    sorted.rejections.push(rejection('misrouted_webhook', `no connection here has the sender ${senderId}`, part.raw))
    return 'misrouted'
  }
  if (part.type === 'report') sorted.reports.push({ connectionId: owner.id, report: part })
  else if (part.type === 'contact_news') sorted.news.push({ connectionId: owner.id, news: part })
  else sorted.replies.push({ connectionId: owner.id, reply: part })
  return part.type
}

/** One entry with each connection that the news is about. */
function sortAccountNews(
  { accountNews, rejections }: SortedParts,
  related: readonly Connection[],
  event: InboundEvent,
  part: AccountNews,
): 'account_news' | 'misrouted' {
  const concerned = concernedBy(event, related)
  accountNews.push(...concerned.map(({ id, accountId }) => ({ connectionId: id, accountId, news: part })))
  if (concerned.length > 0) return 'account_news'
  const detail = `${part.topic}: no connection here has the account ${event.vendorAccountId}`
  rejections.push(rejection('misrouted_webhook', detail, part.raw))
  return 'misrouted'
}

/** By the sender's id; else all of the account, or the one number of it that is named. */
function concernedBy(
  { senderId, vendorAccountId, senderPhone }: InboundEvent,
  related: readonly Connection[],
): readonly Connection[] {
  if (senderId !== undefined) return related.filter((candidate) => candidate.senderId === senderId)
  if (vendorAccountId === undefined) return []
  const ofAccount = related.filter((candidate) => candidate.vendorAccountId === vendorAccountId)
  const named = ofAccount.filter(({ businessPhone }) => businessPhone === senderPhone)
  return named.length > 0 ? named : ofAccount
}

const rejection = (reason: string, detail: string, raw: unknown, owner?: Connection): Rejection => ({
  source: 'webhook',
  ...(owner ? { connectionId: owner.id, accountId: owner.accountId } : {}),
  reason,
  detail,
  body: Buffer.from(JSON.stringify(raw ?? null)),
})
