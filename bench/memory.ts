/** How much memory processes have while they work. */

import { residentMbOf } from './cpu.ts'

export interface Memory {
  /** Of the process that has most; what several share counts in each. */
  readonly peakMb: number
  readonly finalMb: number
}

const everyMs = 200

/** Looks several times a second; the function that it gives ends this. */
export function watchMemory(pids: readonly (number | undefined)[]): () => Memory {
  const largest = () => Math.max(...pids.map(residentMbOf))
  let peakMb = largest()
  const look = () => {
    const mb = largest()
    peakMb = Math.max(peakMb, mb)
    return mb
  }
  const timer = setInterval(look, everyMs)
  return () => {
    clearInterval(timer)
    const finalMb = look()
    return { peakMb, finalMb }
  }
}
