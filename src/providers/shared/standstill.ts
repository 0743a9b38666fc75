/**
 * Whether this process stood still (stopped, suspended, starved) and has not come to its timers since: what it was about
 * to do may have been done by others meanwhile.
 */

const everyMs = 1_000
let lastSeenMs = performance.now()
let watch: NodeJS.Timeout | undefined

/** Looks at the clock now and then from here on, for as long as the process lives; keeps nobody waiting for its end. */
export function watchStandstill(): void {
  if (watch) return
  lastSeenMs = performance.now()
  watch = setInterval(() => {
    lastSeenMs = performance.now()
  }, everyMs).unref()
}

/** For how long no timer has fired, beyond what is usual; in milliseconds. */
export const stoodStillMs = (): number => Math.max(0, performance.now() - lastSeenMs - everyMs)
