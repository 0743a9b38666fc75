import { expect } from 'chai'
import { deleteRecipientCounters } from '../../src/core/notifications/guards/usage-counters.ts'
import { openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { insertRows } from '../../src/core/storage/rows.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

for (const kind of storages) {
  describe(`counters of installations that made them with a number as key, on ${kind}`, () => {
    it('are made anew, once', async () => {
      const storage = await createStorage(kind)
      const database = openDatabase({ url: storage.url })
      await migrate(database)
      await database.write('DROP TABLE usage_counters')
      await database.write(`CREATE TABLE usage_counters (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(160) NOT NULL,
        account_id INTEGER NOT NULL, day VARCHAR(10) NOT NULL, used BIGINT NOT NULL DEFAULT 0)`)
      const again = async () => {
        await database.write("DELETE FROM schema_migrations WHERE name LIKE '021-%'")
        expect(await migrate(database)).to.have.length(1)
      }
      await again()
      const row = { id: '379/2026-06-20/messages', account_id: 379, day: '2026-06-20', used: 3 }
      await insertRows(database, 'usage_counters', [row])
      await again()
      expect(await database.select('SELECT id FROM usage_counters')).to.deep.equal([{ id: row.id }])
      await database.write('DROP TABLE usage_counters')
      await again()
      expect(await deleteRecipientCounters(database, [379], ['+919810012345'], new Date())).to.equal(0)
      await database.close()
      await storage.drop()
    })
  })
}
