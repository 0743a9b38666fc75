import { expect } from 'chai'
import { openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { startGatewayProcess } from '../support/process.ts'
import { createStorage } from '../support/world.ts'

describe('a gateway whose database is not up to date', function () {
  this.timeout(120_000)
  let storage: Awaited<ReturnType<typeof createStorage>>

  before(async () => {
    storage = await createStorage('mysql')
  })
  after(() => storage.drop())

  const ending = (url = storage.url) =>
    startGatewayProcess({
      DATABASE_URL: url,
      PORT: '0',
      SECRETS_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
      ADMIN_API_KEY: 'test-admin-key-000000',
    }).then(
      () => 'it started',
      (error: Error) => error.message,
    )

  it('does not start without tables, and says what to do', async () => {
    expect(await ending()).to.equal(
      'the gateway ended: The database has no tables yet: run `npm run migrate` with the same DATABASE_URL first.',
    )
  })

  it('does not start on tables of an earlier version either', async () => {
    const database = openDatabase({ url: storage.url })
    await migrate(database)
    await database.write("DELETE FROM schema_migrations WHERE name LIKE '012-%'")
    await database.close()
    expect(await ending()).to.include('The database lacks 012-templates-due: run `npm run migrate`')
  })

  for (const [label, url, why] of [
    ['is not there', 'mysql://root@127.0.0.1:1/gateway', 'connect ECONNREFUSED 127.0.0.1:1'],
    ['is in a folder that cannot be made', 'sqlite:/dev/null/gateway.db', 'EEXIST'],
    ['is no file', 'sqlite:/', 'SQLITE_CANTOPEN'],
  ] as const)
    it(`says in one line that the database ${label}`, async () => {
      const said = await ending(url)
      expect(said).to.include(`The database that DATABASE_URL names cannot be used: ${why}`)
      expect(said.trim().split('\n')).to.have.length(1)
    })
})
