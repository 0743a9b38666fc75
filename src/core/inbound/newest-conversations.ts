/** Which conversation something belongs to that names none: the newest open one with that customer. */

import { phoneSpellings } from '../contacts/canonical-phone.ts'
import type { Address } from '../contract/address.ts'
import type { Executor } from '../storage/database.ts'
import { selectIn } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'

export interface Wanted {
  readonly key: number
  readonly connectionId: number
  /** All by which the customer is or was known. */
  readonly addresses: readonly Address[]
  /** Only conversations that had begun by then. */
  readonly before: Date
}

/** After that nobody who writes means an old conversation. */
const longestMs = 60 * 86_400_000
/** Clocks of provider and gateway differ, and a reply may overtake the news that its message was taken. */
const toleranceMs = 60_000

/**
 * @returns key -> id of the first message. One that was ended, e.g. because the parcel arrived, is taken only when there
 *   is no other.
 */
export async function newestConversations(
  tx: Executor,
  wanted: readonly Wanted[],
  now: Date,
): Promise<Map<number, number>> {
  if (wanted.length === 0) return new Map()
  const phones = wanted.flatMap(({ addresses }) => addresses.flatMap(spellingsOf))
  const userIds = wanted.flatMap(({ addresses }) => addresses.flatMap(({ userId }) => userId ?? []))
  const newest = [
    ...(await newestBy(tx, 'customer_phone', phones, now)),
    ...(await newestBy(tx, 'customer_user_id', userIds, now)),
  ]
  return new Map(
    wanted.flatMap((entry) => {
      const [best] = newest.filter((row) => isOf(row, entry)).sort(byChoice)
      return best ? [[entry.key, Number(best.open_id ?? best.any_id)] as const] : []
    }),
  )
}

interface NewestRow {
  connection: number
  address: string
  open_id: number | null
  any_id: number
  begun_at: string
}

function newestBy(
  tx: Executor,
  column: 'customer_phone' | 'customer_user_id',
  values: readonly string[],
  now: Date,
): Promise<NewestRow[]> {
  // The day stands in the statement itself: it is another one once a day.
  const since = sqlTime(new Date(now.getTime() - longestMs)).slice(0, 10)
  const head = `SELECT m.whatsappSenderConnectionId AS connection, m.${column} AS address, MAX(m.id) AS any_id,
      MAX(CASE WHEN c.closed_at IS NULL THEN m.id END) AS open_id, MAX(m.created_at) AS begun_at
    FROM wa_outgoing_messages m LEFT JOIN wa_conversations c ON c.root_outgoing_message_id = m.id
    WHERE m.root_outgoing_message_id IS NULL AND m.state = 'accepted' AND m.created_at >= '${since}' AND m.${column}`
  return selectIn(tx, head, [...new Set(values)], ` GROUP BY m.${column}, m.whatsappSenderConnectionId`)
}

const spellingsOf = ({ phone }: Address): string[] => (phone ? phoneSpellings(phone) : [])

function isOf(row: NewestRow, { connectionId, addresses, before }: Wanted): boolean {
  const begunAt = fromSqlTime(row.begun_at)?.getTime() ?? 0
  if (Number(row.connection) !== connectionId || begunAt > before.getTime() + toleranceMs) return false
  return addresses.some((address) => address.userId === row.address || spellingsOf(address).includes(row.address))
}

/** An open one first, then the newer one. */
const byChoice = (a: NewestRow, b: NewestRow): number =>
  Number(a.open_id === null) - Number(b.open_id === null) || Number(b.any_id) - Number(a.any_id)
