/** Contacts in the database: one per customer and connection. Read and written in groups. */

import type { Address } from '../contract/address.ts'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows, selectIn, updateRows, type Values } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import { canonicalPhone } from './canonical-phone.ts'
import { type Contact, type ContactChange, unknownContact } from './contact.ts'
import { createDirectory, type Directory, type Entry } from './directory.ts'

/** A customer as one connection knows them. */
export interface ContactAddress {
  readonly connectionId: number
  readonly address: Address
}

export interface ContactUpdate extends ContactAddress {
  readonly change: ContactChange
}

export interface ContactStore {
  /** The contacts at these addresses, in their order; undefined where there is none. */
  find(executor: Executor, wanted: readonly ContactAddress[]): Promise<(Contact | undefined)[]>
  /** Applies changes in their order; contacts that are not there yet are made. Holds them until the transaction's end. */
  apply(tx: Executor, updates: readonly ContactUpdate[], now: Date): Promise<void>
}

export const createContactStore = (database: Database): ContactStore => ({
  async find(executor, wanted) {
    const directory = createDirectory(await load(executor, wanted, ''))
    return wanted.map(({ connectionId, address }) => directory.find(connectionId, address))
  },
  async apply(tx, updates, now) {
    if (updates.length === 0) return
    const directory = await hold(tx, database, updates, now)
    for (const { connectionId, address, change } of updates) directory.change(connectionId, address, change)
    const { changed, goneIds } = directory.outcome()
    // What was joined goes first, so that its addresses are free.
    for (const id of goneIds) await tx.write('DELETE FROM wa_contacts WHERE id = $1', [id])
    const known = changed.flatMap(({ id, contact }) => (id === undefined ? [] : [{ id, ...stateOf(contact, now) }]))
    await updateRows(tx, 'wa_contacts', known)
    await insertRows(tx, 'wa_contacts', newRows(changed, now), database.keepExisting)
  },
})

/** Makes rows for addresses that have none, so that there is something to hold; then reads and holds all. */
async function hold(
  tx: Executor,
  database: Database,
  updates: readonly ContactUpdate[],
  now: Date,
): Promise<Directory> {
  const wanted = updates.flatMap((update) => [update, ...targetOf(update)])
  const found = await load(tx, wanted, database.forUpdate)
  const known = createDirectory(found)
  const missing = updates.filter(({ connectionId, address }) => !known.find(connectionId, address))
  if (missing.length === 0) return known
  const made = createDirectory([])
  for (const { connectionId, address } of missing) made.change(connectionId, address, { type: 'address', address })
  await insertRows(tx, 'wa_contacts', newRows(made.outcome().changed, now), database.keepExisting)
  return createDirectory(await load(tx, wanted, database.forUpdate))
}

const targetOf = ({ connectionId, change }: ContactUpdate): ContactAddress[] =>
  change.type === 'address' ? [{ connectionId, address: change.address }] : []

const columns = `id, connection_id, phone, user_id, former_phone, former_user_id, name, last_inbound_at, human_wrote_at`

interface ContactRow {
  id: number
  connection_id: number
  phone: string | null
  user_id: string | null
  former_phone: string | null
  former_user_id: string | null
  name: string | null
  last_inbound_at: string | null
  human_wrote_at: string | null
}

async function load(executor: Executor, wanted: readonly ContactAddress[], holding: string): Promise<Entry[]> {
  const phones = distinct(wanted.map(({ address }) => address.phone && canonicalPhone(address.phone)))
  const userIds = distinct(wanted.map(({ address }) => address.userId))
  const head = `SELECT ${columns} FROM wa_contacts WHERE`
  const tail = ` ORDER BY id${holding}`
  const rows = [
    ...(await selectIn<ContactRow>(executor, `${head} phone`, phones, tail)),
    ...(await selectIn<ContactRow>(executor, `${head} user_id`, userIds, tail)),
  ]
  return [...new Map(rows.map((row) => [Number(row.id), entryOf(row)])).values()]
}

const distinct = (values: readonly (string | undefined)[]): string[] =>
  [...new Set(values.filter((value) => value !== undefined))].sort()

const entryOf = (row: ContactRow): Entry => ({
  id: Number(row.id),
  contact: {
    ...unknownContact(Number(row.connection_id)),
    phone: row.phone,
    userId: row.user_id,
    formerPhone: row.former_phone,
    formerUserId: row.former_user_id,
    name: row.name,
    lastInboundAt: fromSqlTime(row.last_inbound_at),
    humanWroteAt: fromSqlTime(row.human_wrote_at),
  },
})

/** Sorted keys: groups that meet take their locks in the same order. */
const newRows = (entries: readonly Entry[], now: Date): Values[] =>
  entries
    .filter(({ id }) => id === undefined)
    .map(({ contact }) => ({
      connection_id: contact.connectionId,
      created_at: sqlTime(now),
      ...stateOf(contact, now),
    }))
    .sort((a, b) => (`${a.phone}/${a.user_id}` < `${b.phone}/${b.user_id}` ? -1 : 1))

const stateOf = (contact: Contact, now: Date) => ({
  phone: contact.phone?.slice(0, 32) ?? null,
  user_id: contact.userId?.slice(0, 160) ?? null,
  former_phone: contact.formerPhone,
  former_user_id: contact.formerUserId,
  name: contact.name?.slice(0, 128) ?? null,
  last_inbound_at: sqlTime(contact.lastInboundAt),
  human_wrote_at: sqlTime(contact.humanWroteAt),
  updated_at: sqlTime(now),
})
