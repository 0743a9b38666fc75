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
  // The day stands in the statement itself: it is another one once a day.
  const since = sqlTime(new Date(now.getTime() - longestMs)).slice(0, 10)
  const phones = wanted.flatMap(({ addresses }) => addresses.flatMap(spellingsOf))
  const userIds = wanted.flatMap(({ addresses }) => addresses.flatMap(({ userId }) => userId ?? []))
  const newest = [
    ...(await newestBy(tx, 'customer_phone', phones, since)),
    ...(await newestBy(tx, 'customer_user_id', userIds, since)),
  ]
  const found = new Map<number, number>()
  for (const entry of wanted) {
    const own = newest.filter((row) => isOf(row, entry))
    // Looked at late: what was begun since hides what there was before. Rare, so one by one.
    const isHidden = own.some((row) => (fromSqlTime(row.begun_at) ?? now) > latestBegin(entry))
    const [best] = (isHidden ? await newestBefore(tx, entry, since) : own).sort(byChoice)
    if (best) found.set(entry.key, Number(best.open_id ?? best.any_id))
  }
  return found
}

const latestBegin = ({ before }: Wanted): Date => new Date(before.getTime() + toleranceMs)

type AddressColumn = 'customer_phone' | 'customer_user_id'

interface Candidate {
  open_id: number | null
  any_id: number
}

interface NewestRow extends Candidate {
  connection: number
  address: string
  begun_at: string
}

const conversations = (since: string) => `FROM wa_outgoing_messages m
  LEFT JOIN wa_conversations c ON c.root_outgoing_message_id = m.id
  WHERE m.root_outgoing_message_id IS NULL AND m.state = 'accepted' AND m.created_at >= '${since}'`

function newestBy(tx: Executor, column: AddressColumn, values: readonly string[], since: string): Promise<NewestRow[]> {
  const head = `SELECT m.whatsappSenderConnectionId AS connection, m.${column} AS address, MAX(m.id) AS any_id,
      MAX(CASE WHEN c.closed_at IS NULL THEN m.id END) AS open_id, MAX(m.created_at) AS begun_at
    ${conversations(since)} AND m.${column}`
  return selectIn(tx, head, [...new Set(values)], ` GROUP BY m.${column}, m.whatsappSenderConnectionId`)
}

/** Of each of the addresses: its newest conversation that had begun by then, and its newest open one. */
async function newestBefore(tx: Executor, entry: Wanted, since: string): Promise<Candidate[]> {
  const addresses = entry.addresses.flatMap((address): [AddressColumn, string][] => [
    ...spellingsOf(address).map((phone): [AddressColumn, string] => ['customer_phone', phone]),
    ...(address.userId ? [['customer_user_id', address.userId] as [AddressColumn, string]] : []),
  ])
  const found: Candidate[] = []
  for (const [column, value] of addresses) {
    const [row] = await tx.select<{ open_id: number | null; any_id: number | null }>(
      `SELECT MAX(m.id) AS any_id, MAX(CASE WHEN c.closed_at IS NULL THEN m.id END) AS open_id
       ${conversations(since)} AND m.${column} = $1 AND m.whatsappSenderConnectionId = $2 AND m.created_at <= $3`,
      [value, entry.connectionId, sqlTime(latestBegin(entry))],
    )
    if (row?.any_id) found.push({ open_id: row.open_id, any_id: row.any_id })
  }
  return found
}

const spellingsOf = ({ phone }: Address): string[] => (phone ? phoneSpellings(phone) : [])

const isOf = (row: NewestRow, { connectionId, addresses }: Wanted): boolean =>
  Number(row.connection) === connectionId &&
  addresses.some((address) => address.userId === row.address || spellingsOf(address).includes(row.address))

/** An open one first, then the newer one. */
const byChoice = (a: Candidate, b: Candidate): number =>
  Number(a.open_id === null) - Number(b.open_id === null) || Number(b.any_id) - Number(a.any_id)
