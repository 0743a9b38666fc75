/** Work that one replica at a time does: whoever holds its lease, until the lease ends. */

import { randomUUID } from 'node:crypto'
import type { Database } from './database.ts'
import { insertRows } from './rows.ts'
import { sqlTime } from './time.ts'

export interface Lease {
  /**
   * Takes or prolongs the lease where needed.
   * @returns reading of the process's monotonic clock (ms) until which it is held; undefined = another replica has it
   */
  hold(): Promise<number | undefined>
  /** Lets go of it, so that another replica need not wait for its end. */
  release(): Promise<void>
}

export interface LeaseOptions {
  readonly database: Database
  readonly name: string
  readonly now: () => Date
  /** How long the work stands still when its holder vanishes. */
  readonly leaseMs?: number
}

/** Whoever was refused does not ask again at once: the row is its holder's. */
const askEveryMs = 1_000
/** For clocks that do not agree to the millisecond. */
const marginMs = 1_000

export function createLease({ database, name, now, leaseMs = 30_000 }: LeaseOptions): Lease {
  const holder = randomUUID()
  let heldUntilMs = 0
  let askAgainMs = 0
  let isRowThere = false

  const insertRow = async () => {
    const row = { name, holder, held_until: sqlTime(new Date(0)) }
    await insertRows(database, 'gateway_leases', [row], database.keepExisting)
    isRowThere = true
  }
  const ask = async (): Promise<number | undefined> => {
    if (!isRowThere) await insertRow()
    const askedMs = performance.now()
    const time = now()
    const changed = await database.write(
      `UPDATE gateway_leases SET holder = $2, held_until = $3 WHERE name = $1 AND (holder = $2 OR held_until <= $4)`,
      [name, holder, sqlTime(new Date(time.getTime() + leaseMs)), sqlTime(time)],
    )
    heldUntilMs = changed > 0 ? askedMs + leaseMs - marginMs : 0
    askAgainMs = changed > 0 ? askedMs + leaseMs / 2 : askedMs + askEveryMs
    return heldUntilMs || undefined
  }
  return {
    async hold() {
      const nowMs = performance.now()
      if (nowMs < askAgainMs) return heldUntilMs > nowMs ? heldUntilMs : undefined
      return ask()
    },
    async release() {
      if (heldUntilMs === 0) return
      heldUntilMs = 0
      askAgainMs = 0
      const over = sqlTime(new Date(0))
      await database.write('UPDATE gateway_leases SET held_until = $3 WHERE name = $1 AND holder = $2', [
        name,
        holder,
        over,
      ])
    },
  }
}
