import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OwnedProcess, spawnOwned } from '../services/processes.ts'
import { type GroupResult, readProgress, resultOf, runningTest } from './progress.ts'

export type Step = { name: string; args: readonly string[]; env?: NodeJS.ProcessEnv }

interface Running {
  readonly step: Step
  readonly process: OwnedProcess
  readonly progressFile: string
}

/** Runs steps, one after the other or beside each other, and knows at each moment what is running. */
export const createStepRunner = () => {
  const total: GroupResult = { passed: 0, failed: [], skipped: [] }
  const folder = mkdtempSync(join(tmpdir(), 'fdr-test-'))
  const running = new Set<Running>()
  let stopReason: string | undefined

  const fileOf = ({ name }: Step, ending: string) => join(folder, `${name.replaceAll(/\W/g, '-')}.${ending}`)

  const run = async (step: Step, logFile?: string): Promise<{ exit: number | string; progressFile: string }> => {
    console.log(`\n=== ${step.name}${logFile ? ' (beside what follows; shown when it ends)' : ''} ===`)
    const progressFile = fileOf(step, 'jsonl')
    const env = { ...process.env, ...step.env, TEST_PROGRESS_FILE: progressFile }
    const owned = spawnOwned(process.execPath, step.args, { env, ...(logFile ? { logFile } : {}) })
    const entry = { step, process: owned, progressFile }
    running.add(entry)
    const exit = await owned.exited
    await owned.stop()
    running.delete(entry)
    if (logFile) process.stdout.write(`\n=== ${step.name} ===\n${readFileSync(logFile, 'utf8')}`)
    return { exit, progressFile }
  }

  /** A step that passes or fails as a whole: it adds to the totals only when it fails. */
  const check = async (step: Step): Promise<void> => {
    if (stopReason) return
    const { exit } = await run(step)
    if (exit === 0) console.log('ok')
    else total.failed.push(`${step.name} ${stopReason ?? 'failed'}`)
  }

  const test = async (step: Step): Promise<void> => record(step, () => run(step))

  /** The same beside other steps; its output comes when it ends. */
  const testAside = async (step: Step): Promise<void> => record(step, () => run(step, fileOf(step, 'log')))

  const record = async (step: Step, work: () => ReturnType<typeof run>): Promise<void> => {
    if (stopReason) return
    const { exit, progressFile } = await work()
    const result = resultOf(step.name, readProgress(progressFile), exit, stopReason)
    total.passed += result.passed
    total.failed.push(...result.failed)
    total.skipped.push(...result.skipped)
  }

  /** Ends what runs and skips what follows; the totals then carry the reason as a failure. */
  const stop = async (reason: string): Promise<void> => {
    if (stopReason) return
    stopReason = reason
    console.log(`\nStopping: ${reason}`)
    if (running.size === 0) total.failed.push(reason)
    for (const { step, progressFile } of running) {
      const during = runningTest(readProgress(progressFile))
      console.log(`It was running: ${step.name}${during ? ` > ${during}` : ''}`)
    }
    await Promise.all([...running].map(({ process }) => process.stop()))
  }

  return { check, test, testAside, stop, total, close: () => rmSync(folder, { recursive: true, force: true }) }
}
