/** Messages that nobody can work on, e.g. because their row cannot be read: here it is not read either. */

import type { Executor, SqlValue } from '../storage/database.ts'
import { sqlTime } from '../storage/time.ts'
import { type MessageState, rank } from './outgoing-message.ts'

/** Time for somebody to see it, and mend it. */
const putOffMs = 10 * 60_000
/** After about an hour it does not stand in the way of others any more. */
const mostPutOffs = 6

/** Clients see it, so it says nothing of what the row holds. */
const notDecided = 'not decided yet: the message could not be worked on'
const givenUp = 'the message could not be worked on'

/** @param from states in which it is put off */
export async function putOff(tx: Executor, id: number, from: readonly MessageState[], now: Date): Promise<void> {
  const bind: SqlValue[] = [id, sqlTime(now), mostPutOffs]
  const states = from.map((state) => `$${bind.push(state)}`).join(', ')
  const place = (value: SqlValue) => `$${bind.push(value)}`
  await tx.write(
    `UPDATE wa_outgoing_messages SET due_at = ${place(sqlTime(new Date(now.getTime() + putOffMs)))},
       put_offs = put_offs + 1, failure_reason = ${place(notDecided)}
     WHERE id = $1 AND due_at <= $2 AND put_offs < $3 AND state IN (${states})`,
    bind,
  )
  await setAside(tx, id, from, now)
}

/** A provider may have taken it; what was accepted stays so, and nothing more is expected of it. */
async function setAside(tx: Executor, id: number, from: readonly MessageState[], now: Date): Promise<void> {
  const at = sqlTime(now)
  const isFar = 'id = $1 AND due_at <= $2 AND put_offs >= $3'
  if (from.includes('accepted'))
    await tx.write(`UPDATE wa_outgoing_messages SET due_at = NULL WHERE ${isFar} AND state = 'accepted'`, [
      id,
      at,
      mostPutOffs,
    ])
  const open = from.filter((state) => state !== 'accepted')
  if (open.length === 0) return
  const bind: SqlValue[] = [id, at, mostPutOffs, rank.unclear, givenUp]
  const states = open.map((state) => `$${bind.push(state)}`).join(', ')
  await tx.write(
    `UPDATE wa_outgoing_messages SET state = 'unknown', status_rank = $4, due_at = NULL, failure_reason = $5,
       updated_at = $2 WHERE ${isFar} AND state IN (${states})`,
    bind,
  )
}
