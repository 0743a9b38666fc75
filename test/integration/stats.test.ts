import { expect } from 'chai'
import { takeStep } from '../../src/core/privacy/retention.ts'
import { retentionSteps } from '../../src/core/privacy/retention-steps.ts'
import { checkStats } from '../../src/core/stats/check-stats.ts'
import { loadPrices } from '../../src/core/stats/prices.ts'
import type { RawQuestion } from '../../src/core/stats/question.ts'
import { createStats, type Stats } from '../../src/core/stats/stats.ts'
import { startAnew } from '../../src/core/stats/stats-state.ts'
import { countAll } from '../../src/core/stats/sweep-stats.ts'
import { type Database, type Executor, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { insertRows } from '../../src/core/storage/rows.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { configDir } from '../../src/paths.ts'
import { patienceMs } from '../support/scale.ts'
import {
  aConnectionRow,
  addMessages,
  chance,
  countBySql,
  type HistoryOptions,
  letThingsHappen,
} from '../support/stats-history.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

interface Item extends Record<string, unknown> {
  readonly queued: number
}
interface Answer {
  readonly items: readonly Item[]
  readonly totals: Item
  readonly countedUntil: Date | null
}

const from = new Date('2026-11-18T00:00:00Z')

for (const kind of storages) {
  describe(`statistics on ${kind}`, function () {
    this.timeout(patienceMs)
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let stats: Stats
    let nowMs = Date.parse('2026-11-21T00:00:00Z')
    const now = () => new Date(nowMs)

    beforeEach(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
      const prices = loadPrices(`${configDir}/prices.yaml`)
      stats = createStats({ database, prices, settings: async () => ({ timezone: 'Asia/Kolkata' }), now })
    })
    afterEach(async () => {
      await database.close()
      await storage.drop()
    })

    const history = async (seed: number): Promise<HistoryOptions> => {
      const connections = [await aConnectionRow(database, 5, 'meta'), await aConnectionRow(database, 379, 'twin24')]
      const random = chance(seed)
      return { random, from, days: 3, accounts: [5, 379, 380], connections, now: now() }
    }
    const later = (options: HistoryOptions, minutes: number): HistoryOptions => {
      nowMs += minutes * 60_000
      return { ...options, now: now() }
    }
    const ask = async (question: Partial<RawQuestion>) =>
      (await stats.ask({ from: '2026-11-18', to: '2026-11-21', filters: {}, ...question })) as Answer

    /** Nothing is looked at once more because it was uncommitted a while ago. */
    async function countUntilSettled(): Promise<void> {
      for (let looks = 0; looks < 3; looks++) {
        await countAll({ database, now })
        nowMs += 600_000
      }
    }

    /** Everything that is asked equals a count of the rows. */
    async function expectCounted(): Promise<void> {
      const expectEqual = async (found: Item | undefined, where: string) => {
        const expected = await countBySql(database, where)
        for (const [name, count] of Object.entries(expected))
          expect(found?.[name] ?? 0, `${name} where ${where}`).to.equal(count)
      }
      await expectEqual((await ask({})).totals, '1 = 1')
      for (const account of [5, 379, 380]) {
        await expectEqual((await ask({ accountId: account })).totals, `account_id = ${account}`)
        const byAccount = (await ask({ by: 'account' })).items
        await expectEqual(
          byAccount.find((item) => item.account === account),
          `account_id = ${account}`,
        )
      }
      for (const item of (await ask({ by: 'reason,isFollowUp' })).items) {
        const reason = item.reason === null ? 'reason IS NULL' : `reason = '${item.reason}'`
        await expectEqual(item, `${reason} AND root_outgoing_message_id IS ${item.isFollowUp ? 'NOT' : ''} NULL`)
      }
      const [day] = (await ask({ by: 'day', timezone: 'Asia/Kolkata', from: '2026-11-19', to: '2026-11-19' })).items
      await expectEqual(day, "created_at >= '2026-11-18 18:30:00.000' AND created_at < '2026-11-19 18:30:00.000'")
      for (const item of (await ask({ by: 'hour,createdBy', from: '2026-11-20', to: '2026-11-20' })).items) {
        const hour = String(item.hour).slice(0, 13).replace('T', ' ')
        const createdBy = item.createdBy === null ? 'IS NULL' : `= '${item.createdBy}'`
        await expectEqual(item, `created_at LIKE '${hour}%' AND created_by ${createdBy}`)
      }
      const { wrongBlocks, wrongSums, changing, sums } = await checkStats(database, now)
      expect({ wrongBlocks, wrongSums, changing }).to.deep.equal({ wrongBlocks: [], wrongSums: [], changing: [] })
      expect(sums).to.be.greaterThan(10)
    }

    it('equal a count of the rows, whatever happens to old messages and new ones', async () => {
      let options = await history(7)
      await addMessages(database, 300, options)
      await countAll({ database, now })
      await expectCounted()
      for (let round = 0; round < 3; round++) {
        options = later(options, 3)
        await letThingsHappen(database, 120, options)
        await addMessages(database, 300, options)
        await countAll({ database, now })
        await expectCounted()
      }
    })

    it('find a reply, and an action that the courier side took, although the message is as it was', async () => {
      const options = await history(5)
      await addMessages(database, 3, options)
      await countUntilSettled()
      const at = sqlTime(now())
      const row = { wa_root_outgoing_message_id: 1, created_at: at, updated_at: at }
      const reply = { connection_id: 1, reply_message_id: 'r1', customer_reply_type: 'text', ...row }
      await insertRows(database, 'wa_customer_reply_messages', [reply])
      await countAll({ database, now })
      expect((await ask({})).totals).to.deep.include({ replied: 1, savedDeliveries: 0 })
      await countUntilSettled()
      const stamps = { created_at: at, updated_at: sqlTime(now()) }
      const root = { root_outgoing_message_id: 1, account_id: 5, idempotency_key: 'ndr:1' }
      await insertRows(database, 'ndr_actions', [
        { ...root, action: 'cancel', request: '{}', state: 'taken', ...stamps },
      ])
      await countAll({ database, now })
      expect((await ask({})).totals).to.deep.include({ replied: 1, savedDeliveries: 1 })
    })

    it('find a change that was committed long after the moment that it carries', async () => {
      const options = await history(11)
      await addMessages(database, 50, options)
      await countAll({ database, now })
      const before = now()
      nowMs += 40_000
      await countAll({ database, now })
      await letThingsHappen(database, 20, { ...options, now: before })
      nowMs += 200_000
      await countAll({ database, now })
      await expectCounted()
    })

    it('are neither wrong nor stuck wherever counting is cut off', async () => {
      const options = await history(13)
      await addMessages(database, 100, options)
      await countAll({ database, now })
      let cuts = 0
      for (let writes = 0; ; writes += 1 + Math.floor(writes / 4)) {
        await letThingsHappen(database, 15, later(options, 3))
        const cut = cutOffAfter(database, writes)
        const isCut = await countAll({ database: cut, now }).then(
          () => false,
          () => true,
        )
        if (!isCut) break
        cuts++
        const { wrongBlocks, wrongSums } = await checkStats(database, now)
        expect({ wrongBlocks, wrongSums }, `after ${writes} writes`).to.deep.equal({ wrongBlocks: [], wrongSums: [] })
      }
      expect(cuts).to.be.greaterThan(5)
      await expectCounted()
    })

    it('are counted anew when they were spoilt, also when that is cut off, and say so meanwhile', async () => {
      const options = await history(17)
      await addMessages(database, 200, options)
      await letThingsHappen(database, 100, options)
      await countAll({ database, now })
      await database.write("UPDATE wa_stats_sums SET cells = '{}' WHERE scope = 'overall'")
      await database.write('DELETE FROM wa_stats_blocks')
      nowMs += 600_000
      const spoilt = await checkStats(database, now)
      expect(spoilt.wrongBlocks).to.not.deep.equal([])
      await startAnew(database, now())
      expect((await ask({})).countedUntil).to.equal(null)
      for (let writes = 0; writes < 4; writes++)
        await countAll({ database: cutOffAfter(database, writes), now }).catch(() => {})
      await countAll({ database, now })
      expect((await ask({})).countedUntil).to.not.equal(null)
      await expectCounted()
    })

    it('end with the messages that they are about', async () => {
      const options = await history(29)
      await addMessages(database, 40, { ...options, days: 0.5 })
      await letThingsHappen(database, 20, options)
      await countUntilSettled()
      await database.write("UPDATE wa_outgoing_messages SET state = 'accepted'")
      const days = { bodies: 30, metadata: 395 }
      const inTime = new Date(from.getTime() + 396 * 86_400_000)
      for (const step of retentionSteps.filter(({ name }) => name === 'delete wa_outgoing_messages'))
        while (
          (await takeStep(
            { database, days, onUncleared: (...bad) => expect.fail(bad.join(' ')), now: () => inTime },
            step,
          )) > 0
        );
      nowMs += 600_000
      await countAll({ database, now })
      expect((await ask({})).totals).to.deep.include({ queued: 0, skipped: 0 })
      for (const table of ['wa_stats_blocks', 'wa_stats_sums'])
        expect(await database.select(`SELECT id FROM ${table}`), table).to.deep.equal([])
    })

    it('notice a spoilt sum when they are checked', async () => {
      const options = await history(19)
      await addMessages(database, 50, options)
      await countAll({ database, now })
      await database.write("UPDATE wa_stats_sums SET cells = '{}' WHERE scope = 'senders' AND slots > 1")
      const { wrongBlocks, wrongSums } = await checkStats(database, now)
      expect(wrongBlocks).to.deep.equal([])
      expect(wrongSums.every((name) => name.startsWith('senders/'))).to.equal(true)
      expect(wrongSums).to.not.deep.equal([])
    })

    it('are counted once by two that count at the same time', async () => {
      const options = await history(23)
      await addMessages(database, 100, options)
      await letThingsHappen(database, 50, options)
      const other = openDatabase({ url: storage.url })
      await Promise.all([countAll({ database, now }), countAll({ database: other, now })]).finally(other.close)
      await expectCounted()
    })
  })
}

/** A database whose process ends after so many writes. */
function cutOffAfter(database: Database, writes: number): Database {
  let left = writes
  const cut = (executor: Executor): Executor => ({
    select: executor.select,
    write: async (sql, bind) => {
      if (left-- <= 0) throw new Error('cut off')
      return executor.write(sql, bind)
    },
  })
  return { ...database, ...cut(database), transaction: (work) => database.transaction((tx) => work(cut(tx))) }
}
