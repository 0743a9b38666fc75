import { expect } from 'chai'
import { checkStats } from '../../src/core/stats/check-stats.ts'
import { loadPrices } from '../../src/core/stats/prices.ts'
import { blockOf } from '../../src/core/stats/read-block.ts'
import { createStats } from '../../src/core/stats/stats.ts'
import { addBlock, applyChanges, type Sums } from '../../src/core/stats/sums.ts'
import { countAll, createStatsSweep, type StatsFailure } from '../../src/core/stats/sweep-stats.ts'
import { type Database, type Executor, openDatabase, type SqlValue } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { insertRows } from '../../src/core/storage/rows.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { configDir } from '../../src/paths.ts'
import { patienceMs } from '../support/scale.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const day = '2026-11-18'
const created = new Date(`${day}T06:00:00Z`)
const blockSize = 1_024

interface Answer {
  readonly items: readonly { readonly createdBy: string | null; readonly queued: number }[]
  readonly totals: { readonly queued: number }
  readonly countedUntil: Date | null
}

for (const kind of storages) {
  describe(`statistics in trouble on ${kind}`, function () {
    this.timeout(patienceMs)
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let nowMs = Date.parse('2026-11-21T00:00:00Z')
    const now = () => new Date(nowMs)

    beforeEach(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    afterEach(async () => {
      await database.close()
      await storage.drop()
    })

    const ask = async (accountId: number, by: string) => {
      const prices = loadPrices(`${configDir}/prices.yaml`)
      const stats = createStats({ database, prices, settings: async () => ({ timezone: 'UTC' }), now })
      return (await stats.ask({ accountId, by, from: day, to: day, filters: {} })) as Answer
    }

    async function addMessages(ids: readonly number[], accountId: number, createdBy: (id: number) => string) {
      const rows = ids.map((id) => ({
        id,
        reference: `r${id}`,
        idempotency_key: `k${id}`,
        account_id: accountId,
        kind: 'agent_message',
        payload: '{}',
        created_by: createdBy(id),
        state: 'queued',
        status_rank: 1,
        created_at: sqlTime(created),
        updated_at: sqlTime(now()),
      }))
      await insertRows(database, 'wa_outgoing_messages', rows)
    }
    const idsOf = (count: number, first = 1) => Array.from({ length: count }, (_, index) => first + index)
    const touch = (id: number) =>
      database.write('UPDATE wa_outgoing_messages SET updated_at = $2, status_rank = 2 WHERE id = $1', [
        id,
        sqlTime(now()),
      ])

    it('stay small and right for everybody when a client names another author with each message', async () => {
      await addMessages(idsOf(1_300), 5, (id) => `author-${id}-${'x'.repeat(40)}`)
      await addMessages([1_301, 1_302], 6, () => 'Asha')
      await countAll({ database, now })
      const crowded = await ask(5, 'createdBy')
      expect(crowded.totals.queued).to.equal(1_300)
      expect(crowded.items).to.have.length(1_001)
      expect(crowded.items.find(({ createdBy }) => createdBy === 'other')?.queued).to.equal(300)
      expect((await ask(6, 'createdBy')).items).to.have.length(1)
      expect((await ask(6, 'createdBy')).items[0]).to.include({ createdBy: 'Asha', queued: 2 })
      nowMs += 600_000
      const { wrongBlocks, wrongSums } = await checkStats(database, now)
      expect({ wrongBlocks, wrongSums }).to.deep.equal({ wrongBlocks: [], wrongSums: [] })
      await database.write('DELETE FROM wa_outgoing_messages WHERE account_id = 5')
      await database.write('UPDATE wa_stats_blocks SET is_due = 1')
      await countAll({ database, now })
      expect((await ask(5, 'createdBy')).totals.queued).to.equal(0)
      expect((await checkStats(database, now)).wrongSums).to.deep.equal([])
    })

    it('write no statement that is much larger than its largest sum', async () => {
      const sizes: number[] = []
      const measured = (executor: Executor): Executor => ({
        select: executor.select,
        write: async (sql, bind = []) => {
          sizes.push(bind.reduce((sum: number, value: SqlValue) => sum + String(value).length, 0))
          return executor.write(sql, bind)
        },
      })
      for (let round = 0; round < 2; round++) {
        const changes: Sums = new Map()
        for (let slot = 0; slot < 20; slot++) {
          const names = idsOf(900).map((id) => `${id}-${'ä'.repeat(200)}`)
          const cells = names.map((name) => [
            JSON.stringify([5, null, null, null, null, 'fdr', name, false]),
            { queued: 1 },
          ])
          addBlock(changes, { [slot]: Object.fromEntries(cells) })
        }
        await database.transaction((tx) => applyChanges(measured(tx), database, changes))
      }
      const [row] = await database.select<{ longest: number }>(
        'SELECT MAX(LENGTH(cells)) AS longest FROM wa_stats_sums',
      )
      expect(sizes.length).to.be.greaterThan(1)
      expect(Math.max(...sizes)).to.be.below(Number(row?.longest) + 16 * 128 * 1024)
    })

    it('go on with the others when a block cannot be counted, say so each time, and count it once it can be', async () => {
      await addMessages([1, blockSize * 2, blockSize * 3], 5, () => 'Asha')
      await countAll({ database, now })
      const before = (await ask(5, '')).countedUntil
      await database.write('UPDATE wa_stats_blocks SET cells = $1 WHERE id = 2', [Buffer.from('spoilt')])
      nowMs += 60_000
      await addMessages([2, blockSize * 2 + 1, blockSize * 3 + 1], 5, () => 'Asha')
      let elapsedMs = 1
      const failures: StatsFailure[] = []
      const onFailure = (failure: StatsFailure) => void failures.push(failure)
      const sweep = createStatsSweep({ database, now, elapsedMs: () => elapsedMs, onFailure })
      for (let turns = 0; turns < 4; turns++) {
        await sweep()
        elapsedMs += 3_000
      }
      expect(failures.map(({ block, times }) => ({ block, times }))).to.deep.equal([{ block: 2, times: 1 }])
      expect((await ask(5, '')).totals.queued).to.equal(5)
      expect((await ask(5, '')).countedUntil, 'nothing says that all is counted').to.deep.equal(before)
      elapsedMs += 60_000
      await sweep()
      expect(failures.map(({ times }) => times)).to.deep.equal([1, 2])
      await countAll({ database, now }).then(
        () => expect.fail('all were counted'),
        (error: unknown) => expect(error).to.be.instanceOf(Error),
      )
      await database.write('UPDATE wa_stats_blocks SET cells = NULL WHERE id = 2')
      elapsedMs += 3_600_000
      await sweep()
      expect(failures).to.have.length(2)
      const [left] = await database.select<{ n: number }>('SELECT COUNT(*) AS n FROM wa_stats_blocks WHERE is_due = 1')
      expect(Number(left?.n)).to.equal(0)
    })

    it('come to each old block although more new ones change than a turn counts', async () => {
      const firsts = idsOf(12).map((block) => block * blockSize)
      await addMessages(firsts, 5, () => 'Asha')
      await countAll({ database, now })
      for (const id of firsts) await touch(id)
      nowMs += 10_000
      let elapsedMs = 1
      // Each look at the clock is a turn's time later: a turn counts one group.
      const sweep = createStatsSweep({ database, now, elapsedMs: () => (elapsedMs += 10_000) })
      const old = firsts.slice(0, 6).map(blockOf)
      for (let turns = 0; turns < 8; turns++) {
        nowMs += 1_000
        for (const id of firsts.slice(6)) await touch(id)
        await sweep()
      }
      const due = await database.select<{ id: number }>('SELECT id FROM wa_stats_blocks WHERE is_due = 1')
      expect(due.map(({ id }) => Number(id)).filter((id) => old.includes(id))).to.deep.equal([])
    })
  })
}
