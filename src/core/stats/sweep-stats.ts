/** Keeps the statistics current: one replica at a time, beside all other work and never in its transactions. */

import type { Database } from '../storage/database.ts'
import { isDatabaseAway, isTransient } from '../storage/database-errors.ts'
import { createLease } from '../storage/lease.ts'
import { stepAnew } from './count-anew.ts'
import { createDueOrder, type DueOrder } from './due-order.ts'
import { findChanges } from './find-changes.ts'
import { recount } from './recount.ts'
import { readState, type StatsState, writeCounted } from './stats-state.ts'
import { countDue } from './stored-blocks.ts'

export interface SweepStatsDeps {
  readonly database: Database
  readonly now: () => Date
  /** A clock that never goes back. Default: the process's own. */
  readonly elapsedMs?: () => number
  /** Told of each block that cannot be counted, and how often it could not; the others go on. */
  readonly onFailure?: (failure: StatsFailure) => void
}

export interface StatsFailure {
  readonly block: number
  readonly times: number
  readonly error: unknown
}

/** Blocks that are counted in one transaction: beside other work few; without rest more, which write each sum once. */
const groupSize = { usual: 2, withoutRest: 32 }
/** After this long a turn ends, whatever is left. */
const turnMs = 500
/** A turn is followed by a rest so many times as long: counting takes a fifth of one processor. */
const restTimes = 4
/** But no longer: what makes turns long may be others' work, which passes. */
const longestRestMs = 3_000
/** With so many blocks left, half of that; with more even less. */
const halvingBacklog = 32
/** With more blocks left, the rest gets no shorter. */
const longestBacklog = 1_000
/** A moment is noted so often when nothing else happens. */
const noteEveryMs = 5_000

/**
 * How long to rest (ms): the shorter, the more is left, but never so short that counting takes more than half of one
 * processor, or than the longest rest.
 */
export function restAfter(turnMs: number, left: number): number {
  const usual = turnMs * restTimes
  return Math.min(Math.max(usual / (1 + left / halvingBacklog), turnMs), longestRestMs)
}

/**
 * One turn after the other, as somebody calls for them; resolves with how many groups the turn counted, 0 while it rests.
 */
export function createStatsSweep(deps: SweepStatsDeps): () => Promise<number> {
  const { database, now, elapsedMs = () => performance.now() } = deps
  const lease = createLease({ database, name: 'count_stats', now })
  const order = createDueOrder(elapsedMs)
  let restUntilMs = 0
  return async () => {
    const startedMs = elapsedMs()
    if (startedMs < restUntilMs || (await lease.hold()) === undefined) return 0
    const { groups } = await turn(deps, order, groupSize.usual, () => elapsedMs() - startedMs < turnMs)
    const left = groups > 0 ? await countDue(database, longestBacklog) : 0
    const endedMs = elapsedMs()
    restUntilMs = endedMs + restAfter(endedMs - startedMs, left)
    return groups
  }
}

/**
 * Counts until nothing is left, without rest. Safe beside gateways that do the same.
 * @throws the last failure of a block that cannot be counted, when all others are
 */
export async function countAll(deps: SweepStatsDeps): Promise<void> {
  const failures: unknown[] = []
  const onFailure = ({ error }: StatsFailure) => void failures.push(error)
  // A clock that stands: what failed once is not tried again.
  const order = createDueOrder(() => 0)
  while (!(await turn({ ...deps, onFailure }, order, groupSize.withoutRest, () => true)).isDone);
  if (failures.length > 0) throw failures.at(-1)
}

interface Turn {
  readonly groups: number
  /** Is nothing left, of all that there was when it began? */
  readonly isDone: boolean
}

async function turn(deps: SweepStatsDeps, order: DueOrder, size: number, hasTime: () => boolean): Promise<Turn> {
  const { database, now } = deps
  const state = await readState(database, now())
  if (state.phase !== null) {
    await stepAnew(database)
    return { groups: 1, isDone: false }
  }
  const startedAt = now()
  const seenUntil = await findChanges(database, state, startedAt)
  let groups = 0
  for (let due = await order.next(database, size); due.length > 0; due = await order.next(database, size)) {
    const isCounted = await countGroup(deps, order, due)
    groups++
    if (!isCounted || !hasTime()) return { groups, isDone: false }
  }
  if (!order.hasPutOff()) await noteCounted(database, state, seenUntil, groups > 0)
  return { groups, isDone: seenUntil >= startedAt }
}

/** @returns false where all is to be counted anew, and these were not */
async function countGroup(deps: SweepStatsDeps, order: DueOrder, due: readonly number[]): Promise<boolean> {
  try {
    const isCounted = await recount(deps.database, due)
    for (const block of due) order.forgive(block)
    return isCounted
  } catch (error) {
    if (isDatabaseAway(error) || isTransient(error)) throw error
    const [block = 0] = due
    if (due.length === 1) {
      deps.onFailure?.({ block, times: order.putOff(block), error })
      return true
    }
  }
  // One of them fails: alone, the others do not fail with it.
  for (const block of due) if (!(await countGroup(deps, order, [block]))) return false
  return true
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
