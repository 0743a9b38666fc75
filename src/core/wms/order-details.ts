/** Order details from the warehouse system's database, for messages whose event did not bring them. Only ever reads. */

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OrderSnapshot } from '../activity/order-snapshot.ts'
import type { Executor, Row } from '../storage/database.ts'
import { selectIn } from '../storage/rows.ts'

/** Which order: the status log that a message came from, and the account that the message belongs to. */
export interface WantedOrder {
  /** Digits. */
  readonly statusLogId: string
  readonly accountId: number
}

export interface FoundOrders {
  /** Undefined where there is no such status log, or it is another account's: nobody gets another client's customer. */
  of(wanted: WantedOrder): OrderSnapshot | undefined
  /** Status logs that are there, whoever they belong to. */
  has(statusLogId: string): boolean
}

export interface OrderDetails {
  /** @throws {Error} when there is no answer within the deadline */
  find(wanted: readonly WantedOrder[]): Promise<FoundOrders>
}

/** The query as data: where the ids go, and which columns are read. */
interface Query {
  readonly head: string
  readonly tail: string
}

/** From asking for a connection to the last row. */
const deadlineMs = 3_000
const placeholder = /\bIN\s*\(\s*:statusLogIds\s*\)/i
const ownerColumn = /\baccountId\b/

/**
 * @param database the warehouse system's, read-only
 * @param file the query; see config/wms/order-details.sql
 * @throws {Error} when the query has no place for the ids, or does not tell whose an order is
 */
export function createOrderDetails(database: Executor, file: string): OrderDetails {
  const { head, tail } = readQuery(file)
  return {
    async find(wanted) {
      const asked = selectIn<Row>(database, head, [...new Set(wanted.map(({ statusLogId }) => statusLogId))], tail)
      // Also one that comes too late must not be thrown at nobody.
      asked.catch(() => {})
      return foundIn(await Promise.race([asked, tooLate()]))
    },
  }
}

function foundIn(rows: readonly Row[]): FoundOrders {
  const keyOf = (accountId: unknown, statusLogId: unknown) => `${accountId}/${statusLogId}`
  const orders = new Map(rows.map((row) => [keyOf(row.accountId, row.statusLogId), snapshotOf(row)]))
  const logs = new Set(rows.map((row) => String(row.statusLogId)))
  return {
    of: ({ accountId, statusLogId }) => orders.get(keyOf(accountId, statusLogId)),
    has: (statusLogId) => logs.has(statusLogId),
  }
}

function readQuery(file: string): Query {
  const sql = readFileSync(file, 'utf8').replace(/^\s*--.*$/gm, '')
  const found = placeholder.exec(sql)
  if (!found) throw new Error(`${file}: needs the condition IN (:statusLogIds)`)
  if (!ownerColumn.test(sql)) throw new Error(`${file}: needs a column AS accountId, which tells whose the order is`)
  return { head: sql.slice(0, found.index), tail: sql.slice(found.index + found[0].length) }
}

async function tooLate(): Promise<never> {
  await sleep(deadlineMs, undefined, { ref: false })
  throw new Error(`the warehouse system's database did not answer within ${deadlineMs} ms`)
}

/** What a snapshot may hold, and the query may name. */
const facts: readonly (keyof OrderSnapshot)[] = [
  'accountSlug',
  'customerName',
  'customerPhone',
  'email',
  'orderNumber',
  'orderId',
  'shipmentId',
  'trackingId',
  'externalShipmentId',
  'customerOrderNumber',
  'channelId',
  'brand',
  'status',
]
/** As for events: no real name, number or address is longer. */
const longestFact = 254

const snapshotOf = (row: Row): OrderSnapshot =>
  Object.fromEntries(
    facts.flatMap((fact) => {
      const value = row[fact]
      return value === null || value === undefined || value === '' ? [] : [[fact, String(value).slice(0, longestFact)]]
    }),
  )
