import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type ApiKeyDraft, type ApiKeys, createApiKeys, TooManyKeysError } from '../../src/core/accounts/api-keys.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { createStorage, type Storage, until } from '../support/world.ts'

const draft: ApiKeyDraft = { accountId: 379, name: 'Shop', scopes: ['read', 'send'], expiresAt: null }

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`keys of clients as rows on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let nowMs: number
    let writes: string[]
    let reads: number
    let keys: ApiKeys

    const another = (): ApiKeys =>
      createApiKeys({
        database: {
          ...database,
          select: (sql, bind) => {
            reads++
            return database.select(sql, bind)
          },
          write: (sql, bind) => {
            writes.push(sql)
            return database.write(sql, bind)
          },
        },
        now: () => new Date(nowMs),
      })

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })
    beforeEach(async () => {
      for (const table of ['api_keys', 'audit_log']) await database.write(`DELETE FROM ${table}`)
      nowMs = Date.parse('2026-11-20T06:30:00Z')
      writes = []
      reads = 0
      keys = another()
    })

    it('are kept as hashes', async () => {
      const { key } = await keys.create(draft, 'admin')
      const [row] = await database.select<{ key_hash: string; prefix: string }>('SELECT * FROM api_keys')
      expect(row?.key_hash).to.equal(createHash('sha256').update(key).digest('hex'))
      expect(JSON.stringify(row)).not.to.include(key.slice(13))
    })

    it('are each another one, and mean what they were made for', async () => {
      const made = await Promise.all(Array.from({ length: 20 }, () => keys.create(draft, 'admin')))
      expect(new Set(made.map(({ key }) => key)).size).to.equal(20)
      for (const { key, apiKey } of made) expect(await keys.check(key)).to.deep.include({ id: apiKey.id, ...draft })
    })

    it('are asked for once in a while, not with each request', async () => {
      const { key } = await keys.create(draft, 'admin')
      const before = reads
      for (let times = 0; times < 50; times++) await keys.check(key)
      expect(reads - before).to.equal(1)
      const unknown = reads
      await keys.check('no key at all')
      await keys.check(`${key}x`)
      expect(reads, 'what cannot be a key').to.equal(unknown)
    })

    it('end at once where they are revoked, and within seconds where nobody was told', async () => {
      const { key, apiKey } = await keys.create(draft, 'admin')
      const replica = another()
      expect(await replica.check(key)).to.include({ id: apiKey.id })
      await keys.revoke(apiKey.id, 'admin')
      expect(await keys.check(key)).to.equal(undefined)
      const startedAt = Date.now()
      await until('the replica knows', async () => (await replica.check(key)) === undefined, 5_000)
      expect(Date.now() - startedAt).to.be.lessThan(3_000)
    })

    it('end at once where somebody was told', async () => {
      const { key, apiKey } = await keys.create(draft, 'admin')
      const replica = another()
      await replica.check(key)
      await keys.revoke(apiKey.id, 'admin')
      replica.drop()
      expect(await replica.check(key)).to.equal(undefined)
    })

    it('end when they expire, cached or not', async () => {
      const { key } = await keys.create({ ...draft, expiresAt: new Date(nowMs + 1_000) }, 'admin')
      expect(await keys.check(key)).to.include({ accountId: 379 })
      nowMs += 1_000
      expect(await keys.check(key)).to.equal(undefined)
    })

    it('have their use written down in groups, each once a minute', async () => {
      const made = await Promise.all(Array.from({ length: 10 }, () => keys.create(draft, 'admin')))
      const useAll = async () => {
        for (const { key } of made) for (let times = 0; times < 3; times++) await keys.check(key)
        await keys.flushUsed()
      }
      await useAll()
      await useAll()
      expect(writes.filter((sql) => sql.includes('last_used_at'))).to.have.length(1)
      const used = await keys.list({ accountId: 379, limit: 50 })
      for (const { lastUsedAt } of used) expect(lastUsedAt?.getTime()).to.equal(nowMs)
      const replica = another()
      for (const { key } of made) await replica.check(key)
      await replica.flushUsed()
      expect(
        writes.filter((sql) => sql.includes('last_used_at')),
        'another replica',
      ).to.have.length(1)
    })

    it('are so many of an account at most, not counting what works no longer', async () => {
      const expiresAt = new Date(nowMs + 1_000)
      for (let count = 0; count < 100; count++) await keys.create({ ...draft, expiresAt }, 'admin')
      const refused = await keys.create(draft, 'admin').catch((error: unknown) => error)
      expect(refused).to.be.instanceOf(TooManyKeysError)
      await keys.create({ ...draft, accountId: 380 }, 'admin')
      nowMs += 1_000
      await keys.create(draft, 'admin')
    })

    it('are revoked once, however many do it', async () => {
      const { apiKey } = await keys.create(draft, 'admin')
      await Promise.all(Array.from({ length: 5 }, () => keys.revoke(apiKey.id, 'admin')))
      await sleep(0)
      expect(await database.select("SELECT id FROM audit_log WHERE action = 'api_key.revoke'")).to.have.length(1)
      expect(await keys.revoke(999_999, 'admin')).to.equal(false)
    })
  })
}
