/** Whether the machine let a test have its time: figures of speed mean nothing on one that did not. */

import { monitorEventLoopDelay } from 'node:perf_hooks'

const resolutionMs = 10

export interface Calmness {
  /** How late this process got a processor, in all but the latest twentieth of cases; in milliseconds. */
  lateMs(): number
  stop(): void
}

export function watchCalmness(): Calmness {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs })
  delays.enable()
  return {
    lateMs: () => Math.max(0, delays.percentile(95) / 1e6 - resolutionMs),
    stop: () => void delays.disable(),
  }
}
