/**
 * Puts the timers and the monotonic clock of the process on the scheduler while a seed is played, so that lanes,
 * batchers and retries run as they are. What a timer starts belongs to whoever set it.
 */

import { createRequire, syncBuiltinESMExports } from 'node:module'
import type { Scheduled, Scheduler } from './scheduler.ts'

type Promised = { setTimeout: (ms?: number, value?: unknown) => Promise<unknown> }
const timersPromises = createRequire(import.meta.url)('node:timers/promises') as Promised

/** Stands in for a NodeJS.Timeout and an Immediate. */
const handleOf = (scheduled: Scheduled) => ({
  ...scheduled,
  unref: () => undefined,
  ref: () => undefined,
  hasRef: () => false,
})

const replace = (target: object, values: Record<string, unknown>) => {
  const before = new Map(Object.keys(values).map((name) => [name, Object.getOwnPropertyDescriptor(target, name)]))
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: true })
  }
  return () => {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(target, name, descriptor)
      else Reflect.deleteProperty(target, name)
    }
  }
}

/** What would make two plays of a seed differ. */
const forbidden = (name: string) => () => {
  throw new Error(`${name} was used inside the simulation`)
}

/** Runs `work` on virtual time; everything is as before when it ends. */
export async function onVirtualTime<T>(scheduler: Scheduler, work: () => Promise<T>): Promise<T> {
  const cancel = (handle?: { cancel?: () => void }) => handle?.cancel?.()
  const restores = [
    replace(globalThis, {
      setTimeout: (call: (...values: unknown[]) => void, ms = 0, ...values: unknown[]) =>
        handleOf(scheduler.after(ms, 'timer', () => call(...values))),
      setImmediate: (call: (...values: unknown[]) => void, ...values: unknown[]) =>
        handleOf(scheduler.after(0, 'turn', () => call(...values))),
      clearTimeout: cancel,
      clearImmediate: cancel,
    }),
    replace(Math, { random: forbidden('Math.random') }),
    replace(Date, { now: forbidden('Date.now') }),
    replace(performance, { now: () => scheduler.nowMs() }),
    replace(timersPromises, {
      setTimeout: (ms = 0, value?: unknown) =>
        new Promise((resolve) => scheduler.after(ms, 'sleep', () => resolve(value))),
    }),
  ]
  syncBuiltinESMExports()
  try {
    return await work()
  } finally {
    for (const restore of restores) restore()
    syncBuiltinESMExports()
  }
}
