/** Takes back what of a bulk was not sent yet, in groups that are held for a moment only. */

import { rank } from '../sending/outgoing-message.ts'
import type { Database, Executor } from '../storage/database.ts'
import { selectIn, updateWhereIn } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import { cancelledCode, whyCancelled } from './cancelled.ts'

/** Messages in one transaction: it holds them, and reports and claims wait meanwhile. */
const groupSize = 500
const table = 'wa_outgoing_messages'

interface Found {
  readonly id: number
  readonly unique_key: string
}

interface Held {
  readonly id: number
  readonly state: string
  /** 1: an earlier attempt may have been taken. */
  readonly mark: number
}

/**
 * May be repeated, and goes on with what is left.
 * @param keys between which, exclusively, those of all its messages lie
 */
export async function cancelMessages(
  database: Database,
  [first, end]: readonly [string, string],
  now: Date,
): Promise<void> {
  for (let after: string | undefined = first; after !== undefined; ) {
    const found: Found[] = await findOpen(database, after, end)
    const ids = found.map(({ id }) => Number(id)).sort((a, b) => a - b)
    if (ids.length > 0) await database.transaction((tx) => cancelGroup(database, tx, ids, now))
    after = found.length === groupSize ? found.at(-1)?.unique_key : undefined
  }
}

/** Named: MariaDB would rather walk through all messages there are, in the order of their ids. */
const byKey = ` FORCE INDEX (${table}_idempotency_key)`

/** Nothing is held: the keys lie in another order than ids. */
const findOpen = ({ dialect, select }: Database, after: string, end: string): Promise<Found[]> =>
  select<Found>(
    `SELECT id, idempotency_key AS unique_key FROM ${table}${dialect === 'mysql' ? byKey : ''}
     WHERE idempotency_key > $1 AND idempotency_key < $2
     AND (state IN ('queued', 'waiting', 'sending', 'in_doubt') OR (state = 'accepted' AND status_rank <= ${rank.sent}))
     ORDER BY idempotency_key LIMIT ${groupSize}`,
    [after, end],
  )

async function cancelGroup({ forUpdate }: Database, tx: Executor, ids: readonly number[], now: Date): Promise<void> {
  const head = `SELECT id, state, possible_duplicate AS mark FROM ${table} WHERE id`
  const held = await selectIn<Held>(tx, head, ids, ` ORDER BY id${forUpdate}`)
  const at = sqlTime(now)
  const change = (values: Parameters<typeof updateWhereIn>[2], isMeant: (message: Held) => boolean) =>
    updateWhereIn(
      tx,
      table,
      { ...values, updated_at: at },
      'id',
      held.filter(isMeant).map(({ id }) => id),
    )
  const isWaiting = ({ state }: Held) => state === 'queued' || state === 'waiting'
  const isDoubtful = ({ mark }: Held) => Number(mark) === 1
  const skipped = { state: 'skipped', due_at: null, failure_code: cancelledCode, failure_reason: whyCancelled }
  await change(skipped, (message) => isWaiting(message) && !isDoubtful(message))
  // What became of it has to be found out, and it is not sent again.
  const doubtful = { state: 'in_doubt', status_rank: rank.unclear, due_at: at, expires_at: at }
  await change(doubtful, (message) => isWaiting(message) && isDoubtful(message))
  // Under way or taken: it comes to its end, and is neither tried again nor told through another connection.
  await change({ expires_at: at }, ({ state }) => ['sending', 'in_doubt', 'accepted'].includes(state))
}
