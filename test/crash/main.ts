/** Kills gateways in the middle of their work, and judges what became of every event. See docs/reliability.md. */

import { logTail } from '../../scripts/services/processes.ts'
import { planCustomers, planEvents } from './events.ts'
import { collectEvidence } from './evidence.ts'
import { judge } from './judge.ts'
import { type CrashOptions, readOptions, usage } from './options.ts'
import { printReport } from './report.ts'
import { settle } from './settle.ts'
import { prepareStage } from './stage.ts'
import { makeTrouble } from './trouble.ts'

async function run(options: CrashOptions): Promise<boolean> {
  const startedAt = Date.now()
  const seconds = () => `${Math.round((Date.now() - startedAt) / 1_000)} s`
  console.log(`test:crash --events ${options.events} --kills ${options.kills} --seed ${options.seed}`)
  const events = planEvents(options.events, options.seed)
  const stage = await prepareStage(options, planCustomers(events, options.seed))
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stage.close().finally(() => process.exit(130)))
  try {
    const troubles = await makeTrouble(stage, events, options)
    console.log(`trouble is over after ${seconds()}; leases of 90 s run out now`)
    for (const note of await settle(stage, events)) console.log(`  ${note}`)
    const evidence = await collectEvidence(stage, events)
    const verdicts = judge(evidence)
    printReport(evidence, verdicts, troubles)
    const isClean = verdicts.every(({ violations }) => violations.length === 0)
    console.log(`\n${isClean ? 'crash: ok' : 'crash: VIOLATED'} (seed ${options.seed}, ${seconds()})`)
    return isClean
  } catch (error) {
    for (const { logFile } of stage.gateways) console.error(`${logFile}:\n${logTail(logFile)}`)
    throw error
  } finally {
    await stage.close()
  }
}

function optionsOrExit(): CrashOptions {
  try {
    return readOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`)
    process.exit(2)
  }
}

process.exit((await run(optionsOrExit())) ? 0 : 1)
