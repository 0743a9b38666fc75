/** Publishes activity events from their rows, those of one conversation strictly one after the other. */

import type { Lease } from '../storage/lease.ts'
import type { ActivityStore, StoredActivity } from './activity-store.ts'

export interface PublishDeps {
  readonly activity: Pick<ActivityStore, 'unpublished' | 'markPublished'>
  /** Two publishers side by side could overtake each other. */
  readonly lease: Lease
  /** Resolves with true once the broker has confirmed that it keeps the event; never rejects. */
  readonly publish: (event: StoredActivity) => Promise<boolean>
  readonly now: () => Date
}

export interface Published {
  /** How many events were looked at. */
  readonly found: number
  /** How many of them the broker keeps; the others stay where they are. */
  readonly confirmed: number
}

export const publishGroupSize = 256

const nothing: Published = { found: 0, confirmed: 0 }

/** Publishes one group, oldest first, and marks what was confirmed. Only the replica that holds the lease does. */
export async function publishActivity({ activity, lease, publish, now }: PublishDeps): Promise<Published> {
  const heldUntilMs = await lease.hold()
  if (heldUntilMs === undefined) return nothing
  const events = await activity.unpublished(publishGroupSize)
  if (events.length === 0) return nothing
  const mayPublish = () => performance.now() < heldUntilMs
  const confirmed = await Promise.all(byConversation(events).map((chain) => publishInTurn(chain, publish, mayPublish)))
  await activity.markPublished(confirmed.flat(), now())
  return { found: events.length, confirmed: confirmed.flat().length }
}

function byConversation(events: readonly StoredActivity[]): StoredActivity[][] {
  const chains = new Map<string, StoredActivity[]>()
  for (const event of events) {
    const key = event.rootId === null ? event.eventId : String(event.rootId)
    const chain = chains.get(key)
    if (chain) chain.push(event)
    else chains.set(key, [event])
  }
  return [...chains.values()]
}

/**
 * Each event only after the one before it was confirmed: a broker may refuse one event and keep the next.
 * @returns ids of what was confirmed
 */
async function publishInTurn(
  chain: readonly StoredActivity[],
  publish: PublishDeps['publish'],
  mayPublish: () => boolean,
): Promise<number[]> {
  const confirmed: number[] = []
  for (const event of chain) {
    if (!mayPublish() || !(await publish(event))) break
    confirmed.push(event.id)
  }
  return confirmed
}
