/** Contacts of a person who is erased. */

import type { Database, Row } from '../storage/database.ts'
import type { Look } from './erase.ts'
import { equals, idsOf, isIn, pagesOf } from './pages.ts'
import type { Person } from './person.ts'

const addressesOf = ({ phones, userIds }: Pick<Person, 'phones' | 'userIds'>) => [
  ...phones.map((phone) => equals('phone', phone)),
  ...userIds.map((userId) => equals('user_id', userId)),
]

/** Ids that providers gave to whoever has one of these phones now. */
export async function userIdsOf(
  database: Database,
  { phones }: Person,
  connectionIds: readonly number[] | undefined,
): Promise<string[]> {
  const own = connectionIds ? [isIn('connection_id', connectionIds)] : []
  const found: string[] = []
  for (const address of addressesOf({ phones, userIds: [] })) {
    const rows = { table: 'wa_contacts', columns: ['user_id'], where: [address, ...own] }
    for await (const page of pagesOf(database, rows)) found.push(...page.flatMap(({ user_id }) => userIdIn(user_id)))
  }
  return [...new Set(found)]
}

const userIdIn = (value: unknown): string[] => (typeof value === 'string' && value !== '' ? [value] : [])

/** Deletes them. Resolves with how many there were. */
export async function deleteContacts(database: Database, look: Look): Promise<number> {
  let count = 0
  for (const address of addressesOf(look.erasure.person)) {
    const rows = { table: 'wa_contacts', columns: ['connection_id'], where: [address] }
    for await (const page of pagesOf(database, rows)) {
      for (const id of idsOf(await ownAmong(database, look, page)))
        count += await database.write('DELETE FROM wa_contacts WHERE id = $1', [id])
    }
  }
  return count
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
 * Through a connection that several accounts share, the contact is also the others'; it goes when none of them has
 * written to the person.
 */
async function ownAmong(database: Database, { erasure, connectionIds }: Look, contacts: readonly Row[]) {
  if (connectionIds === undefined) return contacts
  const shared = await sharedConnections(database, erasure.id)
  const own: Row[] = []
  for (const contact of contacts) {
    const connection = Number(contact.connection_id)
    const isOwn = connectionIds.includes(connection)
    if (isOwn || (shared.has(connection) && !(await isKnownToOthers(database, erasure, connection)))) own.push(contact)
  }
  return own
}

async function sharedConnections(database: Database, erasureId: number): Promise<ReadonlySet<number>> {
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
