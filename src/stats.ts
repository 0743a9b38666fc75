/** `rebuild` counts all statistics anew, `check` compares them with a recount; safe beside gateways that run. */

import { checkStats } from './core/stats/check-stats.ts'
import { startAnew } from './core/stats/stats-state.ts'
import { countAll } from './core/stats/sweep-stats.ts'
import { type Database, openDatabase } from './core/storage/database.ts'
import { createDatabaseClock } from './core/storage/database-clock.ts'
import { EnvError, loadDotEnv, readEnv } from './env.ts'

const commands: Readonly<Record<string, (database: Database, now: () => Date) => Promise<boolean>>> = {
  async rebuild(database, now) {
    const startedMs = performance.now()
    await startAnew(database, now())
    await countAll({ database, now })
    process.stdout.write(`counted anew in ${Math.round((performance.now() - startedMs) / 1_000)} s\n`)
    return true
  },
  async check(database, now) {
    await countAll({ database, now })
    const { blocks, sums, wrongBlocks, wrongSums, changing } = await checkStats(database, now)
    process.stdout.write(`${blocks} blocks and ${sums} sums compared, ${changing.length} blocks are changing\n`)
    if (wrongBlocks.length > 0) process.stderr.write(`Blocks that differ: ${wrongBlocks.join(', ')}\n`)
    if (wrongSums.length > 0) process.stderr.write(`Sums that differ: ${wrongSums.join(', ')}\n`)
    return wrongBlocks.length + wrongSums.length === 0
  },
}

async function main(): Promise<void> {
  const command = commands[process.argv[2] ?? '']
  if (!command) throw new EnvError('npm run stats -- rebuild | check')
  loadDotEnv()
  const database = openDatabase({ url: readEnv(process.env).DATABASE_URL })
  const isRight = await createDatabaseClock(database)
    .then(({ now }) => command(database, now))
    .finally(() => database.close())
  if (!isRight) process.exitCode = 1
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
})
