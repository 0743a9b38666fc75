/** Work that waits for providers, side by side: one that answers slowly holds up none of the others. */

import { atOnce } from './at-once.ts'

const connectionsAtOnce = 8

/** Does the work for the items of each connection together; rejects with the first failure, once all have ended. */
export async function perConnection<T extends { readonly connectionId: number | null }>(
  items: readonly T[],
  work: (items: readonly T[]) => Promise<void>,
): Promise<void> {
  const groups = new Map<number | null, T[]>()
  for (const item of items) groups.set(item.connectionId, [...(groups.get(item.connectionId) ?? []), item])
  await atOnce([...groups], connectionsAtOnce, ([, own]) => work(own))
}
