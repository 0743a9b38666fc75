/** Fills big tables, each without its indexes. */

import type { Connection } from 'mysql2/promise'
import { prepareCopies, withoutIndexes } from './copies.ts'

export interface Filling {
  readonly table: string
  readonly rows: number
  write(connection: Connection): Promise<void>
}

/** Tables side by side, each connection one at a time. */
export async function fill(connections: readonly Connection[], fillings: readonly Filling[]): Promise<void> {
  const left = [...new Set(fillings.map(({ table }) => table))]
  const work = async (connection: Connection) => {
    await prepareCopies(connection)
    for (let table = left.shift(); table; table = left.shift()) await fillTable(connection, table, fillings)
  }
  await Promise.all(connections.map(work))
}

async function fillTable(connection: Connection, table: string, fillings: readonly Filling[]): Promise<void> {
  const own = fillings.filter((filling) => filling.table === table)
  const rows = own.reduce((sum, filling) => sum + filling.rows, 0)
  const startedAt = performance.now()
  await withoutIndexes(connection, table, rows, async () => {
    for (const { write } of own) await write(connection)
  })
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  console.log(`written: ${rows.toLocaleString('en')} rows of ${table} in ${seconds} s`)
}
