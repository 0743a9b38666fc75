/**
 * Replies that belong to no conversation of ours, and what every reply tells about its customer. Nothing that a
 * customer says is dropped: a reply whose message does not turn up within seconds is announced by itself, once.
 */

import type { Connection } from '../accounts/connections.ts'
import type { AccountSettings } from '../accounts/settings.ts'
import { type ActivityRecord, activityRecord } from '../activity/activity-event.ts'
import type { ContactUpdate } from '../contacts/contact-store.ts'
import { type Address, digitsOf } from '../contract/address.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { PendingReply } from './inbound-store.ts'
import type { KnownReply, MatchedReply } from './match-replies.ts'
import { isByCustomer, opensWindow } from './reply-kinds.ts'

/** Looks in vain after which nothing is waited for any more: about six seconds. */
const announcedAfterLooks = 2

/** May the message that a reply belongs to turn up within seconds? */
export const mayTurnUp = ({ tries, isAnnounced }: PendingReply): boolean => !isAnnounced && tries < announcedAfterLooks

/** Is a reply that was not matched now to be announced by itself? */
export const isToBeAnnounced = ({ tries, isAnnounced, type }: PendingReply): boolean =>
  !isAnnounced && tries >= announcedAfterLooks && isByCustomer(type)

export interface StrayDeps {
  readonly connection: (id: number) => Promise<Connection | undefined>
  readonly settings: (accountId: number, channelId?: string) => Promise<AccountSettings>
}

/** Activity events of the replies that are announced by themselves now: the account is the connection's. */
export async function strayReplies(
  deps: StrayDeps,
  pending: readonly PendingReply[],
  matched: readonly MatchedReply[],
): Promise<ActivityRecord[]> {
  const known = new Set(matched.map(({ reply }) => reply.id))
  const strays = pending.filter((reply) => !known.has(reply.id) && isToBeAnnounced(reply))
  const records = await Promise.all(
    strays.map(async (reply) => {
      const connection = await deps.connection(reply.connectionId)
      return connection && strayRecord(reply, connection, await deps.settings(connection.accountId))
    }),
  )
  return records.filter((record) => record !== undefined)
}

/** What is not known of the order stays empty rather than guessed. */
function strayRecord(reply: PendingReply, connection: Connection, settings: AccountSettings): ActivityRecord {
  const { fromPhone, fromName, messageId } = reply
  return activityRecord(
    {
      id: null,
      reference: `reply/${connection.id}/${messageId}`,
      accountId: connection.accountId,
      messageId: null,
      rootMessageId: null,
      rootOutgoingId: null,
      businessPhone: connection.businessPhone,
      customerPhone: fromPhone,
      snapshot: {
        ...(settings.accountSlug ? { accountSlug: settings.accountSlug } : {}),
        ...(fromName ? { customerName: fromName } : {}),
        ...(fromPhone ? { customerPhone: digitsOf(fromPhone) } : {}),
      },
      sentAt: null,
      deliveredAt: null,
      readAt: null,
    },
    { eventSubType: 'customer_reply', at: reply.receivedAt, reply: { messageId } },
  )
}

/** What replies tell about their customers: that they wrote, and by which addresses they are known. */
export function contactUpdates(
  known: readonly KnownReply[],
  matched: readonly MatchedReply[],
  roots: ReadonlyMap<number, OutgoingRecord>,
): ContactUpdate[] {
  const answered = new Map(
    matched.flatMap(({ reply, rootId, contextId }) => (contextId === undefined ? [] : [[reply.id, roots.get(rootId)]])),
  )
  return known.flatMap(({ reply }) => {
    const address = addressOf(reply, answered.get(reply.id))
    if (!opensWindow(reply.type) || (!address.phone && !address.userId)) return []
    const change = { type: 'wrote', at: reply.writtenAt, name: reply.fromName ?? undefined } as const
    return [{ connectionId: reply.connectionId, address, change }]
  })
}

/** Somebody who hides their phone and answers a message of ours is whom it was sent to. */
function addressOf({ fromPhone, fromUserId }: PendingReply, answered: OutgoingRecord | undefined): Address {
  const phone = fromPhone ?? answered?.customerPhone
  return { ...(phone ? { phone } : {}), ...(fromUserId ? { userId: fromUserId } : {}) }
}
