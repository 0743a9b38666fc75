/** Tables in which a person can only be found by reading: small ones, and the rows that belong to nobody. */

import type { Row } from '../storage/database.ts'
import type { Look } from './erase.ts'
import { type Condition, equals, isIn, isNull, type Rows } from './pages.ts'
import { isNamedIn } from './person.ts'
import { type PersonalTable, personalTables } from './personal-data.ts'

export interface Search {
  readonly table: PersonalTable
  readonly rows: Rows
  /** Does the row name the person? */
  readonly names: (row: Row) => boolean
  /** Was it cleared before, of whomever, so that only ids of providers may be left? Absent = none ever are. */
  readonly isCleared?: (row: Row) => boolean
  /** Rows of a page; few where one may be large. */
  readonly pageSize: number
}

/** A parked body has up to a megabyte. */
const bodiesAtOnce = 16
const rowsAtOnce = 64

export function searches({ erasure, connectionIds }: Look): Search[] {
  const { person, accountId } = erasure
  const own = accountId === undefined ? [] : [equals('account_id', accountId)]
  const ownConnections = connectionIds === undefined ? [] : [isIn('connection_id', connectionIds)]
  const accountOf = (row: Row): number | null => (row.account_id === null ? null : Number(row.account_id))
  return [
    {
      table: personalTables.reports,
      rows: {
        table: personalTables.reports.name,
        columns: ['payload'],
        where: [isNull('wa_outgoing_message_id'), ...ownConnections],
      },
      names: (row) => isNamedIn(String(row.payload), person, null),
      isCleared: ({ payload }) => payload === null,
      pageSize: rowsAtOnce,
    },
    {
      table: personalTables.activity,
      rows: {
        table: personalTables.activity.name,
        columns: ['account_id', 'payload'],
        // They have no number either, and are in the order of their ids for it.
        where: [isNull('root_outgoing_message_id'), isNull('sequence'), ...own],
      },
      names: (row) => isNamedIn(String(row.payload), person, accountOf(row)),
      isCleared: ({ payload }) => String(payload).includes('"from":"","to":""'),
      pageSize: rowsAtOnce,
    },
    {
      table: personalTables.rejected,
      rows: { table: personalTables.rejected.name, columns: ['account_id', 'detail', 'body'], where: own },
      names: (row) => isNamedIn(`${textOf(row.body)}\n${row.detail}`, person, accountOf(row)),
      pageSize: bodiesAtOnce,
    },
    {
      table: personalTables.requests,
      rows: { table: personalTables.requests.name, columns: ['answer'], where: [] },
      // Whose it is stands in the answer alone.
      names: (row) => isOfAccount(String(row.answer), accountId) && isNamedIn(String(row.answer), person, null),
      pageSize: bodiesAtOnce,
    },
    {
      table: personalTables.bulkErrors,
      rows: {
        table: personalTables.bulkErrors.name,
        columns: ['error'],
        where: accountId === undefined ? [] : [ofBulks(accountId)],
      },
      names: (row) => isNamedIn(String(row.error), person, null),
      pageSize: rowsAtOnce,
    },
  ]
}

const isOfAccount = (answer: string, accountId: number | undefined): boolean =>
  accountId === undefined ||
  answer.includes(`"accountId":${accountId},`) ||
  answer.includes(`"accountId":${accountId}}`)

const ofBulks = (accountId: number): Condition => ({
  sql: 'bulk_id IN (SELECT bulk.id FROM message_bulks bulk WHERE bulk.account_id = ?)',
  values: [accountId],
})

const textOf = (body: unknown): string => (body instanceof Uint8Array ? Buffer.from(body).toString('utf8') : '')
