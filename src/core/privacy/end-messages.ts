/** Ends what would still be sent to a person who is erased, and notes which messages were theirs. */

import { rank } from '../sending/outgoing-message.ts'
import type { OutgoingChange, OutgoingRecord } from '../sending/outgoing-rows.ts'
import { unknownActivity } from '../sending/unknown-activity.ts'
import type { Executor } from '../storage/database.ts'
import { insertRows, updateWhereIn } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import type { EraseDeps } from './erase.ts'
import type { Erasure } from './erasure-store.ts'
import { together } from './person.ts'
import type { Tally } from './tally.ts'

/** Reason of a message that is not sent any more. */
export const erasedCode = 'erased'
const why = 'the recipient was erased before this could be sent'

/**
 * @param until messages that were written later are none of the erasure's business
 * @returns the erasure with what the messages tell of the person, kept before it is cleared
 */
export async function endMessages(
  { database, store, outgoing, activity, now }: EraseDeps,
  erasure: Erasure,
  ids: readonly number[],
  until: Date,
  tally: Tally,
): Promise<Erasure> {
  const found = [...(await outgoing.read(database, ids)).values()].filter(({ createdAt }) => createdAt <= until)
  if (found.length === 0) return erasure
  const known = await saveKnown(store, erasure, found)
  const ended = await database.transaction(async (tx) => {
    const records = [
      ...(
        await outgoing.lock(
          tx,
          found.map(({ id }) => id),
        )
      ).values(),
    ]
    await list(tx, database.keepExisting, erasure.id, records)
    const changes = records.flatMap((record) => endOf(record) ?? [])
    await outgoing.apply(tx, changes, now())
    await sendNoMore(tx, records, now())
    const unknown = changes.filter(({ state }) => state === 'unknown')
    const lost = records.filter(({ id }) => unknown.some((change) => change.id === id))
    await activity.insert(
      tx,
      lost.map((record) => unknownActivity(record, 'its recipient was erased', now())),
      now(),
    )
    return changes.length
  })
  activity.committed()
  tally.add('ended', ended)
  return known
}

/** Mail and orders stand in what could not be used as well; they are known by the messages only. */
async function saveKnown(store: EraseDeps['store'], erasure: Erasure, records: readonly OutgoingRecord[]) {
  const told = {
    phones: [],
    userIds: records.flatMap(({ customerUserId }) => customerUserId ?? []),
    emails: records.flatMap(({ snapshot }) => snapshot.email || []),
    orders: records.flatMap(({ accountId, snapshot: { orderNumber } }) =>
      orderNumber ? [{ accountId, number: orderNumber }] : [],
    ),
  }
  const person = together(erasure.person, told)
  const isNews = JSON.stringify(person) !== JSON.stringify(erasure.person)
  return isNews ? store.saveKnown(erasure, person) : erasure
}

/** What was never called is skipped. What may have been sent will not be sent again, so nobody will know. */
function endOf(record: OutgoingRecord): OutgoingChange | undefined {
  const isWaiting = record.state === 'queued' || record.state === 'waiting'
  if (isWaiting && !record.possibleDuplicate)
    return { ...record, state: 'skipped', dueAt: null, failureCode: erasedCode, failureReason: why }
  if (isWaiting || record.state === 'in_doubt')
    return { ...record, state: 'unknown', statusRank: rank.unclear, dueAt: null }
  return undefined
}

/** One that is being sent comes to its end, and is not tried again. */
async function sendNoMore(tx: Executor, records: readonly OutgoingRecord[], now: Date): Promise<void> {
  const sending = records.filter(({ state }) => state === 'sending').map(({ id }) => id)
  await updateWhereIn(tx, 'wa_outgoing_messages', { expires_at: sqlTime(now) }, 'id', sending)
}

async function list(tx: Executor, keepExisting: string, erasureId: number, records: readonly OutgoingRecord[]) {
  const rows = records.map(({ id }) => ({ erasure_id: erasureId, wa_outgoing_message_id: id }))
  await insertRows(tx, 'erased_messages', rows, keepExisting, ['wa_outgoing_message_id', 'erasure_id'])
}
