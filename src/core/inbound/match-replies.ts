/** Which of our messages a reply answers, and which first message its conversation began with. */

import type { Contact } from '../contacts/contact.ts'
import type { Address } from '../contract/address.ts'
import { parseButtonPayload } from '../conversations/button-payload.ts'
import { parseAttemptReference } from '../sending/outgoing-message.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import type { Executor } from '../storage/database.ts'
import { earlierConnections } from './earlier-connections.ts'
import type { PendingReply } from './inbound-store.ts'
import { newestConversations } from './newest-conversations.ts'

/** A reply and the customer as they were known before it. */
export interface KnownReply {
  readonly reply: PendingReply
  readonly contact: Contact | undefined
}

export interface MatchedReply extends KnownReply {
  /** The message that was answered; undefined when only the conversation is known. */
  readonly contextId?: number
  readonly rootId: number
}

/**
 * Finds the conversations of replies, in this order: the message that the provider says was answered; our reference, as
 * echoed or in the button's payload; the newest conversation with that customer on that connection.
 * The first messages stay locked until the transaction's end, so that two taps at once are taken one after the other.
 */
export async function matchReplies(
  tx: Executor,
  outgoing: OutgoingStore,
  replies: readonly KnownReply[],
  now: Date,
): Promise<{ matched: MatchedReply[]; roots: Map<number, OutgoingRecord> }> {
  const guesses = await findCandidates(tx, outgoing, replies, now)
  const contexts = await outgoing.read(tx, [...guesses.values()])
  const found = replies.flatMap((known) => {
    const context = contexts.get(guesses.get(known.reply.id) ?? 0)
    return context ? [{ known, context }] : []
  })
  const isOf = ({ known, context }: (typeof found)[number]) => context.connectionId === known.reply.connectionId
  const moved = found.filter((match) => !isOf(match)).map(({ context }) => context.id)
  const earlier = await earlierConnections(tx, [...new Set(moved)])
  const matched = found.flatMap((match) => {
    const { known, context } = match
    const isOwn = isOf(match) || earlier.has(`${context.id}/${known.reply.connectionId}`)
    return isOwn && isFromRecipient(known, context) ? [matchOf(known, context)] : []
  })
  const roots = await outgoing.lock(
    tx,
    matched.map((match) => match.rootId),
  )
  return { matched, roots }
}

function matchOf(known: KnownReply, found: OutgoingRecord): MatchedReply {
  const isAnswered = isContext(known.reply, found)
  return { ...known, rootId: found.rootOutgoingId ?? found.id, ...(isAnswered ? { contextId: found.id } : {}) }
}

const isContext = ({ contextMessageId }: PendingReply, found: OutgoingRecord): boolean =>
  contextMessageId !== null && contextMessageId === found.messageId

/** All by which the sender of a reply is or was known. */
function addressesOf({ reply, contact }: KnownReply): Address[] {
  const phones = [reply.fromPhone, contact?.phone, contact?.formerPhone].filter(isThere)
  const userIds = [reply.fromUserId, contact?.userId, contact?.formerUserId].filter(isThere)
  return [...new Set(phones)]
    .map((phone): Address => ({ phone }))
    .concat([...new Set(userIds)].map((userId) => ({ userId })))
}

const isThere = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined

/** Digits at the end of a phone that agree however a country's numbers are written (Brazil, Mexico and others). */
const sameDigits = 8

/** Only the provider's word that a message was answered goes without the address: a payload may have been passed on. */
function isFromRecipient(known: KnownReply, found: OutgoingRecord): boolean {
  if (isContext(known.reply, found)) return true
  const addresses = addressesOf(known)
  const phones = addresses.flatMap(({ phone }) => phone ?? [])
  const userIds = addresses.flatMap(({ userId }) => userId ?? [])
  const { customerPhone, customerUserId } = found
  if (customerUserId && userIds.includes(customerUserId)) return true
  if (!customerPhone || phones.length === 0) return true
  return phones.some((phone) => phone.slice(-sameDigits) === customerPhone.slice(-sameDigits))
}

/** Reply id -> id of a message of its conversation. */
async function findCandidates(
  tx: Executor,
  outgoing: OutgoingStore,
  replies: readonly KnownReply[],
  now: Date,
): Promise<Map<number, number>> {
  const candidates = new Map<number, number>()
  const missing = () => replies.filter(({ reply }) => !candidates.has(reply.id))
  const note = (found: ReadonlyMap<string, number>, keyOf: (known: KnownReply) => string | undefined) => {
    for (const known of missing()) {
      const id = found.get(keyOf(known) ?? '')
      if (id !== undefined) candidates.set(known.reply.id, id)
    }
  }
  const contextOf = ({ reply }: KnownReply) => reply.contextMessageId ?? undefined
  note(await outgoing.idsByMessageId(distinct(replies.map(contextOf)), tx), contextOf)

  const referenceOf = ({ reply }: KnownReply) =>
    parseAttemptReference(reply.contextMessageId ?? undefined)?.reference ??
    parseButtonPayload(reply.buttonId ?? undefined)?.reference
  note(await outgoing.idsByReference(distinct(missing().map(referenceOf)), tx), referenceOf)

  // A context that we do not know (yet) is no reason to guess: only what names no message goes to the newest one.
  const unnamed = missing().filter(({ reply }) => reply.contextMessageId === null)
  const wanted = unnamed.map((known) => ({
    key: known.reply.id,
    connectionId: known.reply.connectionId,
    addresses: addressesOf(known),
    before: known.reply.receivedAt,
  }))
  for (const [id, root] of await newestConversations(tx, wanted, now)) candidates.set(id, root)
  return candidates
}

const distinct = (values: readonly (string | undefined)[]): string[] => [...new Set(values.filter(isThere))]
