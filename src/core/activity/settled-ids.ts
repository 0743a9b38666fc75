/** Up to which id activity events can be read without missing one that is still being written. */

import type { Database } from '../storage/database.ts'
import { fromSqlTime } from '../storage/time.ts'

/** Longest life of a transaction; an id still missing after it belongs to one that was rolled back. */
const gapMs = 15_000
const scanned = 1_000

interface IdRow {
  readonly id: number
  readonly created_at: string
}

const ageOf = ({ created_at }: IdRow, now: Date): number => now.getTime() - (fromSqlTime(created_at)?.getTime() ?? 0)

/**
 * Ids are handed out before their transaction commits, so a reader that runs past a missing id could miss an event
 * for ever. Returns how many leading rows are safe to show: up to the first gap that is still young.
 */
export function firstOpenGap(rows: readonly IdRow[], cursor: number, now: Date): number {
  let previous = cursor
  for (const [index, row] of rows.entries()) {
    const isGap = Number(row.id) > previous + 1
    if (isGap && ageOf(row, now) < gapMs && previous > 0) return index
    previous = Number(row.id)
  }
  return rows.length
}

/**
 * The largest id below which nothing is open any more. A reader of one account cannot tell this from its own rows: the
 * ids between them are other accounts'. One scan of what is new serves all readers of the process.
 */
export function createSettledIds(database: Database): (now: Date) => Promise<number> {
  let settled: number | undefined
  let running: Promise<unknown> = Promise.resolve()
  let next: Promise<number> | undefined

  const advance = async (now: Date): Promise<number> => {
    settled ??= await firstSettled(database, now)
    for (let pages = 1; ; pages++) {
      const rows: IdRow[] = await database.select<IdRow>(
        `SELECT id, created_at FROM activity_events WHERE id > $1 ORDER BY id LIMIT ${scanned}`,
        [settled],
      )
      const safe = firstOpenGap(rows, settled, now)
      settled = Number(rows[safe - 1]?.id ?? settled)
      if (safe < scanned) return settled
      // Nobody asked for long: what is old meanwhile need not be looked through.
      if (pages === 1) settled = Math.max(settled, await firstSettled(database, now))
    }
  }
  // Whoever asks while a scan is under way may know of an event that it does not see: they share the next one.
  return (now) => {
    next ??= running.then(() => {
      next = undefined
      const scan = advance(now)
      running = scan.catch(() => {})
      return scan
    })
    return next
  }
}

/** An id below which everything is old; found from the end, in steps that double. */
async function firstSettled(database: Database, now: Date): Promise<number> {
  const newest = async (below: number): Promise<IdRow | undefined> => {
    const sql = 'SELECT id, created_at FROM activity_events WHERE id <= $1 ORDER BY id DESC LIMIT 1'
    return (await database.select<IdRow>(sql, [below]))[0]
  }
  let row = await newest(Number.MAX_SAFE_INTEGER)
  for (let step = scanned; row && ageOf(row, now) < gapMs; step *= 2) row = await newest(Number(row.id) - step)
  return Number(row?.id ?? 0)
}
