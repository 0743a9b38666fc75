/** Synchronous statements, one after the other, would keep timers and sockets waiting; this lets them in between. */

export interface Pacer {
  /** True once this turn of the event loop has worked for longer than the budget. */
  isSpent(): boolean
  /** Runs a task at once, or in a later turn if this one's budget is spent. */
  run(task: () => void): void
  /** Runs a callback right after the present code, or in a later turn if this one's budget is spent. */
  deliver(callback: () => void): void
}

export function createPacer(budgetMs = 2): Pacer {
  let turnStartedAt: number | undefined
  const isSpent = () => {
    if (turnStartedAt !== undefined) return performance.now() - turnStartedAt > budgetMs
    turnStartedAt = performance.now()
    setImmediate(() => {
      turnStartedAt = undefined
    })
    return false
  }
  const run = (task: () => void) => {
    if (isSpent()) setImmediate(() => run(task))
    else task()
  }
  return {
    isSpent,
    run,
    deliver: (callback) => {
      if (isSpent()) setImmediate(() => run(callback))
      else queueMicrotask(callback)
    },
  }
}
