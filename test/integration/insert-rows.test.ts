import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type Executor, openDatabase } from '../../src/core/storage/database.ts'
import { insertRows } from '../../src/core/storage/rows.ts'
import { createStorage } from '../support/world.ts'

/** Long enough for a statement to reach the server and to wait there. */
const reachedMs = 300

describe('Rows inserted by several processes at once, of which some exist already', () => {
  for (const unique of [[], ['name']])
    it(`are all there afterwards, also those whose neighbours another process wrote meanwhile${unique.length > 0 ? ', when their key is named' : ''}`, async () => {
      const storage = await createStorage('mysql')
      const database = openDatabase({ url: storage.url })
      const insert = (tx: Executor, ...names: string[]) =>
        insertRows(
          tx,
          'things',
          names.map((name) => ({ name })),
          database.keepExisting,
          unique,
        )
      try {
        await database.write(
          'CREATE TABLE things (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL, UNIQUE KEY (name))',
        )
        let release = () => {}
        const released = new Promise<void>((resolve) => {
          release = resolve
        })
        const holding = database.transaction(async (tx) => {
          await insert(tx, 'a')
          await released
        })
        await sleep(reachedMs)
        // Has been given its ids, and waits for `a`.
        const waiting = database.transaction((tx) => insert(tx, 'a', 'm', 'n', 'o'))
        await sleep(reachedMs)
        await database.transaction((tx) => insert(tx, 'm', 'x', 'y', 'z'))
        release()
        await Promise.all([holding, waiting])

        const rows = await database.select<{ name: string }>('SELECT name FROM things ORDER BY name')
        expect(rows.map(({ name }) => name)).to.deep.equal(['a', 'm', 'n', 'o', 'x', 'y', 'z'])
      } finally {
        await database.close()
        await storage.drop()
      }
    })
})
