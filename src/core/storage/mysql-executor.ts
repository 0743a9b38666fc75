/**
 * Statements on the connections of Sequelize's pool, without its layers for models in between: for a group of rows they
 * cost more than the driver itself (docs/performance.md). Pool, transactions and migrations stay Sequelize's.
 */

import { LRUCache } from 'lru-cache'
import type { Sequelize, Transaction } from 'sequelize'
import type { Executor, SqlValue } from './database.ts'

interface Connection {
  execute(sql: string, values: readonly SqlValue[], end: End): unknown
  query(options: { readonly sql: string }, end: End): unknown
}

type End = (error: Error | null, result?: unknown) => void

/** Sequelize's types leave these out. */
interface Connections {
  getConnection(options: object): Promise<Connection>
  releaseConnection(connection: Connection): void
}

interface Begun {
  readonly connection: Connection
  /** How it ended. */
  readonly finished?: string
}

/** On one connection of the transaction, or on any where there is none. Fails with the driver's own errors. */
export function mysqlExecutor(sequelize: Sequelize, transaction?: Transaction): Executor {
  const perform = transaction
    ? performIn(transaction as unknown as Begun)
    : performOn(sequelize.connectionManager as unknown as Connections)
  return {
    select: async <T>(sql: string, bind: readonly SqlValue[] = []) => (await perform(sql, bind)) as T[],
    write: async (sql, bind = []) => ((await perform(sql, bind)) as { readonly affectedRows: number }).affectedRows,
  }
}

type Perform = (sql: string, bind: readonly SqlValue[]) => Promise<unknown>

/** Work that goes on after the end of its transaction must not reach a connection that is another's by then. */
const performIn =
  (transaction: Begun): Perform =>
  async (sql, bind) => {
    if (transaction.finished) throw new Error(`the transaction is over: ${transaction.finished}`)
    return run(transaction.connection, sql, bind)
  }

const performOn =
  (connections: Connections): Perform =>
  async (sql, bind) => {
    const connection = await connections.getConnection({})
    try {
      return await run(connection, sql, bind)
    } finally {
      connections.releaseConnection(connection)
    }
  }

function run(connection: Connection, sql: string, bind: readonly SqlValue[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const end: End = (error, result) => (error ? reject(error) : resolve(result))
    if (bind.length === 0) return connection.query({ sql }, end)
    const { text, order } = positional(sql)
    return connection.execute(text, order?.map((place) => bind[place] as SqlValue) ?? bind, end)
  })
}

interface Positional {
  readonly text: string
  /** Which value each mark stands for; undefined when they follow each other. */
  readonly order: readonly number[] | undefined
}

const known = new LRUCache<string, Positional>({ max: 1_000 })

/** `$2 ... $1 ... $2` as the server takes it: `? ... ? ... ?`. */
function positional(sql: string): Positional {
  const before = known.get(sql)
  if (before) return before
  const order: number[] = []
  const text = sql.replace(/\$(\d+)/g, (_, number) => {
    order.push(Number(number) - 1)
    return '?'
  })
  const isPlain = order.every((place, index) => place === index)
  const found = { text, order: isPlain ? undefined : order }
  known.set(sql, found)
  return found
}
