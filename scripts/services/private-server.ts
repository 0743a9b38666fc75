import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf } from './describe.ts'
import { logTail, type OwnedProcess } from './processes.ts'

const startTimeoutMs = 120_000

export const temporaryFolder = (name: string): Promise<string> => mkdtemp(join(tmpdir(), `fdr-${name}-`))

/** Waits until the probe succeeds. Stops the server and throws, with the end of its log, when that does not happen. */
export const untilAnswers = async (
  server: OwnedProcess,
  probe: () => Promise<void>,
  logFile: string,
): Promise<void> => {
  const deadline = Date.now() + startTimeoutMs
  for (;;) {
    const problem = await probe().then(() => undefined, reasonOf)
    if (problem === undefined) return
    if (server.hasExited() || Date.now() > deadline) {
      const tail = logTail(logFile)
      await server.stop()
      throw new Error(`it did not come up (${problem}):\n${tail}`)
    }
    await sleep(250)
  }
}
