/** The gateway alone: SQLite on a disk, no broker, its own durability settings. */

import type { Stage } from '../stage.ts'
import { adminKey, commonEnv } from './environment.ts'
import { furnish } from './furnish.ts'
import { startProcesses, withProcess } from './processes.ts'
import { runningOf } from './running.ts'
import type { RunningVariant } from './variant.ts'

/** Makes its database with one connection; resolves with what starts it. */
export async function prepareEmbedded(stage: Stage): Promise<() => Promise<RunningVariant>> {
  const env = { ...commonEnv(stage), DATABASE_URL: `sqlite:${stage.sqliteFile}`, AMQP_URL: '' }
  const furnished = await withProcess(stage, env, ({ port }) =>
    furnish({ port, adminKey }, 1, stage.options.concurrency),
  )
  return async () => runningOf(await startProcesses(stage, env, 1), furnished)
}
