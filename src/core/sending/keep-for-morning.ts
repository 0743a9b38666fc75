/** Messages that were claimed while the hours are quiet at their recipients': no call began, and they wait. */

import type { Database } from '../storage/database.ts'
import { updateRows, type Values } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import { unsent } from './after-end.ts'
import { changeRow, type OutgoingChange, type OutgoingRecord } from './outgoing-rows.ts'
import type { OutgoingStore } from './outgoing-store.ts'

export interface KeptMessage {
  readonly id: number
  /** Number of the claim. */
  readonly attempt: number
  readonly morning: Date
}

export interface KeepDeps {
  readonly database: Database
  readonly store: Pick<OutgoingStore, 'lock' | 'apply'>
  /** How a message is marked that is of no use by then. */
  readonly useless: (morning: Date, expiresAt: Date) => { readonly code: string; readonly reason: string }
  readonly now: () => Date
}

/** What an operator had sent again is of use for so long after the opening. */
const byHandUsefulMs = 3_600_000

/** Puts them back among those that wait, or ends them; safe to repeat. The claims do not count as attempts. */
export async function keepForMorning(deps: KeepDeps, kept: readonly KeptMessage[]): Promise<void> {
  const { database, store } = deps
  await database.transaction(async (tx) => {
    const locked = await store.lock(
      tx,
      kept.map(({ id }) => id),
    )
    const rows = kept.flatMap((message) => {
      const record = locked.get(message.id)
      const isOurs = record?.state === 'sending' && record.attempts === message.attempt
      return isOurs ? [keptRow(deps, record, message.morning)] : []
    })
    await updateRows(tx, 'wa_outgoing_messages', rows)
  })
}

function keptRow({ useless, now }: KeepDeps, record: OutgoingRecord, morning: Date): Values {
  const expiresAt = record.resentByHandAt ? new Date(morning.getTime() + byHandUsefulMs) : record.expiresAt
  const isUseless = expiresAt !== null && expiresAt <= morning
  const change = isUseless ? unsent(record, useless(morning, expiresAt), now()) : waiting(record, morning)
  return {
    ...changeRow(change, now()),
    quiet_until: isUseless ? null : sqlTime(morning),
    expires_at: sqlTime(expiresAt),
    given_back: record.givenBack + 1,
  }
}

/** Tried before, it waits for its next attempt. */
const waiting = (record: OutgoingRecord, morning: Date): OutgoingChange => ({
  ...record,
  state: record.attempts > record.givenBack + 1 ? 'waiting' : 'queued',
  dueAt: morning,
})

/** Scanned are messages that wait for some time of their own; there are few by day. */
const groupSize = 500
/** Until every replica has heard of new settings. */
const heardMs = 2_000

/** Named: MariaDB would rather read all messages that there are, since those are in the wanted order. */
const whatWaits = ' FORCE INDEX (wa_outgoing_messages_state_due_at)'

/**
 * The quiet hours of an account were changed: what waits for them is decided again, as if its time had come.
 */
export async function releaseKept(database: Database, accountId: number, now: Date): Promise<void> {
  const dueAt = sqlTime(new Date(now.getTime() + heardMs))
  for (let released = groupSize; released === groupSize; ) {
    released = await database.transaction(async (tx) => {
      const rows = await tx.select<{ id: number }>(
        `SELECT id FROM wa_outgoing_messages${database.dialect === 'mysql' ? whatWaits : ''} WHERE state IN ('queued', 'waiting') AND due_at > $1 AND due_at = quiet_until
         AND account_id = $2 ORDER BY id LIMIT ${groupSize}${database.forUpdateSkipLocked}`,
        [dueAt, accountId],
      )
      await updateRows(
        tx,
        'wa_outgoing_messages',
        rows.map(({ id }) => ({ id, due_at: dueAt, quiet_until: null })),
      )
      return rows.length
    })
  }
}
