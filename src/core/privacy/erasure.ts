/** Erasing people: asked for once, then watched until nothing about them can come any more. */

import type { Logger } from '../observe/logger.ts'
import { isDatabaseAway } from '../storage/database-errors.ts'
import type { Lease } from '../storage/lease.ts'
import { type EraseDeps, eraseOnce, type Looked, underWayMs } from './erase.ts'
import type { Counts, Erasure, ErasureRequest, ErasureState } from './erasure-store.ts'

export interface ErasureResult {
  readonly state: ErasureState
  readonly counts: Counts
  readonly watchedUntil: Date
}

export interface Erasures {
  /** Erases what is there; what cannot be yet, or comes later, is worked off by {@link Erasures.workOff}. */
  erase(request: ErasureRequest): Promise<ErasureResult>
  /** Looks again at one group of erasures whose time has come. Resolves with how many there were. */
  workOff(): Promise<number>
}

export interface ErasuresDeps extends EraseDeps {
  /** One replica looks again; two would do the same. */
  readonly lease: Lease
  readonly log: Logger
}

/** Who asks is not kept waiting longer; the rest follows. */
const patienceMs = 20_000
const groupSize = 8
const soonMs = 2_000
const laterMs = 3_600_000
/** Something stays open for long: no need to look all the time. */
const patientAfterMs = 10 * 60_000
const patientMs = 60_000
/** What failed waits, each time four times as long, and is tried for as long as there is something to erase. */
const firstRetryMs = 5_000
const lastRetryMs = 3_600_000

export function createErasures(deps: ErasuresDeps): Erasures {
  const { store, now, lease, log } = deps
  const look = async (erasure: Erasure, mayGoOn: () => Promise<boolean>): Promise<ErasureResult> => {
    const isLast = now() >= erasure.watchedUntil
    const looked = await eraseOnce(deps, erasure, isLast ? 'final' : 'erased', mayGoOn)
    const state = stateAfter(looked, isLast)
    const hasFailed = looked.failed > 0
    const dueAt = hasFailed ? nextTry(erasure, now()) : nextLook(erasure, state, now())
    await store.saveProgress(erasure, { ...looked, state, tries: hasFailed ? erasure.tries + 1 : 0 }, dueAt)
    return { state, counts: looked.counts, watchedUntil: erasure.watchedUntil }
  }
  const lookAgain = async (erasure: Erasure): Promise<void> => {
    try {
      await look(erasure, async () => (await lease.hold()) !== undefined)
    } catch (error) {
      if (isDatabaseAway(error)) throw error
      log.error({ err: error, erasureId: erasure.id }, 'a person could not be erased; it is tried again later')
      await store.putOff(erasure, nextTry(erasure, now()))
    }
  }
  return {
    async erase(request) {
      const erasure = await store.create(request, now())
      const endMs = performance.now() + patienceMs
      return look(erasure, async () => performance.now() < endMs)
    },
    async workOff() {
      if ((await lease.hold()) === undefined) return 0
      const { erasures, unreadable } = await store.due(groupSize, now())
      if (unreadable.length > 0)
        log.error({ erasures: unreadable }, 'no key of the ring opens these erasures: add the one that does')
      for (const erasure of erasures) await lookAgain(erasure)
      return erasures.length
    },
  }
}

function stateAfter({ isComplete, open, failed }: Looked, isLast: boolean): ErasureState {
  if (!isComplete || open > 0 || failed > 0) return 'working'
  return isLast ? 'done' : 'watching'
}

const nextTry = ({ tries }: Erasure, now: Date): Date =>
  new Date(now.getTime() + Math.min(firstRetryMs * 4 ** tries, lastRetryMs))

function nextLook({ requestedAt, watchedUntil }: Erasure, state: ErasureState, now: Date): Date | null {
  if (state === 'done') return null
  const ageMs = now.getTime() - requestedAt.getTime()
  if (state === 'working') return new Date(now.getTime() + (ageMs > patientAfterMs ? patientMs : soonMs))
  // Once more when nothing that was under way can come any more.
  if (ageMs < underWayMs) return new Date(requestedAt.getTime() + underWayMs)
  return new Date(Math.min(now.getTime() + laterMs, watchedUntil.getTime()))
}
