import { expect } from 'chai'
import { loadPrices } from '../../src/core/stats/prices.ts'
import { createStats, type Stats } from '../../src/core/stats/stats.ts'
import { countAll } from '../../src/core/stats/sweep-stats.ts'
import { type Database, openDatabase, type SqlValue } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { insertRows } from '../../src/core/storage/rows.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { configDir } from '../../src/paths.ts'
import { patienceMs } from '../support/scale.ts'
import { aConnectionRow } from '../support/stats-history.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const day = '2026-11-18'
const at = sqlTime(new Date(`${day}T06:00:00Z`))
const now = () => new Date('2026-11-21T00:00:00Z')

for (const kind of storages) {
  describe(`costs of templates on ${kind}`, function () {
    this.timeout(patienceMs)
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let stats: Stats
    /** What was asked of the registry of templates. */
    let looks: (readonly SqlValue[])[]

    beforeEach(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
      looks = []
      const watched: Database = {
        ...database,
        select: (sql, bind = []) => {
          if (sql.includes('wa_templates')) looks.push(bind)
          return database.select(sql, bind)
        },
      }
      const prices = loadPrices(`${configDir}/prices.yaml`)
      stats = createStats({ database: watched, prices, settings: async () => ({ timezone: 'UTC' }), now })
    })
    afterEach(async () => {
      await database.close()
      await storage.drop()
    })

    /** A delivered message of an account whose own connection has the template in a category. */
    async function delivered(account: number, category: string | null): Promise<number> {
      const connection = await aConnectionRow(database, account, 'meta')
      const stamps = { created_at: at, updated_at: at }
      const template = { template_name: 'sale', language: 'en', category, status: 'approved', ...stamps }
      await insertRows(database, 'wa_templates', [{ connection_id: connection, ...template }])
      await insertRows(database, 'wa_outgoing_messages', [
        {
          reference: `r${account}`,
          idempotency_key: `k${account}`,
          account_id: account,
          kind: 'fdr',
          whatsappSenderConnectionId: connection,
          customer_phone: '+919810000001',
          payload: JSON.stringify({ type: 'template', template: { name: 'sale', language: 'en' } }),
          state: 'accepted',
          status_rank: 6,
          ...stamps,
          updated_at: sqlTime(now()),
        },
      ])
      return connection
    }
    const costs = async (question: object) => {
      const answer = await stats.ask({ from: day, to: day, filters: {}, ...question })
      return answer as { items: { account?: number; cost: object }[]; totals: { cost: object } }
    }
    const costOf = async (accountId: number) => (await costs({ accountId })).totals.cost

    it("are those of the account's own registry, whatever another calls by the same name", async () => {
      await delivered(5, 'MARKETING')
      await delivered(6, 'UTILITY')
      await delivered(7, null)
      await countAll({ database, now })
      expect(await costOf(5)).to.deep.equal({ INR: '0.780000' })
      expect(await costOf(6)).to.deep.equal({ INR: '0.115000' })
      expect(await costOf(7), 'not registered').to.deep.equal({ INR: '0.115000' })
      const { items } = await costs({ by: 'account' })
      expect(items.map(({ account, cost }) => [account, cost])).to.deep.equal([
        [5, { INR: '0.780000' }],
        [6, { INR: '0.115000' }],
        [7, { INR: '0.115000' }],
      ])
    })

    it('are looked up in its own connections, once for many questions', async () => {
      const own = await delivered(5, 'MARKETING')
      await delivered(6, 'UTILITY')
      await countAll({ database, now })
      for (let times = 0; times < 3; times++) await costOf(5)
      expect(looks.map((bind) => bind.map(Number))).to.deep.equal([[own]])
    })

    it('are, where all are one sum, those of the category that most connections have', async () => {
      for (const [account, category] of [
        [5, 'MARKETING'],
        [6, 'MARKETING'],
        [7, 'UTILITY'],
      ] as const)
        await delivered(account, category)
      await countAll({ database, now })
      expect((await costs({})).totals.cost).to.deep.equal({ INR: '2.340000' })
    })
  })
}
