import { setTimeout as sleep } from 'node:timers/promises'

const everyMs = 1_000

/**
 * Does something small as soon as the database answers again, or gives up after a while. Never rejects.
 * @param forMs how long it makes sense to try
 */
export async function whenBack(forMs: number, work: () => Promise<void>): Promise<void> {
  for (
    const end = performance.now() + forMs;
    performance.now() < end;
    await sleep(everyMs, undefined, { ref: false })
  ) {
    try {
      return await work()
    } catch {
      // Still away.
    }
  }
}
