import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OwnedProcess, spawnOwned } from '../services/processes.ts'
import { type GroupResult, readProgress, resultOf, runningTest } from './progress.ts'

export type Step = { name: string; args: readonly string[]; env?: NodeJS.ProcessEnv }

/** Runs the steps one after the other and knows at each moment what is running. */
export const createStepRunner = () => {
  const total: GroupResult = { passed: 0, failed: [], skipped: [] }
  const folder = mkdtempSync(join(tmpdir(), 'fdr-test-'))
  let current: { step: Step; process: OwnedProcess; progressFile: string } | undefined
  let stopReason: string | undefined

  const run = async (step: Step): Promise<{ exit: number | string; progressFile: string }> => {
    console.log(`\n=== ${step.name} ===`)
    const progressFile = join(folder, `${step.name.replaceAll(/\W/g, '-')}.jsonl`)
    const env = { ...process.env, ...step.env, TEST_PROGRESS_FILE: progressFile }
    const owned = spawnOwned(process.execPath, step.args, { env })
    current = { step, process: owned, progressFile }
    const exit = await owned.exited
    await owned.stop()
    current = undefined
    return { exit, progressFile }
  }

  /** A step that passes or fails as a whole: it adds to the totals only when it fails. */
  const check = async (step: Step): Promise<void> => {
    if (stopReason) return
    const { exit } = await run(step)
    if (exit === 0) console.log('ok')
    else total.failed.push(`${step.name} ${stopReason ?? 'failed'}`)
  }

  const test = async (step: Step): Promise<void> => {
    if (stopReason) return
    const { exit, progressFile } = await run(step)
    const result = resultOf(step.name, readProgress(progressFile), exit, stopReason)
    total.passed += result.passed
    total.failed.push(...result.failed)
    total.skipped.push(...result.skipped)
  }

  /** Ends the step that runs and skips those that follow; the totals then carry the reason as a failure. */
  const stop = async (reason: string): Promise<void> => {
    if (stopReason) return
    stopReason = reason
    console.log(`\nStopping: ${reason}`)
    if (!current) {
      total.failed.push(reason)
      return
    }
    const during = runningTest(readProgress(current.progressFile))
    console.log(`It was running: ${current.step.name}${during ? ` > ${during}` : ''}`)
    await current.process.stop()
  }

  return { check, test, stop, total, close: () => rmSync(folder, { recursive: true, force: true }) }
}
