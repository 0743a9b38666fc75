/** Group commits: whatever gathered while the previous flush was in flight goes into the next one. No timer. */

import { isDatabaseAway } from './database-errors.ts'

export interface BatcherOptions<T, R> {
  /** Writes a group and resolves with one result per item, in order. A throw means that nothing was written. */
  readonly flush: (items: readonly T[]) => Promise<readonly R[]>
  /** Items in one flush at most. */
  readonly maxSize?: number
  /** How much work an item is; 1 unless told. */
  readonly weightOf?: (item: T) => number
  /** Work in one flush at most, but for a single item that has more. */
  readonly maxWeight?: number
  /** Flushes under way at once. */
  readonly inFlight?: number
  /** Work waiting at most; beyond it `add` rejects with {@link BatcherFullError}. */
  readonly maxWaiting?: number
  /** Told after each flush, with the number of items in it. */
  readonly onFlush?: (size: number) => void
}

export interface Batcher<T, R> {
  /** Resolves once the item's own group is committed. */
  add(item: T): Promise<R>
  /** Items that wait or are in flight. */
  size(): number
  /** Resolves when fewer than so many items wait or are in flight. */
  below(count: number): Promise<void>
  /** Resolves when nothing waits and nothing is in flight. */
  idle(): Promise<void>
}

export class BatcherFullError extends Error {
  override readonly name = 'BatcherFullError'
  constructor() {
    super('too much is waiting to be written')
  }
}

interface Waiting<T, R> {
  readonly item: T
  readonly resolve: (result: R) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers single items into groups. A group that fails is tried again item by item, so that one item which the
 * database refuses never costs its neighbours; when the database is away, all of the group fail at once.
 */
export function createBatcher<T, R>(options: BatcherOptions<T, R>): Batcher<T, R> {
  const { flush, maxSize = 64, inFlight: maxInFlight = 1, maxWaiting = 10_000, onFlush } = options
  const { weightOf = () => 1, maxWeight = Number.POSITIVE_INFINITY } = options
  let waiting: Waiting<T, R>[] = []
  let waitingWeight = 0
  let inFlight = 0
  let itemsInFlight = 0
  let watchers: { readonly count: number; readonly resolve: () => void }[] = []

  const fail = (group: readonly Waiting<T, R>[], error: unknown) => {
    for (const entry of group) entry.reject(error)
  }

  const flushEach = async (group: readonly Waiting<T, R>[]) => {
    for (const [index, entry] of group.entries()) {
      try {
        const [result] = await flush([entry.item])
        entry.resolve(result as R)
      } catch (error) {
        if (isDatabaseAway(error)) return fail(group.slice(index), error)
        entry.reject(error)
      }
    }
  }

  const flushGroup = async (group: readonly Waiting<T, R>[]) => {
    try {
      const results = await flush(group.map((entry) => entry.item))
      for (const [index, entry] of group.entries()) entry.resolve(results[index] as R)
    } catch (error) {
      if (group.length > 1 && !isDatabaseAway(error)) await flushEach(group)
      else fail(group, error)
    }
  }

  /** The next items, up to the size and the weight of a group. */
  const takeGroup = () => {
    let weight = 0
    const isOver = ({ item }: Waiting<T, R>, index: number) => {
      weight += weightOf(item)
      return index > 0 && weight > maxWeight
    }
    const end = waiting.slice(0, maxSize).findIndex(isOver)
    const group = waiting.slice(0, end < 0 ? maxSize : end)
    waiting = waiting.slice(group.length)
    for (const { item } of group) waitingWeight -= weightOf(item)
    return group
  }

  const pump = () => {
    while (waiting.length > 0 && inFlight < maxInFlight) {
      const group = takeGroup()
      inFlight++
      itemsInFlight += group.length
      void flushGroup(group).finally(() => {
        inFlight--
        itemsInFlight -= group.length
        onFlush?.(group.length)
        pump()
      })
    }
    const size = waiting.length + itemsInFlight
    for (const { count, resolve } of watchers) if (size < count) resolve()
    watchers = watchers.filter(({ count }) => size >= count)
  }
  const below = (count: number) =>
    new Promise<void>((resolve) => {
      if (waiting.length + itemsInFlight < count) return resolve()
      watchers.push({ count, resolve })
    })

  return {
    add: (item) =>
      new Promise<R>((resolve, reject) => {
        if (waitingWeight >= maxWaiting) return reject(new BatcherFullError())
        waiting.push({ item, resolve, reject })
        waitingWeight += weightOf(item)
        // One turn later, so that all that arrives in the same turn (an AMQP frame, a webhook batch) goes together.
        if (waiting.length === 1) setImmediate(pump)
      }),
    size: () => waiting.length + itemsInFlight,
    below,
    idle: () => below(1),
  }
}
