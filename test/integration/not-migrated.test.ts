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

  const ending = () =>
    startGatewayProcess({
      DATABASE_URL: storage.url,
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
})
