/** Ends what is open about shipments that were delivered, cancelled or sent back. */

import type { ShipmentEnd } from '../notifications/kinds/shipment-end.ts'
import { withoutSending } from '../sending/after-end.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import type { Database, Executor } from '../storage/database.ts'
import { selectIn } from '../storage/rows.ts'
import type { ConversationStore, StoredConversation } from './conversation-store.ts'
import { keyOf, noteEnds } from './shipment-ends.ts'

export interface EndDeps {
  readonly database: Pick<Database, 'keepExisting'>
  readonly outgoing: Pick<OutgoingStore, 'lock' | 'apply'>
  readonly conversations: ConversationStore
}

/**
 * Closes the conversations about these shipments, whatever has been said in them so far, and ends first messages that
 * still wait; what is being sent meanwhile, or comes later, meets the end that is remembered. Most shipments arrive at
 * once and have no conversation: they cost one row and one look-up for the whole group.
 */
export async function endConversations(
  { database, outgoing, conversations }: EndDeps,
  tx: Executor,
  ends: readonly ShipmentEnd[],
  now: Date,
): Promise<void> {
  await noteEnds(tx, database.keepExisting, ends, now)
  const roots = [...(await outgoing.lock(tx, await firstMessages(tx, ends))).values()]
  if (roots.length === 0) return
  const endOf = new Map(ends.map((end) => [keyOf(end.accountId, end.shipmentId), end]))
  const known = await conversations.load(
    tx,
    roots.map(({ id }) => id),
  )
  const closed = roots.flatMap((root): StoredConversation[] => {
    const end = endOf.get(keyOf(root.accountId, root.subjectId ?? ''))
    const conversation = known.get(root.id) ?? { rootId: root.id, accountId: root.accountId, offeredDates: [] }
    return end ? [{ ...conversation, closedBy: end.status, closedAt: now }] : []
  })
  await conversations.save(tx, closed, now)
  const late = roots.filter(({ state }) => state === 'queued' || state === 'waiting')
  await outgoing.apply(
    tx,
    late.map((root) => {
      const end = endOf.get(keyOf(root.accountId, root.subjectId ?? ''))
      return withoutSending(root, end?.status ?? 'ended', now)
    }),
    now,
  )
}

async function firstMessages(tx: Executor, ends: readonly ShipmentEnd[]): Promise<number[]> {
  const wanted = new Set(ends.map(({ accountId, shipmentId }) => keyOf(accountId, shipmentId)))
  const head = `SELECT id, account_id, subject_id FROM wa_outgoing_messages
    WHERE subject_type = 'shipment' AND root_outgoing_message_id IS NULL AND subject_id`
  const shipments = [...new Set(ends.map(({ shipmentId }) => shipmentId))]
  const rows = await selectIn<{ id: number; account_id: number; subject_id: string }>(tx, head, shipments)
  return rows.filter((row) => wanted.has(keyOf(Number(row.account_id), row.subject_id))).map((row) => Number(row.id))
}
