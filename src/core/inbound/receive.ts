/** The story of a webhook, first half: sort its parts and store them. Nothing is answered 200 before this resolves. */

import type { Connection } from '../accounts/connections.ts'
import type { InboundEvent } from '../contract/events.ts'
import type { RejectedEvents, Rejection } from '../notifications/rejected-events.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Database } from '../storage/database.ts'
import type { ContactNewsStore, ReceivedNews } from './contact-news-store.ts'
import type { InboundStore, ReceivedReply, ReceivedReport } from './inbound-store.ts'

/** One verified and parsed webhook request. */
export interface VerifiedWebhook {
  /** The connections that this URL stands for; each part is addressed to one of them. */
  readonly connections: readonly Connection[]
  readonly events: readonly InboundEvent[]
}

export interface ReceiveDeps {
  readonly database: Database
  readonly store: InboundStore
  readonly contactNews: ContactNewsStore
  readonly rejected: RejectedEvents
  readonly metrics: Metrics
  /** News about customers are committed: they may be applied. */
  readonly onContactNews: () => void
  readonly now: () => Date
}

/** Stores a group of webhook requests in one transaction. */
export async function receiveWebhooks(deps: ReceiveDeps, webhooks: readonly VerifiedWebhook[]): Promise<undefined[]> {
  const { database, store, contactNews, rejected, metrics, now } = deps
  const sorted = sortParts(webhooks)
  for (const [kind, count] of Object.entries(sorted.counts)) metrics.inboundParts.inc({ kind }, count)
  await database.transaction(async (tx) => {
    await store.insert(tx, sorted.reports, sorted.replies, now())
    await contactNews.insert(tx, sorted.news, now())
    if (sorted.rejections.length > 0) await rejected.park(tx, sorted.rejections, now())
  })
  if (sorted.news.length > 0) deps.onContactNews()
  return webhooks.map(() => undefined)
}

interface SortedParts {
  readonly reports: ReceivedReport[]
  readonly replies: ReceivedReply[]
  readonly news: ReceivedNews[]
  readonly rejections: Rejection[]
  readonly counts: Record<'report' | 'reply' | 'contact_news' | 'unreadable' | 'ignored' | 'misrouted', number>
}

function sortParts(webhooks: readonly VerifiedWebhook[]): SortedParts {
  const counts = { report: 0, reply: 0, contact_news: 0, unreadable: 0, ignored: 0, misrouted: 0 }
  const sorted: SortedParts = { reports: [], replies: [], news: [], rejections: [], counts }
  for (const { connections, events } of webhooks) {
    for (const event of events) counts[sortPart(sorted, connections, event)]++
  }
  return sorted
}

function sortPart(
  sorted: SortedParts,
  connections: readonly Connection[],
  event: InboundEvent,
): keyof SortedParts['counts'] {
  const { part, senderId } = event
  if (part.type === 'ignored') return 'ignored'
  const owner = connections.find((candidate) => candidate.senderId === senderId)
  if (part.type === 'unreadable') {
    sorted.rejections.push(rejection('unreadable_part', part.why, part.raw, owner))
    return 'unreadable'
  }
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

const rejection = (reason: string, detail: string, raw: unknown, owner?: Connection): Rejection => ({
  source: 'webhook',
  ...(owner ? { connectionId: owner.id } : {}),
  reason,
  detail,
  body: Buffer.from(JSON.stringify(raw ?? null)),
})
