import Mocha from 'mocha'
import { type ProgressRecord, writeProgress } from './progress.ts'

const leakGraceMs = Number(process.env.TEST_LEAK_GRACE_MS ?? 10_000)
const { constants } = Mocha.Runner

/** Mocha's own readable report, and beside it the progress file that the test command counts from. */
export default class ProgressReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    const file = process.env.TEST_PROGRESS_FILE
    if (file) record(runner, (line) => writeProgress(file, line))
    failOnUnhandledRejection()
  }
}

const titleOf = (runnable: Mocha.Runnable): string => runnable.titlePath().join(' > ')

const record = (runner: Mocha.Runner, write: (line: ProgressRecord) => void): void => {
  runner.on(constants.EVENT_TEST_BEGIN, (test) => write({ type: 'started', title: titleOf(test) }))
  runner.on(constants.EVENT_HOOK_BEGIN, (hook) => write({ type: 'started', title: titleOf(hook) }))
  runner.on(constants.EVENT_TEST_PASS, (test) => write({ type: 'passed', title: titleOf(test) }))
  runner.on(constants.EVENT_TEST_FAIL, (test) => write({ type: 'failed', title: titleOf(test) }))
  runner.on(constants.EVENT_TEST_PENDING, (test) => write({ type: 'skipped', title: titleOf(test) }))
  runner.on(constants.EVENT_RUN_END, () => {
    write({ type: 'ended' })
    setTimeout(() => endLeakingProcess(write), leakGraceMs).unref()
  })
}

/** Runs only if an open handle kept the process alive: a server, socket or timer that a test forgot to close. */
const endLeakingProcess = (write: (line: ProgressRecord) => void): void => {
  write({ type: 'leaked', resources: process.getActiveResourcesInfo() })
  process.exit(1)
}

/** Thrown from here it becomes an uncaught exception, which fails the running test, or the process when none runs. */
const failOnUnhandledRejection = (): void => {
  process.on('unhandledRejection', (reason) => {
    throw reason instanceof Error ? reason : new Error(`unhandled rejection: ${String(reason)}`)
  })
}
