/** Rows that are worked on in groups, so that one which cannot be stops no other. */

import { isNobodysFault } from '../storage/one-by-one.ts'

/** Told of a row that cannot be cleared. */
export type OnUncleared = (table: string, id: number, error: unknown) => void

/**
 * Works on a group; when that fails, on each of its rows.
 * @param work is undone when it throws
 * @param onFailure told of each row for which it fails by itself
 * @returns what came of the groups that went well
 * @throws when the database is away or busy: then no row is to blame
 */
export async function rowByRow<R>(
  ids: readonly number[],
  work: (ids: readonly number[]) => Promise<R>,
  onFailure: (id: number, error: unknown) => void,
): Promise<R[]> {
  try {
    return [await work(ids)]
  } catch (error) {
    if (isNobodysFault(error)) throw error
    const [id, ...others] = ids
    if (id === undefined) throw error
    if (others.length === 0) {
      onFailure(id, error)
      return []
    }
  }
  const results: R[] = []
  for (const id of ids) results.push(...(await rowByRow([id], work, onFailure)))
  return results
}
