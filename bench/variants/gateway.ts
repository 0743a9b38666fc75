/** The real gateway: built output, processes of its own, everything switched on. */

import { runProgram } from '../../scripts/services/processes.ts'
import type { Stage } from '../stage.ts'
import { prepareStored, sendersNeeded } from '../stored/store.ts'
import { prepareEmbedded } from './embedded.ts'
import { adminKey, commonEnv } from './environment.ts'
import { furnish } from './furnish.ts'
import { build, startProcesses, withProcess } from './processes.ts'
import { runningOf } from './running.ts'
import type { Variant } from './variant.ts'

const migrateMs = 180_000
/** Builds the gateway, makes its tables and enters the connections of the run. */
export async function prepareGateway(stage: Stage): Promise<Variant> {
  await build()
  const { processes } = stage.options
  const env = { ...commonEnv(stage), DATABASE_URL: stage.databaseUrls.gateway, AMQP_URL: stage.amqpUrl }
  await runProgram(process.execPath, ['dist/migrate.js'], { timeoutMs: migrateMs, env: { ...process.env, ...env } })
  const [furnished, write] = await withProcess(stage, env, async (first) => {
    const entered = await furnish({ port: first.port, adminKey }, sendersNeeded(stage), stage.options.concurrency)
    return [entered, await prepareStored(stage, first, entered)] as const
  })
  await stage.database.query(settleConnections)
  await write()
  let embedded: ReturnType<typeof prepareEmbedded> | undefined
  return {
    name: 'gateway',
    async start(work) {
      if (work !== 'embedded') return runningOf(await startProcesses(stage, env, processes), furnished)
      embedded ??= prepareEmbedded(stage)
      return (await embedded)()
    },
  }
}

/**
 * As in a running installation: the first message of a new connection proves its number, and its templates are read a
 * minute later, from then on only now and then.
 */
const settleConnections = `UPDATE wa_connections
  SET number_proved_at = created_at, templates_due_at = templates_due_at + INTERVAL 6 HOUR`
