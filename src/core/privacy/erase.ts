/**
 * The story of an erasure: end what would still be sent to the person, then clear what hangs on their messages, what is
 * found by their address, and what names them. Each step may be repeated; what was cleared is not found again.
 */

import type { ActivityStore } from '../activity/activity-store.ts'
import { deleteRecipientCounters } from '../notifications/guards/usage-counters.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import type { Database, Row } from '../storage/database.ts'
import { sqlTime } from '../storage/time.ts'
import { type ClearDeps, type ClearedRows, clearRows } from './clear-rows.ts'
import { endMessages } from './end-messages.ts'
import { deleteContacts, deleteWishes, exclusiveConnections } from './erase-contacts.ts'
import type { Counts, Erasure, ErasureStore } from './erasure-store.ts'
import { knownByContacts } from './known-by-contacts.ts'
import { type Condition, equals, idsOf, isIn, isNull, pagesOf, type Rows } from './pages.ts'
import { type Depth, type PersonalTable, personalTables } from './personal-data.ts'
import { searches } from './searches.ts'
import { createTally, type Tally } from './tally.ts'

export interface EraseDeps extends ClearDeps {
  readonly store: ErasureStore
  readonly outgoing: Pick<OutgoingStore, 'read' | 'lock' | 'apply'>
  readonly activity: Pick<ActivityStore, 'insert' | 'committed'>
  readonly now: () => Date
}

/** One look at everything. */
export interface Look {
  readonly erasure: Erasure
  /** Connections of the account that asks; undefined = all. */
  readonly connectionIds: readonly number[] | undefined
  readonly depth: Depth
  readonly tally: Tally
  /** Asked between groups; false ends the look where it is. */
  readonly mayGoOn: () => Promise<boolean>
}

export interface Looked {
  /** Was everything looked through? */
  readonly isComplete: boolean
  /** Rows that could not be cleared yet, e.g. a message that is being sent. */
  readonly open: number
  /** Rows that could not be cleared at all. */
  readonly failed: number
  readonly counts: Counts
  readonly searched: Counts
}

/** Longer than an event lies in a queue: what comes within that time was under way when the erasure was asked for. */
export const underWayMs = 120_000

export async function eraseOnce(
  deps: EraseDeps,
  asked: Erasure,
  depth: Depth,
  mayGoOn: Look['mayGoOn'],
): Promise<Looked> {
  const connectionIds = await connectionsOf(deps.database, asked.accountId)
  const person = await knownByContacts(deps.database, asked, connectionIds)
  // Kept before the contacts go by which it is known.
  const isNews = JSON.stringify(person) !== JSON.stringify(asked.person)
  const erasure = isNews ? await deps.store.saveKnown(asked, person) : asked
  const tally = createTally(asked.counts, asked.searched)
  let look: Look = { erasure, connectionIds, depth, tally, mayGoOn }
  const steps = [takeMessages, clearOfMessages, clearByAddress, clearAudit, searchTexts]
  for (const step of steps) {
    const known = await step(deps, look)
    if (!known) return { isComplete: false, ...tally.result() }
    look = { ...look, erasure: known }
  }
  return { isComplete: true, ...tally.result() }
}

async function connectionsOf(database: Database, accountId: number | undefined): Promise<number[] | undefined> {
  if (accountId === undefined) return undefined
  const sql = 'SELECT id FROM wa_connections WHERE account_id = $1 ORDER BY id'
  return idsOf(await database.select(sql, [accountId]))
}

/** A step resolves with what is known by then; undefined = it was not finished. */
type Step = (deps: EraseDeps, look: Look) => Promise<Erasure | undefined>

/** All messages to the person up to now: noted as theirs, and ended where they still wait. */
const takeMessages: Step = async (deps, look) => {
  let known = look.erasure
  for (const address of addressesOf(known)) {
    const rows = { table: 'wa_outgoing_messages', where: [address, ...ofAccount(known)] }
    for await (const page of pagesOf(deps.database, rows)) {
      if (!(await look.mayGoOn())) return undefined
      known = await endMessages(deps, known, idsOf(page), endOfUnderWay(known), look.tally)
    }
  }
  return known
}

const endOfUnderWay = ({ requestedAt }: Erasure): Date => new Date(requestedAt.getTime() + underWayMs)

const addressesOf = ({ person }: Erasure): Condition[] => [
  ...person.phones.map((phone) => equals('customer_phone', phone)),
  ...person.userIds.map((userId) => equals('customer_user_id', userId)),
]

const ofAccount = ({ accountId }: Erasure): Condition[] =>
  accountId === undefined ? [] : [equals('account_id', accountId)]

const byMessage: readonly (readonly [table: PersonalTable, column: string])[] = [
  [personalTables.messages, 'root_outgoing_message_id'],
  [personalTables.messages, 'id'],
  [personalTables.attempts, 'wa_outgoing_message_id'],
  [personalTables.reports, 'wa_outgoing_message_id'],
  [personalTables.replies, 'wa_root_outgoing_message_id'],
  [personalTables.contactNews, 'wa_root_outgoing_message_id'],
  [personalTables.decisions, 'root_outgoing_message_id'],
  [personalTables.activity, 'root_outgoing_message_id'],
]

const clearOfMessages: Step = async (deps, look) => {
  const listed = {
    table: 'erased_messages',
    columns: ['wa_outgoing_message_id AS message'],
    where: [equals('erasure_id', look.erasure.id)],
  }
  for await (const page of pagesOf(deps.database, listed)) {
    const messages = page.map(({ message }) => Number(message))
    for (const [table, column] of byMessage) {
      const rows = { table: table.name, where: [isIn(column, messages)] }
      if (!(await clearAll(deps, look, table, rows))) return undefined
    }
    const [waiting] = await deps.database.select(
      `SELECT id FROM activity_waiting WHERE root_outgoing_message_id IN (${messages.join(', ')}) LIMIT 1`,
    )
    if (waiting) look.tally.open(1)
  }
  return look.erasure
}

const clearAudit: Step = async (deps, look) => {
  const { erasure } = look
  const table = personalTables.audit
  const addresses = [...erasure.person.phones, ...erasure.person.userIds]
  const about = [equals('subject_type', 'contact'), isIn('subject_id', addresses), ...ofAccount(erasure)]
  return (await clearAll(deps, look, table, { table: table.name, where: about })) ? erasure : undefined
}

/** What belongs to no message of theirs. Whoever was written to since is in business again: their news stay. */
const clearByAddress: Step = async (deps, look) => {
  if (await isWrittenToAgain(deps.database, look)) return look.erasure
  const { phones, userIds } = look.erasure.person
  const connections = await exclusiveConnections(deps.database, look)
  const ofConnections = connections ? [isIn('connection_id', connections)] : []
  const found: readonly (readonly [PersonalTable, string, readonly string[]])[] = [
    [personalTables.replies, 'from_phone', phones],
    [personalTables.replies, 'from_user_id', userIds],
    [personalTables.contactNews, 'phone', phones],
    [personalTables.contactNews, 'user_id', userIds],
    [personalTables.contactNews, 'new_phone', phones],
    [personalTables.contactNews, 'new_user_id', userIds],
  ]
  for (const [table, column, values] of found) {
    const unmatched = isNull('wa_root_outgoing_message_id')
    for (const value of values) {
      const rows = { table: table.name, where: [equals(column, value), unmatched, ...ofConnections] }
      if (!(await clearAll(deps, look, table, rows))) return undefined
    }
  }
  look.tally.add('wa_contacts', await deleteContacts(deps.database, look.erasure, ofConnections))
  look.tally.add('wa_consents', await deleteWishes(deps.database, look))
  look.tally.add('usage_counters', await deleteCounters(deps, look))
  return look.erasure
}

/** They hold digests of phones, and whoever tries all phones finds which one it is. */
async function deleteCounters({ database, now }: EraseDeps, { erasure }: Look): Promise<number> {
  const rows = await database.select<{ account: number }>(
    `SELECT DISTINCT m.account_id AS account FROM erased_messages e
     JOIN wa_outgoing_messages m ON m.id = e.wa_outgoing_message_id WHERE e.erasure_id = $1`,
    [erasure.id],
  )
  const accountIds = rows.map(({ account }) => Number(account))
  return deleteRecipientCounters(database, accountIds, erasure.person.phones, now())
}

async function isWrittenToAgain(database: Database, { erasure }: Look): Promise<boolean> {
  const later = { sql: 'created_at > ?', values: [sqlTime(endOfUnderWay(erasure))] }
  for (const address of addressesOf(erasure)) {
    const rows = { table: 'wa_outgoing_messages', where: [address, later, ...ofAccount(erasure)] }
    for await (const page of pagesOf(database, rows, 0, 1)) if (page.length > 0) return true
  }
  return false
}

/**
 * Texts of what could not be used or belongs to nobody: searched once, and what was added since. In the end the ids go
 * of what was cleared; of whomever: nobody waits for them any more.
 */
const searchTexts: Step = async (deps, look) => {
  const isLast = look.depth === 'final'
  for (const { table, rows, names, isCleared, pageSize } of searches(look)) {
    const from = isLast && isCleared ? 0 : look.tally.searchedUpTo(table.name)
    const isTheirs = (row: Row) => names(row) || (isLast && isCleared?.(row) === true)
    let isAllCleared = true
    for await (const page of pagesOf(deps.database, rows, from, pageSize)) {
      if (!(await look.mayGoOn())) return undefined
      const ids = idsOf(page.filter(isTheirs))
      const cleared = ids.length > 0 && (await clearRows(deps, table, ids, look.depth))
      if (cleared) note(look, table, cleared)
      // What could not be cleared has to be found again.
      isAllCleared &&= !cleared || cleared.failed.length === 0
      if (isAllCleared) look.tally.searched(table.name, Number(page.at(-1)?.id))
    }
  }
  return look.erasure
}

async function clearAll(deps: EraseDeps, look: Look, table: PersonalTable, rows: Rows): Promise<boolean> {
  for await (const page of pagesOf(deps.database, rows)) {
    if (!(await look.mayGoOn())) return false
    note(look, table, await clearRows(deps, table, idsOf(page), look.depth))
  }
  return true
}

function note({ tally }: Look, table: PersonalTable, { changed, open, failed }: ClearedRows): void {
  tally.add(table.name, changed)
  tally.open(open.length)
  tally.failed(failed.length)
}
