/** Clears what is older than it may be, one small group of each table at a time. */

import type { Database, Executor, Row } from '../storage/database.ts'
import type { Lease } from '../storage/lease.ts'
import { insertRows, selectIn } from '../storage/rows.ts'
import { fromSqlTime } from '../storage/time.ts'
import { clearGroupSize, clearRows } from './clear-rows.ts'
import { type DeleteStep, type RetentionDays, type RetentionStep, retentionSteps } from './retention-steps.ts'

export interface RetentionDeps {
  readonly database: Database
  readonly days: RetentionDays
  /** One replica does it: two would only wait for each other. */
  readonly lease: Lease
  readonly now: () => Date
}

const dayMs = 86_400_000
/** Of each step before the next call: what is more waits, and the database breathes. */
const groupsPerCall = 8
/** Nothing old was left: it is looked for again so much later. */
const restMs = 10 * 60_000

/** @returns what goes on with every step, a few groups each; resolves with how many rows were passed */
export function createRetention(deps: RetentionDeps): () => Promise<number> {
  const restsUntilMs = new Map<string, number>()
  return async () => {
    const due = retentionSteps.filter(({ name }) => (restsUntilMs.get(name) ?? 0) <= performance.now())
    let count = 0
    for (const step of due) {
      for (let group = 0; group < groupsPerCall; group++) {
        if ((await deps.lease.hold()) === undefined) return count
        const passed = await takeStep(deps, step)
        count += passed
        if (passed === 0) restsUntilMs.set(step.name, performance.now() + restMs)
        if (passed < clearGroupSize) break
      }
    }
    return count
  }
}

/** One group, from where the step came to. Resolves with how many rows it passed; 0 = none is old enough. */
export async function takeStep({ database, days, now }: Omit<RetentionDeps, 'lease'>, step: RetentionStep) {
  const before = new Date(now().getTime() - days[step.after] * dayMs)
  const isCyclic = step.does === 'delete' && step.isCyclic === true
  const position = await markOf(database, step.name)
  const found = await rowsAfter(database, step, position)
  const isOld = ({ at }: DatedRow) => (fromSqlTime(at) ?? before) < before
  // Ids and times rise together: what follows the first young row is young as well.
  const firstYoung = found.findIndex((row) => !isOld(row))
  const passed = isCyclic || firstYoung < 0 ? found : found.slice(0, firstYoung)
  const again = await heldOver(database, step.name)
  const open = await deal(database, step, [...passed.filter(isOld).map(({ id }) => Number(id)), ...again])
  await hold(database, step.name, again, isCyclic ? [] : open)
  const end = isCyclic && found.length === 0 ? 0 : Number(passed.at(-1)?.id ?? position)
  if (end !== position) await setMark(database, step.name, end)
  return passed.length
}

interface DatedRow {
  readonly id: number
  readonly at: string
}

const rowsAfter = (database: Database, { table: { name, time } }: RetentionStep, position: number) =>
  database.select<DatedRow>(`SELECT id, ${time} AS at FROM ${name} WHERE id > $1 ORDER BY id LIMIT ${clearGroupSize}`, [
    position,
  ])

/** @returns ids of those that are still open */
async function deal(database: Database, step: RetentionStep, ids: readonly number[]): Promise<readonly number[]> {
  const open: number[] = []
  for (let from = 0; from < ids.length; from += clearGroupSize) {
    const group = ids.slice(from, from + clearGroupSize)
    if (step.does === 'clear') open.push(...(await clearRows(database, step.table, group, 'aged')).open)
    else open.push(...(await deleteRows(database, step.table, group)))
  }
  return open
}

function deleteRows(database: Database, table: DeleteStep['table'], ids: readonly number[]) {
  const { name, columns, isOpen } = table
  return database.transaction(async (tx) => {
    const head = `SELECT ${['id', ...columns].join(', ')} FROM ${name} WHERE id`
    const sorted = [...ids].sort((a, b) => a - b)
    const rows = await selectIn<Row>(tx, head, sorted, ` ORDER BY id${database.forUpdate}`)
    const isHeld = (row: Row) => isOpen(row, 'aged')
    const deleted = rows.filter((row) => !isHeld(row)).map(({ id }) => Number(id))
    await deleteIn(tx, name, deleted)
    await table.onDelete?.(tx, database, deleted)
    return rows.filter(isHeld).map(({ id }) => Number(id))
  })
}

async function deleteIn(tx: Executor, table: string, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return
  await tx.write(`DELETE FROM ${table} WHERE id IN (${ids.map((_, index) => `$${index + 1}`).join(', ')})`, ids)
}

async function markOf(database: Database, name: string): Promise<number> {
  const sql = 'SELECT position FROM retention_marks WHERE name = $1'
  const [row] = await database.select<{ position: number }>(sql, [name])
  return Number(row?.position ?? 0)
}

async function setMark(database: Database, name: string, position: number): Promise<void> {
  const sql = 'UPDATE retention_marks SET position = $2 WHERE name = $1'
  if ((await database.write(sql, [name, position])) > 0) return
  await insertRows(database, 'retention_marks', [{ name, position }], database.keepExisting)
}

/** Rows that were open when their time came: few, and each only as long as it is open. */
async function heldOver(database: Database, name: string): Promise<number[]> {
  const sql = `SELECT row_id AS id FROM retention_held_over WHERE name = $1 ORDER BY id LIMIT ${clearGroupSize}`
  return (await database.select<{ id: number }>(sql, [name])).map(({ id }) => Number(id))
}

async function hold(database: Database, name: string, before: readonly number[], open: readonly number[]) {
  const isOpen = new Set(open)
  for (const id of before.filter((known) => !isOpen.has(known)))
    await database.write('DELETE FROM retention_held_over WHERE name = $1 AND row_id = $2', [name, id])
  const added = open.filter((id) => !before.includes(id)).sort((a, b) => a - b)
  const rows = added.map((row_id) => ({ name, row_id }))
  await insertRows(database, 'retention_held_over', rows, database.keepExisting, ['row_id', 'name'])
}
