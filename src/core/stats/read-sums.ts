/** Reads the sums that make up the time of a question. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Executor } from '../storage/database.ts'
import { selectIn } from '../storage/rows.ts'
import type { Cells } from './cells.ts'
import { type Question, QuestionError } from './question.ts'
import type { Scope } from './scopes.ts'
import { type Period, type Slot, segmentSizes, slotStart, spansBetween } from './slots.ts'
import { readSum } from './stored-sum.ts'

export interface ReadSum {
  readonly account: number
  readonly period: Period
  /** Start of the sum: no price changes within it. */
  readonly at: Date
  readonly cells: Cells
}

interface SumRow {
  account_id: number
  slots: number
  first_slot: Slot
  cells: string
}

/** Sums of all accounts together stay far below it. */
const maxRows = 40_000
/** Characters that are read before whatever else the process does has its turn. */
const parsedAtOnce = 1_000_000
/** Rows of many accounts come in pages, so that they are never all in memory. */
const slotsOfPage = 48 * 7

const columns = 'account_id, slots, first_slot, cells'

export async function* readSums(executor: Executor, scope: Scope, question: Question): AsyncGenerator<ReadSum> {
  const periods = new Map<string, Period>()
  for (const period of question.periods)
    for (const { first, slots } of spansBetween(period.from, period.to)) periods.set(`${slots}/${first}`, period)
  let [rows, parsed] = [0, 0]
  for await (const page of pagesOf(executor, scope, question, periods)) {
    rows += page.length
    if (rows > maxRows) throw new QuestionError('by', 'too much for one answer: name an account, or ask for less time')
    for (const row of page) {
      const first = Number(row.first_slot)
      const period = periods.get(`${row.slots}/${first}`)
      if (!period) continue
      parsed += row.cells.length
      if (parsed > parsedAtOnce) {
        parsed = 0
        await nextTurn()
      }
      yield { account: Number(row.account_id), period, at: slotStart(first), cells: readSum(row.cells).cells }
    }
  }
}

/** Whole segments by their time; single slots, which are far more than are wanted, by their number. */
async function* pagesOf(
  executor: Executor,
  scope: Scope,
  { accountId, from, to }: Question,
  wanted: ReadonlyMap<string, Period>,
): AsyncGenerator<SumRow[]> {
  const account = accountId === undefined ? '' : ` AND account_id = ${Number(accountId)}`
  const ofScope = `scope = '${scope}'${account}`
  for (let first = from; first < to; first += slotsOfPage) {
    yield await executor.select<SumRow>(
      `SELECT ${columns} FROM wa_stats_sums WHERE ${ofScope} AND slots IN (${segmentSizes.join(', ')})
         AND first_slot >= $1 AND first_slot < $2`,
      [first, Math.min(first + slotsOfPage, to)],
    )
  }
  const singles = [...wanted.keys()].flatMap((key) => (key.startsWith('1/') ? [Number(key.slice(2))] : []))
  for (let index = 0; index < singles.length; index += slotsOfPage) {
    const head = `SELECT ${columns} FROM wa_stats_sums WHERE ${ofScope} AND slots = 1 AND first_slot`
    yield await selectIn<SumRow>(executor, head, singles.slice(index, index + slotsOfPage))
  }
}
