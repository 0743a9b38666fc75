/** Keeps the statistics current: one replica at a time, beside all other work and never in its transactions. */

import type { Database } from '../storage/database.ts'
import { createLease } from '../storage/lease.ts'
import { stepAnew } from './count-anew.ts'
import { findChanges } from './find-changes.ts'
import { recount } from './recount.ts'
import { readState, type StatsState, writeCounted } from './stats-state.ts'
import { dueBlocks } from './stored-blocks.ts'

export interface SweepStatsDeps {
  readonly database: Database
  readonly now: () => Date
}

/** Blocks that are counted in one transaction: beside other work few; without rest more, which write each sum once. */
const groupSize = { usual: 2, withoutRest: 32 }
/** After this long a turn ends, whatever is left. */
const turnMs = 500
/** A turn is followed by a rest so many times as long: counting takes a fifth of one processor. */
const restTimes = 4
/** But no longer: what makes turns long may be others' work, which passes. */
const longestRestMs = 3_000
/** A moment is noted so often when nothing else happens. */
const noteEveryMs = 5_000

/**
 * One turn after the other, as somebody calls for them; resolves with how many groups the turn counted, 0 while it rests.
 */
export function createStatsSweep({ database, now }: SweepStatsDeps): () => Promise<number> {
  const lease = createLease({ database, name: 'count_stats', now })
  let restUntilMs = 0
  return async () => {
    const startedMs = performance.now()
    if (startedMs < restUntilMs || (await lease.hold()) === undefined) return 0
    const { groups } = await turn({ database, now }, groupSize.usual, () => performance.now() - startedMs < turnMs)
    const endedMs = performance.now()
    restUntilMs = endedMs + Math.min((endedMs - startedMs) * restTimes, longestRestMs)
    return groups
  }
}

/** Counts until nothing is left, without rest. Safe beside gateways that do the same. */
export async function countAll(deps: SweepStatsDeps): Promise<void> {
  while (!(await turn(deps, groupSize.withoutRest, () => true)).isDone);
}

interface Turn {
  readonly groups: number
  /** Is nothing left, of all that there was when it began? */
  readonly isDone: boolean
}

async function turn({ database, now }: SweepStatsDeps, size: number, hasTime: () => boolean): Promise<Turn> {
  const state = await readState(database, now())
  if (state.phase !== null) {
    await stepAnew(database)
    return { groups: 1, isDone: false }
  }
  const startedAt = now()
  const seenUntil = await findChanges(database, state, startedAt)
  let groups = 0
  for (let due = await dueBlocks(database, size); due.length > 0; due = await dueBlocks(database, size)) {
    const isCounted = await recount(database, due)
    groups++
    if (!isCounted || !hasTime()) return { groups, isDone: false }
  }
  await noteCounted(database, state, seenUntil, groups > 0)
  return { groups, isDone: seenUntil >= startedAt }
}

async function noteCounted(
  database: Database,
  { countedUntil }: StatsState,
  seenUntil: Date,
  hasCounted: boolean,
): Promise<void> {
  const sinceMs = countedUntil ? seenUntil.getTime() - countedUntil.getTime() : Number.POSITIVE_INFINITY
  if (hasCounted || sinceMs >= noteEveryMs) await writeCounted(database, seenUntil)
}
