/** Whose turn it is to read the integration engine, and how it went last. One row, shared by all replicas. */

import type { Database } from '../storage/database.ts'
import { insertRows } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import type { EntryProblem } from './engine-entry.ts'

export interface EngineStatus {
  /** When all of it was read last. */
  readonly readAt: Date | null
  readonly triedAt: Date | null
  /** Why the last try failed; null = it did not. */
  readonly problem: string | null
  /** What is wrong with single connections there. */
  readonly problems: readonly EntryProblem[]
}

export interface EngineTurns {
  /** True for the one replica that may read now; then nobody may until a period is over. */
  take(): Promise<boolean>
  /** Lets the next one come at once. */
  hasten(): Promise<void>
  succeeded(problems: readonly EntryProblem[]): Promise<void>
  failed(problem: string): Promise<void>
  status(): Promise<EngineStatus>
}

const periodMs = 60_000
/** An engine that is all wrong is described well enough by its first ones. */
const maxProblems = 100
const longestProblem = 300
const only = 1

export function createEngineTurns(database: Database, now: () => Date): EngineTurns {
  let isRowThere = false
  const enter = async () => {
    if (isRowThere) return
    await insertRows(database, 'engine_turns', [{ id: only, due_at: sqlTime(new Date(0)) }], database.keepExisting)
    isRowThere = true
  }
  return {
    async take() {
      await enter()
      const next = sqlTime(new Date(now().getTime() + periodMs))
      const sql = 'UPDATE engine_turns SET due_at = $2, tried_at = $3 WHERE id = $1 AND due_at <= $3'
      return (await database.write(sql, [only, next, sqlTime(now())])) > 0
    },
    async hasten() {
      await enter()
      await database.write('UPDATE engine_turns SET due_at = $2 WHERE id = $1', [only, sqlTime(now())])
    },
    async succeeded(problems) {
      const shown = problems
        .slice(0, maxProblems)
        .map(({ id, problem }) => ({ id, problem: problem.slice(0, longestProblem) }))
      const sql = 'UPDATE engine_turns SET read_at = $2, problem = NULL, problems = $3 WHERE id = $1'
      await database.write(sql, [only, sqlTime(now()), JSON.stringify(shown)])
    },
    async failed(problem) {
      const sql = 'UPDATE engine_turns SET problem = $2 WHERE id = $1'
      await database.write(sql, [only, problem.slice(0, longestProblem)])
    },
    async status() {
      const [row] = await database.select<TurnRow>(
        'SELECT read_at, tried_at, problem, problems FROM engine_turns WHERE id = $1',
        [only],
      )
      return {
        readAt: fromSqlTime(row?.read_at ?? null),
        triedAt: fromSqlTime(row?.tried_at ?? null),
        problem: row?.problem ?? null,
        problems: row?.problems ? (JSON.parse(row.problems) as EntryProblem[]) : [],
      }
    },
  }
}

interface TurnRow {
  read_at: string | null
  tried_at: string | null
  problem: string | null
  problems: string | null
}
