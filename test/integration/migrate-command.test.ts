import { expect } from 'chai'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { expandTables, laterMigration } from '../support/later-version.ts'
import { runMigrate } from '../support/migrate-command.ts'
import { readSchema } from '../support/read-schema.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

for (const kind of storages) {
  describe(`npm run migrate on ${kind}`, function () {
    this.timeout(120_000)
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const applied = async () =>
      (await database.select<{ name: string }>('SELECT name FROM schema_migrations ORDER BY name')).map(
        ({ name }) => name,
      )

    it('may be started several times at once: one does it, the others find nothing to do', async () => {
      const ends = await Promise.all(Array.from({ length: 3 }, () => runMigrate(storage.url)))
      expect(
        ends.map(({ code }) => code),
        JSON.stringify(ends),
      ).to.deep.equal([0, 0, 0])
      const names = await applied()
      expect(names).to.include('001-first-tables')
      expect(ends.map(({ output }) => output).sort()).to.deep.equal([
        `applied: ${names.join(', ')}\n`,
        'nothing to do\n',
        'nothing to do\n',
      ])
    })

    it('leaves what a later version added as it is, and says so', async () => {
      await expandTables(database)
      const before = { schema: await readSchema(database), names: await applied() }
      expect(await runMigrate(storage.url)).to.deep.equal({
        code: 0,
        output: `nothing to do\na later version has migrated this database, and this one works with it: ${laterMigration}\n`,
      })
      expect({ schema: await readSchema(database), names: await applied() }).to.deep.equal(before)
    })
  })
}

describe('npm run migrate that is cut off, on sqlite', function () {
  this.timeout(120_000)

  it('leaves nothing of it, and does all of it the next time', async () => {
    const storage = await createStorage('sqlite')
    const database = openDatabase({ url: storage.url })
    try {
      // In the way of a later migration; those before it succeed.
      await database.write('CREATE TABLE shipment_ends_shipment_id_account_id (id INTEGER)')
      expect((await runMigrate(storage.url)).code).to.not.equal(0)
      expect(Object.keys(await readSchema(database))).to.deep.equal(['shipment_ends_shipment_id_account_id'])
      await database.write('DROP TABLE shipment_ends_shipment_id_account_id')
      expect((await runMigrate(storage.url)).output).to.match(/^applied: 001-first-tables, /)
    } finally {
      await database.close()
      await storage.drop()
    }
  })
})
