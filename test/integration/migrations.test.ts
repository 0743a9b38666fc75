import { readdirSync } from 'node:fs'
import { expect } from 'chai'
import { type Database, openDatabase, type SqlValue } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { insertRows } from '../../src/core/storage/rows.ts'
import { readSchema } from '../support/read-schema.ts'
import { type ColumnShape, type Schema, schemaBreaks } from '../support/schema-breaks.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

interface KnownBreaks {
  readonly breaks: readonly string[]
  /** Why no version that still runs misses it. */
  readonly why: string
}

/**
 * What migrations take from the version before them. The second half of a removal belongs here: what no version that may
 * still run has used since the release that `why` names.
 */
const knownBreaks: Readonly<Record<string, KnownBreaks>> = {
  '006-ordered-activity': {
    breaks: ['activity_events has to be unique by (root_outgoing_message_id, event_id)'],
    why: 'written before the first version that somebody could have been running',
  },
}

const names = readdirSync('src/core/storage/migrations')
  .map((file) => file.replace(/\.ts$/, ''))
  .sort()

/** So that each of them is the only one that is left to do. */
async function holdBack(database: Database): Promise<void> {
  await database.write('CREATE TABLE schema_migrations (name VARCHAR(255) NOT NULL PRIMARY KEY)')
  for (const name of names) await database.write('INSERT INTO schema_migrations (name) VALUES ($1)', [name])
}

/** What a row can be given: a text, a number and bytes of its own, or a time. */
const anyValue = ({ type }: ColumnShape, n: number) => (type.startsWith('datetime') ? '2026-06-20 06:30:00.000' : n)

const isWritten = ({ default: value = '', isGenerated }: ColumnShape): boolean =>
  !/^auto_?increment$/.test(value) && !isGenerated

/** A row in each table, of all columns that a version with these tables knows. */
const writeRows = (database: Database, tables: Schema, n: number): Promise<void> =>
  database.transaction(async (tx) => {
    for (const [name, { columns }] of Object.entries(tables)) {
      const written = Object.entries(columns).filter(([, column]) => isWritten(column))
      const row: Record<string, SqlValue> = Object.fromEntries(
        written.map(([column, shape]) => [column, anyValue(shape, n)]),
      )
      await insertRows(tx, name, [row])
    }
  })

async function rowCounts(database: Database, tables: Schema): Promise<Record<string, number>> {
  const counts = Object.keys(tables).map(async (name) => {
    const [row] = await database.select<{ n: number }>(`SELECT COUNT(*) AS n FROM ${name}`)
    return [name, Number(row?.n)] as const
  })
  return Object.fromEntries(await Promise.all(counts))
}

for (const kind of storages) {
  describe(`migrations on ${kind}`, function () {
    this.timeout(60_000)
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await holdBack(database)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const own = async (): Promise<Schema> => {
      const { schema_migrations: _, ...tables } = await readSchema(database)
      return tables
    }

    for (const [index, name] of names.entries()) {
      it(`${name} takes nothing from the version before it`, async () => {
        const before = await own()
        await writeRows(database, before, 2 * index)
        const counts = await rowCounts(database, before)
        await database.write('DELETE FROM schema_migrations WHERE name = $1', [name])
        expect(await migrate(database)).to.deep.equal([name])
        expect(schemaBreaks(before, await own())).to.deep.equal(knownBreaks[name]?.breaks ?? [])
        for (const [table, count] of Object.entries(await rowCounts(database, before)))
          expect(count, table).to.be.at.least(counts[table] ?? 0)
        await writeRows(database, before, 2 * index + 1)
      })
    }
  })
}
