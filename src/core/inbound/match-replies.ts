/** Which of our messages a reply answers, and which first message its conversation began with. */

import { parseButtonPayload } from '../conversations/button-payload.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import type { Executor } from '../storage/database.ts'
import { selectIn } from '../storage/rows.ts'
import type { PendingReply } from './inbound-store.ts'

export interface MatchedReply {
  readonly reply: PendingReply
  /** The message that was answered; undefined when only the conversation is known. */
  readonly contextId?: number
  readonly rootId: number
}

/**
 * Finds the conversations of replies, in this order: the message that the provider says was answered; our reference in
 * the button's payload; the newest conversation of that phone on that connection.
 * The first messages stay locked until the transaction's end, so that two taps at once are taken one after the other.
 */
export async function matchReplies(
  tx: Executor,
  outgoing: OutgoingStore,
  replies: readonly PendingReply[],
): Promise<{ matched: MatchedReply[]; roots: Map<number, OutgoingRecord> }> {
  const guesses = await findCandidates(tx, outgoing, replies)
  const contexts = await outgoing.read(tx, [...guesses.values()])
  const matched = replies.flatMap((reply) => {
    const context = contexts.get(guesses.get(reply.id) ?? 0)
    return context?.connectionId === reply.connectionId && isFromRecipient(reply, context)
      ? [matchOf(reply, context)]
      : []
  })
  const roots = await outgoing.lock(
    tx,
    matched.map((match) => match.rootId),
  )
  return { matched, roots }
}

function matchOf(reply: PendingReply, found: OutgoingRecord): MatchedReply {
  const isAnswered = reply.contextMessageId !== null && reply.contextMessageId === found.messageId
  return { reply, rootId: found.rootOutgoingId ?? found.id, ...(isAnswered ? { contextId: found.id } : {}) }
}

/** Digits at the end of a phone that agree however a country's numbers are written (Brazil, Mexico and others). */
const sameDigits = 8

/** Only the provider's word that a message was answered goes without the phone: a payload may have been passed on. */
function isFromRecipient(reply: PendingReply, found: OutgoingRecord): boolean {
  if (reply.contextMessageId !== null && reply.contextMessageId === found.messageId) return true
  if (!reply.fromPhone || !found.customerPhone) return true
  return reply.fromPhone.slice(-sameDigits) === found.customerPhone.slice(-sameDigits)
}

/** Reply id -> id of a message of its conversation. */
async function findCandidates(tx: Executor, outgoing: OutgoingStore, replies: readonly PendingReply[]) {
  const candidates = new Map<number, number>()
  const missing = () => replies.filter((reply) => !candidates.has(reply.id))
  const note = (found: ReadonlyMap<string, number>, keyOf: (reply: PendingReply) => string | undefined) => {
    for (const reply of missing()) {
      const id = found.get(keyOf(reply) ?? '')
      if (id !== undefined) candidates.set(reply.id, id)
    }
  }
  const contextOf = (reply: PendingReply) => reply.contextMessageId ?? undefined
  note(await outgoing.idsByMessageId(present(replies.map(contextOf)), tx), contextOf)

  const referenceOf = (reply: PendingReply) => parseButtonPayload(reply.buttonId ?? undefined)?.reference
  note(await outgoing.idsByReference(present(missing().map(referenceOf)), tx), referenceOf)

  // A context that we do not know (yet) is no reason to guess: only what names no message goes to the newest one.
  const phoneOf = (reply: PendingReply) =>
    reply.contextMessageId === null && reply.fromPhone ? `${reply.connectionId}/${reply.fromPhone}` : undefined
  note(await newestConversations(tx, missing().filter(phoneOf)), phoneOf)
  return candidates
}

const present = (values: readonly (string | undefined)[]): string[] => [
  ...new Set(values.filter((value) => value !== undefined)),
]

async function newestConversations(tx: Executor, replies: readonly PendingReply[]): Promise<Map<string, number>> {
  const head = `SELECT MAX(id) AS id, customer_phone AS phone, whatsappSenderConnectionId AS connection
    FROM wa_outgoing_messages WHERE root_outgoing_message_id IS NULL AND state = 'accepted' AND customer_phone`
  const rows = await selectIn<{ id: number; phone: string; connection: number }>(
    tx,
    head,
    present(replies.map((reply) => reply.fromPhone ?? undefined)),
    ' GROUP BY customer_phone, whatsappSenderConnectionId',
  )
  return new Map(rows.map((row) => [`${row.connection}/${row.phone}`, Number(row.id)]))
}
