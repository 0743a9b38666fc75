/** Work that lies in rows: done as soon as somebody says so, and looked for now and then in case nobody did. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../core/observe/logger.ts'

export interface WorkerOptions {
  readonly name: string
  /** Does one group; resolves with its size. */
  readonly work: () => Promise<number>
  /** Size of a full group: a smaller one means that nothing is left. */
  readonly fullGroup?: number
  /** After a part of a group: so long more may gather before the next look, whoever rings. */
  readonly gatherMs?: number
  /** How often to look unasked. */
  readonly everyMs: number
  /** Told after each round how it went. */
  readonly onRound?: (isDone: boolean) => void
  readonly log: Logger
}

export interface Worker {
  /** There is something to do. */
  wake(): void
  /** Nothing is under way, and nobody woke it. */
  isIdle(): boolean
  /** Resolves when the group under way is done; no further one is begun. */
  stop(): Promise<void>
}

/** After a failure: long enough not to spin, short enough not to be noticed once it is over. */
const afterErrorMs = 1_000

export function startWorker(options: WorkerOptions): Worker {
  const { name, work, fullGroup = 1, gatherMs = 0, everyMs, onRound = () => {}, log } = options
  let isWoken = true
  let isStopped = false
  let isPausing = false
  let interrupt = () => {}

  const stopping = new AbortController()
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      isPausing = true
      const end = () => {
        isPausing = false
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(end, ms)
      interrupt = end
    })
  /** Only a stop ends it early. */
  const stayAway = (ms: number) => sleep(ms, undefined, { signal: stopping.signal }).catch(() => {})

  const loop = async () => {
    while (!isStopped) {
      isWoken = false
      try {
        const count = await work()
        onRound(true)
        if (count >= fullGroup) continue
        if (count > 0 && gatherMs > 0) await stayAway(gatherMs)
        if (!isWoken && !isStopped) await pause(everyMs)
      } catch (error) {
        onRound(false)
        log.warn({ err: error, worker: name }, 'work failed; trying again')
        // Also when it is woken: news must not make a failing worker spin.
        await stayAway(afterErrorMs)
      }
    }
  }
  const running = loop()
  return {
    wake() {
      isWoken = true
      interrupt()
    },
    isIdle: () => isPausing,
    stop() {
      isStopped = true
      stopping.abort()
      interrupt()
      return running
    },
  }
}
