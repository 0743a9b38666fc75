/** Which due blocks are counted next, so that none waits for ever: neither for newer ones nor for one that fails. */

import type { Executor } from '../storage/database.ts'
import { dueBlocks } from './stored-blocks.ts'

export interface DueOrder {
  /** @returns none where nothing is due but what is put off */
  next(executor: Executor, size: number): Promise<number[]>
  /**
   * Leaves a block out for a while, longer each time.
   * @returns how often it failed
   * @throws {Error} where so many are left out that it is not these blocks' fault
   */
  putOff(block: number): number
  /** It was counted, so that no failure of it counts any more. */
  forgive(block: number): void
  /** Is one left out now? */
  hasPutOff(): boolean
}

const firstMs = 60_000
const longestMs = 3_600_000
const mostPutOff = 100

interface Failed {
  readonly times: number
  readonly untilMs: number
}

/**
 * By turns the newest ones, which are looked at most, and the next ones of a round over all: however many new ones come,
 * each gets its turn.
 * @param elapsedMs a clock that never goes back
 */
export function createDueOrder(elapsedMs: () => number): DueOrder {
  const failed = new Map<number, Failed>()
  const leftOut = () => [...failed].flatMap(([block, { untilMs }]) => (untilMs > elapsedMs() ? block : []))
  let isRound = true
  let reached = 0
  return {
    async next(executor, size) {
      const except = leftOut()
      isRound = !isRound
      if (!isRound) return dueBlocks(executor, size, { except })
      let blocks = await dueBlocks(executor, size, { from: reached, except })
      if (blocks.length === 0) blocks = await dueBlocks(executor, size, { from: 0, except })
      reached = (blocks.at(-1) ?? -1) + 1
      return blocks
    },
    putOff(block) {
      const times = (failed.get(block)?.times ?? 0) + 1
      failed.set(block, { times, untilMs: elapsedMs() + Math.min(firstMs * 2 ** (times - 1), longestMs) })
      if (failed.size <= mostPutOff) return times
      failed.clear()
      throw new Error(`more than ${mostPutOff} blocks of the statistics cannot be counted`)
    },
    forgive: (block) => void failed.delete(block),
    hasPutOff: () => leftOut().length > 0,
  }
}
