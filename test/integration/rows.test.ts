import { expect } from 'chai'
import { type Database, type Executor, openDatabase, type SqlValue } from '../../src/core/storage/database.ts'
import { isUniqueViolation } from '../../src/core/storage/database-errors.ts'
import { insertRows, selectIn, updateRows, updateWhereIn } from '../../src/core/storage/rows.ts'
import { createStorage, type Storage } from '../support/world.ts'

interface Thing {
  id: number
  name: string | null
  amount: number | null
  big: string | number | null
}

const texts = [
  'plain',
  `it's "quoted" \`back\` \\ slash`,
  '$1 and $2, ? and :name',
  'नमस्ते, आशा',
  '👩‍👩‍👧 🏠 𝔘𝔫𝔦',
  "'; DROP TABLE things; --",
  'line\nbreak\ttab',
  '',
  null,
]
const counts = [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 63, 64, 65, 66, 96, 127, 128, 129, 130]

const aThing = (id: number): Thing => ({
  id,
  name: texts[id % texts.length] ?? null,
  amount: id % 5 === 0 ? null : id / 8,
  big: id % 3 === 0 ? null : `90071992547409${String(id).padStart(3, '0')}`,
})

const things = (count: number): Thing[] => Array.from({ length: count }, (_, index) => aThing(index + 1))
const asRow = ({ id, name, amount, big }: Thing): Record<string, SqlValue> => ({ id, name, amount, big })
/** Whole numbers beyond 2^53 come as text, smaller ones as numbers. */
const asText = (row: Thing): Thing => ({ ...row, big: row.big === null ? null : String(row.big) })

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`rows on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await database.write(
        `CREATE TABLE things (id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(200), amount DOUBLE, big BIGINT)
         ${kind === 'mysql' ? 'DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_bin' : ''}`,
      )
    })
    beforeEach(() => database.write('DELETE FROM things'))
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const stored = async (): Promise<Thing[]> =>
      (await database.select<Thing>('SELECT id, name, amount, big FROM things ORDER BY id')).map(asText)

    for (const count of counts) {
      it(`writes, changes and finds ${count} rows`, async () => {
        const written = things(count)
        await insertRows(database, 'things', written.map(asRow))
        expect(await stored()).to.deep.equal(written)

        const touched = written.filter(({ id }) => id % 2 === 1 || count < 8)
        const changed = touched.map((row) => ({ ...aThing(row.id + 4), id: row.id }))
        const changes = await updateRows(database, 'things', changed.map(asRow))
        expect(changes).to.be.at.most(changed.length)
        const byId = new Map([...written, ...changed].map((row) => [row.id, row]))
        expect(await stored()).to.deep.equal([...byId.values()])

        const ids = touched.map(({ id }) => id)
        const found = await selectIn<Thing>(
          database,
          'SELECT id FROM things WHERE id',
          [...ids, 999_999],
          ' ORDER BY id',
        )
        expect(found.map(({ id }) => id)).to.deep.equal(ids)

        await updateWhereIn(database, 'things', { name: 'same', amount: null }, 'id', ids)
        const same = (await stored()).filter(({ name }) => name === 'same')
        expect(same.map(({ id, amount }) => ({ id, amount }))).to.deep.equal(ids.map((id) => ({ id, amount: null })))
      })
    }

    it('finds rows by text as it was written', async () => {
      await insertRows(database, 'things', things(9).map(asRow))
      for (const { id, name } of things(9)) {
        if (name === null) continue
        const found = await selectIn<Thing>(database, 'SELECT id FROM things WHERE name', [name])
        expect(found).to.deep.equal([{ id }])
      }
    })

    it('leaves rows alone that an update does not name, and rows that do not exist uncreated', async () => {
      await insertRows(database, 'things', things(3).map(asRow))
      await updateRows(database, 'things', [
        asRow({ ...aThing(2), name: 'two' }),
        asRow({ ...aThing(77), name: 'none' }),
      ])
      expect(await stored()).to.deep.equal([aThing(1), { ...aThing(2), name: 'two' }, aThing(3)])
    })

    it('keeps what exists when asked to, and takes the rest of the group', async () => {
      await insertRows(database, 'things', [asRow({ ...aThing(2), name: 'first' })])
      await insertRows(database, 'things', things(5).map(asRow), database.keepExisting)
      expect(await stored()).to.deep.equal([
        aThing(1),
        { ...aThing(2), name: 'first' },
        aThing(3),
        aThing(4),
        aThing(5),
      ])
    })

    it('refuses the whole group when one row cannot be written', async () => {
      const rows = [...things(3), aThing(2)].map(asRow)
      const failure = await insertRows(database, 'things', rows).catch((error: unknown) => error)
      expect(isUniqueViolation(failure)).to.equal(true)
      expect(await stored()).to.deep.equal([])
    })
  })
}

describe('kinds of statements', () => {
  /** Collects what would be sent. */
  const recorder = () => {
    const statements: { sql: string; bind: readonly SqlValue[] }[] = []
    const executor: Executor = {
      select: async (sql, bind = []) => {
        statements.push({ sql, bind })
        return []
      },
      write: async (sql, bind = []) => {
        statements.push({ sql, bind })
        return 0
      },
    }
    return { statements, executor }
  }

  const writers: [string, (executor: Executor, rows: readonly Thing[]) => Promise<unknown>][] = [
    ['insertRows', (executor, rows) => insertRows(executor, 'things', rows.map(asRow))],
    ['updateRows', (executor, rows) => updateRows(executor, 'things', rows.map(asRow))],
    [
      'selectIn',
      (executor, rows) =>
        selectIn(
          executor,
          'SELECT id FROM things WHERE id',
          rows.map(({ id }) => id),
        ),
    ],
    [
      'updateWhereIn',
      (executor, rows) =>
        updateWhereIn(
          executor,
          'things',
          { name: 'x' },
          'id',
          rows.map(({ id }) => id),
        ),
    ],
  ]
  for (const [name, write] of writers) {
    it(`${name} makes few kinds of prepared statements for any number of rows`, async () => {
      const { statements, executor } = recorder()
      for (let count = 0; count <= 130; count++) await write(executor, things(count))
      expect(new Set(statements.map(({ sql }) => sql)).size).to.equal(name === 'insertRows' ? 15 : 7)
    })

    it(`${name} binds every placeholder and nothing else`, async () => {
      const { statements, executor } = recorder()
      for (let count = 0; count <= 130; count++) await write(executor, things(count))
      for (const { sql, bind } of statements) {
        const used = new Set([...sql.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)))
        expect([...used].sort((a, b) => a - b)).to.deep.equal(bind.map((_, index) => index + 1))
      }
    })
  }
})
