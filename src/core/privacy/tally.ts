/** What one look at a person's data did, added to what was done before. */

import type { Counts } from './erasure-store.ts'

export interface Tally {
  add(kind: string, count: number): void
  /** So many rows could not be dealt with yet. */
  open(count: number): void
  /** So many rows could not be dealt with at all. */
  failed(count: number): void
  /** Texts of this kind are searched up to an id. */
  searched(kind: string, id: number): void
  searchedUpTo(kind: string): number
  result(): { readonly counts: Counts; readonly searched: Counts; readonly open: number; readonly failed: number }
}

/** Ids are given out before they are committed: what is just behind may still appear. */
const appearsWithin = 2_000

export function createTally(counts: Counts, searched: Counts): Tally {
  const sums = new Map(Object.entries(counts))
  const ends = new Map(Object.entries(searched))
  let [openCount, failedCount] = [0, 0]
  return {
    add: (kind, count) => void (count > 0 && sums.set(kind, (sums.get(kind) ?? 0) + count)),
    open: (count) => {
      openCount += count
    },
    failed: (count) => {
      failedCount += count
    },
    searched: (kind, id) => void ends.set(kind, Math.max(id, ends.get(kind) ?? 0)),
    searchedUpTo: (kind) => Math.max(0, (searched[kind] ?? 0) - appearsWithin),
    result: () => ({
      counts: Object.fromEntries(sums),
      searched: Object.fromEntries(ends),
      open: openCount,
      failed: failedCount,
    }),
  }
}
