/** Delays that can be counted and dropped all at once. */
export interface Timers {
  after(delayMs: number, run: () => void): void
  clear(): void
  /** Drops all, and takes no more. */
  close(): void
  readonly size: number
}

export function createTimers(): Timers {
  const waiting = new Set<NodeJS.Timeout>()
  let closed = false
  const clear = (): void => {
    for (const timer of waiting) clearTimeout(timer)
    waiting.clear()
  }
  return {
    after(delayMs, run) {
      if (closed) return
      const timer = setTimeout(() => {
        waiting.delete(timer)
        run()
      }, delayMs)
      waiting.add(timer)
    },
    clear,
    close() {
      closed = true
      clear()
    },
    get size() {
      return waiting.size
    },
  }
}
