import { execFile } from 'node:child_process'
import { expect } from 'chai'
import { openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { aConnectionRow, addMessages, chance, letThingsHappen } from '../support/stats-history.ts'
import { createStorage } from '../support/world.ts'

const run = (url: string, ...args: string[]) =>
  new Promise<{ code: number; output: string }>((resolve) => {
    const options = { env: { PATH: process.env.PATH ?? '', DATABASE_URL: url }, timeout: 120_000 }
    execFile(process.execPath, ['--import', 'tsx', 'src/stats.ts', ...args], options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    )
  })

describe('npm run stats', function () {
  this.timeout(400_000)

  it('counts everything anew, and notices what is not as it was counted', async () => {
    const storage = await createStorage('mysql')
    const database = openDatabase({ url: storage.url })
    try {
      await migrate(database)
      const connections = [await aConnectionRow(database, 5, 'meta')]
      const now = new Date(Date.now() - 3_600_000)
      const options = {
        random: chance(3),
        from: new Date('2026-11-18T00:00:00Z'),
        days: 2,
        accounts: [5],
        connections,
        now,
      }
      await addMessages(database, 60, options)
      await letThingsHappen(database, 40, options)
      const rebuilt = await run(storage.url, 'rebuild')
      expect(rebuilt.code, rebuilt.output).to.equal(0)
      expect(rebuilt.output).to.match(/^counted anew in \d+ s/)
      const right = await run(storage.url, 'check')
      expect(right.code, right.output).to.equal(0)
      expect(right.output).to.match(/^1 blocks and [1-9]\d* sums compared, 0 blocks are changing/)
      await database.write("UPDATE wa_outgoing_messages SET status_rank = 7, state = 'accepted' WHERE status_rank < 7")
      await database.write("DELETE FROM wa_stats_sums WHERE scope = 'agents'")
      const wrong = await run(storage.url, 'check')
      expect(wrong.code, wrong.output).to.equal(1)
      expect(wrong.output).to.match(/Blocks that differ: 0\nSums that differ: agents\//)
    } finally {
      await database.close()
      await storage.drop()
    }
  })

  it('says what it can do', async () => {
    const { code, output } = await run('sqlite::memory:', 'recount')
    expect(code, output).to.equal(1)
    expect(output).to.equal('npm run stats -- rebuild | check\n')
  })
})
