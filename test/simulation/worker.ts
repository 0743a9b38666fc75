/** As `consumers/worker.ts`, but it only looks when it is told to: who sweeps, and when, is the world's affair. */

export interface SimulatedWorker {
  wake(): void
}

const afterErrorMs = 1_000

export function createWorker(work: () => Promise<number>): SimulatedWorker {
  let isRunning = false
  let isWoken = false

  const run = async () => {
    isRunning = true
    for (isWoken = true; isWoken; ) {
      isWoken = false
      try {
        if ((await work()) > 0) isWoken = true
      } catch {
        await new Promise((resolve) => setTimeout(resolve, afterErrorMs))
      }
    }
    isRunning = false
  }
  return {
    wake() {
      isWoken = true
      if (!isRunning) void run()
    },
  }
}
