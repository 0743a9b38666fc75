/** Contacts of a person who is erased. */

import type { Database } from '../storage/database.ts'
import type { Look } from './erase.ts'
import type { Erasure } from './erasure-store.ts'
import { type Condition, equals, idsOf, pagesOf } from './pages.ts'
import type { Person } from './person.ts'

const addressesOf = ({ phones, userIds }: Pick<Person, 'phones' | 'userIds'>) => [
  ...phones.map((phone) => equals('phone', phone)),
  ...userIds.map((userId) => equals('user_id', userId)),
]

/**
 * Deletes them.
 * @param among which contacts are looked at
 * @returns how many there were
 */
export async function deleteContacts(database: Database, { person }: Erasure, among: readonly Condition[]) {
  // First: a contact that is somebody else's by now would be taken for theirs once their own is gone.
  await forgetFormer(database, person, among)
  let count = 0
  for (const address of addressesOf(person)) {
    const rows = { table: 'wa_contacts', where: [address, ...among] }
    for await (const page of pagesOf(database, rows))
      for (const id of idsOf(page)) count += await database.write('DELETE FROM wa_contacts WHERE id = $1', [id])
  }
  return count
}

/** What others' contacts still tell of them. */
async function forgetFormer(database: Database, { phones, userIds }: Person, among: readonly Condition[]) {
  const former = [
    ...phones.map((phone) => ['former_phone', phone] as const),
    ...userIds.map((userId) => ['former_user_id', userId] as const),
  ]
  for (const [column, value] of former) {
    const rows = { table: 'wa_contacts', where: [equals(column, value), ...among] }
    for await (const page of pagesOf(database, rows))
      for (const id of idsOf(page))
        await database.write(`UPDATE wa_contacts SET ${column} = NULL WHERE id = $1 AND ${column} = $2`, [id, value])
  }
}

/**
 * Forgets that they want to be written to, which is the rule. That they refused is kept as long as the account is
 * there: without it, the next event would write to them again.
 */
export async function deleteWishes(database: Database, { erasure }: Look): Promise<number> {
  const { person, accountId } = erasure
  const own = accountId === undefined ? [] : [equals('account_id', accountId)]
  let count = 0
  for (const address of consentKeys(person)) {
    const rows = { table: 'wa_consents', where: [equals('address', address), equals('is_wanted', 1), ...own] }
    for await (const page of pagesOf(database, rows))
      for (const id of idsOf(page))
        count += await database.write('DELETE FROM wa_consents WHERE id = $1 AND is_wanted = 1', [id])
  }
  return count
}

const consentKeys = ({ phones, userIds }: Person): readonly string[] => [...phones, ...userIds]

/**
 * Connections whose contacts and news of the person are the account's: its own, and those that it shares when no other
 * account has written to the person through them.
 * @returns undefined = all
 */
export async function exclusiveConnections(
  database: Database,
  { erasure, connectionIds }: Look,
): Promise<readonly number[] | undefined> {
  if (connectionIds === undefined) return undefined
  const exclusive = [...connectionIds]
  for (const id of await sharedConnections(database, erasure.id))
    if (!exclusive.includes(id) && !(await isKnownToOthers(database, erasure, id))) exclusive.push(id)
  return exclusive
}

/** Through which messages to the person went. */
export async function sharedConnections(database: Database, erasureId: number): Promise<ReadonlySet<number>> {
  const rows = await database.select<{ connection: number }>(
    `SELECT DISTINCT m.whatsappSenderConnectionId AS connection FROM erased_messages e
     JOIN wa_outgoing_messages m ON m.id = e.wa_outgoing_message_id
     WHERE e.erasure_id = $1 AND m.whatsappSenderConnectionId IS NOT NULL`,
    [erasureId],
  )
  return new Set(rows.map(({ connection }) => Number(connection)))
}

async function isKnownToOthers(
  database: Database,
  { person, accountId = 0 }: Look['erasure'],
  connectionId: number,
): Promise<boolean> {
  const others = { sql: 'account_id <> ?', values: [accountId] }
  const through = equals('whatsappSenderConnectionId', connectionId)
  for (const phone of person.phones) {
    const rows = { table: 'wa_outgoing_messages', where: [equals('customer_phone', phone), others, through] }
    for await (const page of pagesOf(database, rows, 0, 1)) if (page.length > 0) return true
  }
  return false
}
