/** Clears what is older than it may be, one small group of each table at a time. */

import type { Logger } from '../observe/logger.ts'
import type { Database, Executor, Row } from '../storage/database.ts'
import { isDatabaseAway } from '../storage/database-errors.ts'
import type { Lease } from '../storage/lease.ts'
import { selectIn } from '../storage/rows.ts'
import { fromSqlTime } from '../storage/time.ts'
import { type ClearDeps, clearGroupSize, clearRows } from './clear-rows.ts'
import { heldOver, hold, type Left, markOf, setMark } from './retention-marks.ts'
import { type DeleteStep, type RetentionDays, type RetentionStep, retentionSteps } from './retention-steps.ts'
import { rowByRow } from './row-by-row.ts'

export interface RetentionDeps extends ClearDeps {
  readonly days: RetentionDays
  /** One replica does it: two would only wait for each other. */
  readonly lease: Lease
  readonly log: Logger
  readonly now: () => Date
}

const dayMs = 86_400_000
/** Of each step before the next call: what is more waits, and the database breathes. */
const groupsPerCall = 8
/** Nothing old was left: it is looked for again so much later. */
const restMs = 10 * 60_000
/** A step failed: the others go on meanwhile. */
const afterFailureMs = 60_000

/** @returns what goes on with every step, a few groups each; resolves with how many rows were passed */
export function createRetention(deps: RetentionDeps): () => Promise<number> {
  const restsUntilMs = new Map<string, number>()
  const rest = ({ name }: RetentionStep, ms: number) => void restsUntilMs.set(name, performance.now() + ms)
  const takeOne = async (step: RetentionStep): Promise<number> => {
    try {
      const passed = await takeStep(deps, step)
      if (passed === 0) rest(step, restMs)
      return passed
    } catch (error) {
      if (isDatabaseAway(error)) throw error
      deps.log.error({ err: error, step: step.name }, 'old rows of a table could not be gone through; tried again soon')
      rest(step, afterFailureMs)
      return 0
    }
  }
  return async () => {
    const due = retentionSteps.filter(({ name }) => (restsUntilMs.get(name) ?? 0) <= performance.now())
    let count = 0
    for (const step of due) {
      for (let group = 0; group < groupsPerCall; group++) {
        if ((await deps.lease.hold()) === undefined) return count
        const passed = await takeOne(step)
        count += passed
        if (passed < clearGroupSize) break
      }
    }
    return count
  }
}

/** One group, from where the step came to. Resolves with how many rows it passed; 0 = none is old enough. */
export async function takeStep(deps: Omit<RetentionDeps, 'lease' | 'log'>, step: RetentionStep): Promise<number> {
  const { database, days, now } = deps
  const before = new Date(now().getTime() - days[step.after] * dayMs)
  const isCyclic = step.does === 'delete' && step.isCyclic === true
  const position = await markOf(database, step.name)
  const found = await rowsAfter(database, step, position)
  const isOld = ({ at }: DatedRow) => (fromSqlTime(at) ?? before) < before
  // Ids and times rise together: what follows the first young row is young as well.
  const firstYoung = found.findIndex((row) => !isOld(row))
  const passed = isCyclic || firstYoung < 0 ? found : found.slice(0, firstYoung)
  const again = await heldOver(database, step.name, now())
  const left = await deal(deps, step, [...passed.filter(isOld).map(({ id }) => Number(id)), ...again])
  await hold(database, step.name, again, isCyclic ? { open: [], failed: [] } : left, now())
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

async function deal(deps: ClearDeps, step: RetentionStep, ids: readonly number[]): Promise<Left> {
  const [open, failed]: [number[], number[]] = [[], []]
  for (let from = 0; from < ids.length; from += clearGroupSize) {
    const group = ids.slice(from, from + clearGroupSize)
    const left = await (step.does === 'clear'
      ? clearRows(deps, step.table, group, 'aged')
      : deleteWhatCanBe(deps, step.table, group))
    open.push(...left.open)
    failed.push(...left.failed)
  }
  return { open, failed }
}

async function deleteWhatCanBe(
  { database, onUncleared }: ClearDeps,
  table: DeleteStep['table'],
  ids: readonly number[],
): Promise<Left> {
  const failed: number[] = []
  const open = await rowByRow(
    ids,
    (group) => deleteRows(database, table, group),
    (id, error) => {
      failed.push(id)
      onUncleared(table.name, id, error)
    },
  )
  return { open: open.flat(), failed }
}

/** @returns ids of those that are still open */
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
