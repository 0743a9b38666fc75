/** Groups that fail as a whole are gone through singly, so that one row which cannot be applied stops no other. */

import type { Logger } from '../observe/logger.ts'
import { BatcherFullError } from './batcher.ts'
import { isDatabaseAway, isTransient } from './database-errors.ts'

export interface GroupWork {
  /** Applies up to `limit` due rows in one transaction; resolves with how many were looked at. */
  readonly apply: (limit: number) => Promise<number>
  /** Puts the first due row off, as one that was looked at in vain. */
  readonly putOffFirst: () => Promise<void>
  readonly log: Logger
}

/**
 * Applies one group.
 * @throws when the database is away: then no row is to blame
 */
export async function applyGroup({ apply, putOffFirst, log }: GroupWork, groupSize: number): Promise<number> {
  try {
    return await apply(groupSize)
  } catch (error) {
    if (isDatabaseAway(error)) throw error
  }
  for (let done = 0; done < groupSize; done++) {
    try {
      if ((await apply(1)) === 0) return done
    } catch (error) {
      if (isDatabaseAway(error)) throw error
      log.error({ err: error }, 'something that came back could not be applied; it is put off')
      await putOffFirst()
    }
  }
  return groupSize
}

export interface ItemWork<T> {
  /** Does the work for some items, as one; what it did is undone when it throws. */
  readonly work: (items: readonly T[]) => Promise<void>
  /** Puts off one item for which the work fails by itself. */
  readonly putOff: (item: T, error: unknown) => Promise<void>
  readonly log: Logger
}

/**
 * The same for messages that are known beforehand.
 * @throws when the database is away or busy, or too much waits for it: then no item is to blame
 */
export async function workOnGroup<T extends number | { readonly id: number }>(
  { work, putOff, log }: ItemWork<T>,
  items: readonly T[],
): Promise<void> {
  try {
    return await work(items)
  } catch (error) {
    if (isNobodysFault(error)) throw error
  }
  for (const item of items) {
    try {
      await work([item])
    } catch (error) {
      if (isNobodysFault(error)) throw error
      const messageId = typeof item === 'number' ? item : item.id
      log.error({ err: error, messageId }, 'one of a group could not be worked on; it is put off')
      await putOff(item, error)
    }
  }
}

/** Would any other item have failed in the same way? */
export const isNobodysFault = (error: unknown): boolean =>
  isDatabaseAway(error) || isTransient(error) || error instanceof BatcherFullError
