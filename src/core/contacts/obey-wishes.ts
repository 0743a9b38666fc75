/** Hears what customers want and, where that is nothing more, ends what still waits to be sent to them. */

import type { Address } from '../contract/address.ts'
import type { OutgoingChange, OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import type { Executor } from '../storage/database.ts'
import type { Wish } from './consent.ts'
import type { ConsentStore } from './consent-store.ts'
import { recipientColumns } from './recipient-columns.ts'

/** @returns as {@link ConsentStore.hear} does */
export type ObeyWishes = (tx: Executor, wishes: readonly Wish[], now: Date) => Promise<boolean[]>

export interface ObeyDeps {
  readonly consents: Pick<ConsentStore, 'hear'>
  readonly outgoing: Pick<OutgoingStore, 'lock' | 'apply'>
}

/**
 * What waits would not be called anyway (see sending/permission.ts): ended at once it does not look as if it were to
 * come, and does not stand before the word that the wish was heard.
 */
export const createObeyWishes =
  ({ consents, outgoing }: ObeyDeps): ObeyWishes =>
  async (tx, wishes, now) => {
    const areNews = await consents.hear(tx, wishes, now)
    const stopped = wishes.filter(({ topic, isWanted }, index) => areNews[index] && topic === 'all' && !isWanted)
    const ids: number[] = []
    for (const { accountId, address } of stopped) ids.push(...(await waitingFor(tx, accountId, address)))
    if (ids.length === 0) return areNews
    const held = [...(await outgoing.lock(tx, ids)).values()]
    await outgoing.apply(tx, held.filter(isToEnd).map(ended), now)
    return areNews
  }

/** More than ever wait for one person; the rest is ended when its turn to be sent comes. */
const mostAtOnce = 500

/** Messages of the account, or through a connection of its. */
async function waitingFor(tx: Executor, accountId: number, address: Address): Promise<number[]> {
  const found: number[] = []
  for (const [column, value] of recipientColumns(address)) {
    const rows = await tx.select<{ id: number }>(
      `SELECT id FROM wa_outgoing_messages WHERE ${column} = $1 AND state IN ('queued', 'waiting')
       AND (account_id = $2 OR whatsappSenderConnectionId IN (SELECT id FROM wa_connections WHERE account_id = $2))
       ORDER BY id LIMIT ${mostAtOnce}`,
      [value, accountId],
    )
    found.push(...rows.map(({ id }) => Number(id)))
  }
  return found
}

/** One of which an earlier attempt is in doubt may have been sent: it ends as unknown when its turn comes. */
const isToEnd = ({ state, possibleDuplicate }: OutgoingRecord): boolean =>
  (state === 'queued' || state === 'waiting') && !possibleDuplicate

const ended = (record: OutgoingRecord): OutgoingChange => ({
  ...record,
  state: 'skipped',
  dueAt: null,
  failureCode: 'recipient_opted_out',
  failureReason: 'the recipient wants no messages',
})
