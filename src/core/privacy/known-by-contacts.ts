/** What contacts tell of a person who is erased: what else they are called, and what they were before they changed it. */

import { phoneSpellings } from '../contacts/canonical-phone.ts'
import type { Database, Row } from '../storage/database.ts'
import { sharedConnections } from './erase-contacts.ts'
import type { Erasure } from './erasure-store.ts'
import { type Condition, equals, isIn, pagesOf } from './pages.ts'
import { type Person, together } from './person.ts'

/** Who changes their number more often than that within the time that contacts are kept stays unknown before. */
const mostChanges = 8

/** @param own connections of the account that asks; undefined = all */
export async function knownByContacts(
  database: Database,
  erasure: Erasure,
  own: readonly number[] | undefined,
): Promise<Person> {
  const { accountId } = erasure
  const among: Condition[] =
    own && accountId !== undefined
      ? [isIn('connection_id', [...own, ...(await connectionsTo(database, erasure, accountId))])]
      : []
  let person = erasure.person
  for (let change = 0; change < mostChanges; change++) {
    const known = await toldBy(database, person, among)
    if (JSON.stringify(known) === JSON.stringify(person)) break
    person = known
  }
  return person
}

/** Also connections of others, where the account has written to the person through them. */
async function connectionsTo(database: Database, { id, person }: Erasure, accountId: number): Promise<number[]> {
  const found = new Set(await sharedConnections(database, id))
  for (const phone of person.phones) {
    const rows = {
      table: 'wa_outgoing_messages',
      columns: ['whatsappSenderConnectionId AS connection'],
      where: [equals('customer_phone', phone), equals('account_id', accountId)],
    }
    for await (const page of pagesOf(database, rows))
      for (const { connection } of page) if (connection !== null) found.add(Number(connection))
  }
  return [...found]
}

const columns = ['connection_id', 'phone', 'user_id', 'former_phone', 'former_user_id']

/** The person with what their contacts tell beside what is known. */
async function toldBy(database: Database, person: Person, among: readonly Condition[]): Promise<Person> {
  let known = person
  for (const [column, value] of lookUps(person)) {
    const rows = { table: 'wa_contacts', columns, where: [equals(column, value), ...among] }
    for await (const page of pagesOf(database, rows))
      for (const contact of page) known = together(known, await addressesIn(database, contact, person))
  }
  return known
}

const lookUps = ({ phones, userIds }: Person): (readonly [column: string, value: string])[] => [
  ...phones.flatMap((phone) => [['phone', phone] as const, ['former_phone', phone] as const]),
  ...userIds.flatMap((userId) => [['user_id', userId] as const, ['former_user_id', userId] as const]),
]

/** Numbers are given to others: what a contact was before counts as long as nobody else there is it now. */
async function addressesIn(database: Database, contact: Row, person: Person): Promise<Person> {
  const isFree = async (column: 'phone' | 'user_id', value: string): Promise<boolean> => {
    const sql = `SELECT id FROM wa_contacts WHERE ${column} = $1 AND connection_id = $2`
    return (await database.select(sql, [value, Number(contact.connection_id)])).length === 0
  }
  const [phone, userId] = [textIn(contact.phone), textIn(contact.user_id)]
  const formerPhones = await filterAsync(textIn(contact.former_phone), (value) => isFree('phone', value))
  const formerUserIds = await filterAsync(textIn(contact.former_user_id), (value) => isFree('user_id', value))
  const phones = [...phone, ...formerPhones]
  const userIds = [...userId, ...formerUserIds]
  const isTheirs =
    phones.some((value) => person.phones.includes(value)) || userIds.some((value) => person.userIds.includes(value))
  return isTheirs ? { phones: phones.flatMap(phoneSpellings), userIds, emails: [], orders: [] } : nobody
}

const nobody: Person = { phones: [], userIds: [], emails: [], orders: [] }

const textIn = (value: unknown): string[] => (typeof value === 'string' && value !== '' ? [value] : [])

async function filterAsync(values: readonly string[], isKept: (value: string) => Promise<boolean>): Promise<string[]> {
  const kept = await Promise.all(values.map(isKept))
  return values.filter((_, index) => kept[index])
}
