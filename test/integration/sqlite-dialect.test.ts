import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import {
  DatabaseError,
  DataTypes,
  ForeignKeyConstraintError,
  QueryTypes,
  Sequelize,
  type Transaction,
  UniqueConstraintError,
} from 'sequelize'
import { createSqliteDialectModule, type SqliteDialectOptions } from '../../src/core/storage/sqlite/dialect-module.ts'

type Row = Record<string, unknown>

const require = createRequire(import.meta.url)
const moduleUrl = new URL('../../src/core/storage/sqlite/dialect-module.ts', import.meta.url).href

let folder: string
const opened: Sequelize[] = []
const children: ChildProcess[] = []

const file = (name = 'data.sqlite') => join(folder, name)

function open(options: SqliteDialectOptions = {}, storage = file()): Sequelize {
  const sequelize = new Sequelize({
    dialect: 'sqlite',
    storage,
    logging: false,
    dialectModule: createSqliteDialectModule(options),
  })
  opened.push(sequelize)
  return sequelize
}

const inTx = (transaction?: Transaction) => (transaction ? { transaction } : {})

const select = (db: Sequelize, sql: string, bind: unknown[] = [], transaction?: Transaction): Promise<Row[]> =>
  db.query<Row>(sql, { bind, type: QueryTypes.SELECT, raw: true, ...inTx(transaction) })

const write = (db: Sequelize, sql: string, bind: unknown[] = [], transaction?: Transaction): Promise<number> =>
  db.query(sql, { bind, type: QueryTypes.BULKUPDATE, raw: true, ...inTx(transaction) })

const count = async (db: Sequelize, table: string) =>
  Number((await select(db, `SELECT COUNT(*) AS n FROM ${table}`))[0]?.n)

async function failure(promise: Promise<unknown>): Promise<Error & { original?: { code?: string; message?: string } }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a failure')
}

async function openWith(sql: string, options: SqliteDialectOptions = {}, storage = file()): Promise<Sequelize> {
  const db = open(options, storage)
  await db.query(sql)
  return db
}

/** Runs the work and gives the longest time in which the event loop served no timer. */
async function longestStall(work: () => Promise<unknown>): Promise<number> {
  let longestMs = 0
  let lastAt = performance.now()
  const look = () => {
    longestMs = Math.max(longestMs, performance.now() - lastAt)
    lastAt = performance.now()
  }
  const timer = setInterval(look, 1)
  await work()
  clearInterval(timer)
  look()
  return longestMs
}

/** Runs a module in a process of its own; its lines are read one by one. */
async function child(source: string): Promise<{ process: ChildProcess; lines: AsyncIterator<string> }> {
  const path = file('child.mts')
  await writeFile(path, source)
  const process_ = spawn(process.execPath, ['--import', require.resolve('tsx'), path, file()], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: new URL('../..', import.meta.url),
  })
  children.push(process_)
  return { process: process_, lines: createInterface({ input: process_.stdout })[Symbol.asyncIterator]() }
}

const childPrelude = `
  import { createRequire } from 'node:module'
  import { createSqliteDialectModule } from '${moduleUrl}'
  const { Sequelize } = createRequire('${import.meta.url}')('sequelize')
  const dialectModule = createSqliteDialectModule()
  const db = new Sequelize({ dialect: 'sqlite', storage: process.argv[2], logging: false, dialectModule })
`

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sqlite-dialect-'))
})

afterEach(async () => {
  for (const process_ of children.splice(0)) process_.kill('SIGKILL')
  for (const sequelize of opened.splice(0)) await sequelize.close()
  await rm(folder, { recursive: true })
})

describe('embedded SQL: transactions', () => {
  const counter = 'CREATE TABLE counter (id INTEGER PRIMARY KEY, n BIGINT NOT NULL)'

  async function increment(db: Sequelize, transaction: Transaction): Promise<void> {
    const [row] = await select(db, 'SELECT n FROM counter WHERE id = $1', [1], transaction)
    await sleep(1)
    await write(db, 'UPDATE counter SET n = $1 WHERE id = $2', [Number(row?.n) + 1, 1], transaction)
  }

  for (const storage of ['file', ':memory:', ':memory:counter']) {
    it(`runs 20 read-modify-write transactions at once without losing one (${storage})`, async () => {
      const db = await openWith(counter, {}, storage === 'file' ? file() : storage)
      await write(db, 'INSERT INTO counter (id, n) VALUES (1, 0)')
      await Promise.all(Array.from({ length: 20 }, () => db.transaction((tx) => increment(db, tx))))
      expect(await select(db, 'SELECT n FROM counter')).to.deep.equal([{ n: 20 }])
    })
  }

  it('keeps the event loop free under many transactions and many writes at once', async () => {
    const db = await openWith(counter)
    await write(db, 'INSERT INTO counter (id, n) VALUES (1, 0)')
    const startedAt = performance.now()
    const stallMs = await longestStall(async () => {
      await Promise.all(Array.from({ length: 20 }, () => db.transaction((tx) => increment(db, tx))))
      await Promise.all(Array.from({ length: 1000 }, () => write(db, 'UPDATE counter SET n = n + 1')))
    })
    expect(await select(db, 'SELECT n FROM counter')).to.deep.equal([{ n: 1020 }])
    expect(stallMs).to.be.below((performance.now() - startedAt) / 2)
  }).timeout(60_000)

  it('lets timers in between statements that are awaited one after the other', async () => {
    const db = await openWith(counter)
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    const startedAt = performance.now()
    while (performance.now() - startedAt < 300) await select(db, 'SELECT n FROM counter')
    clearInterval(timer)
    expect(ticks).to.be.above(5)
  })

  it('shows a transaction its own rows and others only what is committed, without making them wait', async () => {
    const db = await openWith(counter)
    await db.transaction(async (tx) => {
      await write(db, 'INSERT INTO counter (id, n) VALUES (1, 0)', [], tx)
      expect(await select(db, 'SELECT id FROM counter', [], tx)).to.have.length(1)
      expect(await count(db, 'counter')).to.equal(0)
    })
    expect(await count(db, 'counter')).to.equal(1)
  })

  it('makes a read outside the open transaction wait for its end when in memory', async () => {
    const db = await openWith(counter, {}, ':memory:counter')
    let outside: Promise<number> | undefined
    await db.transaction(async (tx) => {
      await write(db, 'INSERT INTO counter (id, n) VALUES (1, 0)', [], tx)
      outside = count(db, 'counter')
      await sleep(20)
      await write(db, 'INSERT INTO counter (id, n) VALUES (2, 0)', [], tx)
    })
    expect(await outside).to.equal(2)
  })

  it('rolls back, wholly and to a savepoint', async () => {
    const db = await openWith(counter)
    await failure(
      db.transaction(async (tx) => {
        await write(db, 'INSERT INTO counter (id, n) VALUES (1, 0)', [], tx)
        throw new Error('undo')
      }),
    )
    await db.transaction(async (tx) => {
      await write(db, 'INSERT INTO counter (id, n) VALUES (2, 0)', [], tx)
      const inner = await db.transaction({ transaction: tx })
      await write(db, 'INSERT INTO counter (id, n) VALUES (3, 0)', [], inner)
      await inner.rollback()
    })
    expect(await select(db, 'SELECT id FROM counter')).to.deep.equal([{ id: 2 }])
  })

  it('fails a write forgotten outside its own transaction after the deadline, and goes on working', async () => {
    const db = await openWith(counter, { lockDeadlineMs: 200 })
    const startedAt = performance.now()
    const error = await failure(
      db.transaction(async (tx) => {
        await write(db, 'INSERT INTO counter (id, n) VALUES (1, 0)', [], tx)
        await write(db, 'INSERT INTO counter (id, n) VALUES (2, 0)')
      }),
    )
    expect(error.original?.code).to.equal('SQLITE_BUSY')
    expect(performance.now() - startedAt).to.be.within(190, 1500)
    expect(await count(db, 'counter')).to.equal(0)
    await write(db, 'INSERT INTO counter (id, n) VALUES (3, 0)')
    expect(await count(db, 'counter')).to.equal(1)
  })

  it('commits nothing of a transaction that SQLite has ended by itself', async () => {
    const db = await openWith(counter)
    const tx = await db.transaction()
    await write(db, 'INSERT INTO counter (id, n) VALUES (1, 0)', [], tx)
    await failure(write(db, 'INSERT OR ROLLBACK INTO counter (id, n) VALUES (1, 0)', [], tx))
    const error = await failure(write(db, 'INSERT INTO counter (id, n) VALUES (2, 0)', [], tx))
    expect(error.message).to.contain('no transaction is active')
    await tx.rollback()
    expect(await count(db, 'counter')).to.equal(0)
  })

  it('rolls an open transaction back when Sequelize is closed', async () => {
    const db = await openWith(counter)
    const tx = await db.transaction()
    await write(db, 'INSERT INTO counter (id, n) VALUES (1, 0)', [], tx)
    await db.close()
    await tx.rollback()
    expect(await count(open(), 'counter')).to.equal(0)
  })

  it('rolls back the transaction of a connection that is closed, and lets the others write', async () => {
    const { Database } = createSqliteDialectModule({ lockDeadlineMs: 200 })
    const connect = () =>
      new Promise<InstanceType<typeof Database>>((resolve, reject) => {
        const database = new Database(file(), 6, (error) => (error ? reject(error) : resolve(database)))
      })
    const run = (database: InstanceType<typeof Database>, sql: string) =>
      new Promise<unknown>((resolve, reject) =>
        database.all(sql, [], (error, rows) => (error ? reject(error) : resolve(rows))),
      )
    const [first, second] = [await connect(), await connect()]
    for (const sql of [counter, 'BEGIN', 'INSERT INTO counter VALUES (1, 0)']) await run(first, sql)
    const waiting = run(second, 'INSERT INTO counter VALUES (2, 0)')
    first.close()
    await waiting
    expect(await run(second, 'SELECT id FROM counter')).to.deep.equal([{ id: 2 }])
    expect((await failure(run(first, 'SELECT 1'))).message).to.contain('SQLITE_MISUSE')
    second.close()
  })

  it('frees the writer when a COMMIT fails', async () => {
    const db = await openWith(
      'CREATE TABLE node (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES node (id) DEFERRABLE INITIALLY DEFERRED)',
    )
    const warn = console.warn
    console.warn = () => undefined
    const error = await failure(db.transaction((tx) => write(db, 'INSERT INTO node VALUES (1, 99)', [], tx)))
    console.warn = warn
    expect(error).to.be.instanceOf(ForeignKeyConstraintError)
    await db.transaction((tx) => write(db, 'INSERT INTO node VALUES (2, NULL)', [], tx))
    expect(await select(db, 'SELECT id FROM node')).to.deep.equal([{ id: 2 }])
  })
})

describe('embedded SQL: statements', () => {
  it('binds 64 rows of 25 columns in one INSERT', async () => {
    const columns = Array.from({ length: 25 }, (_, index) => `c${index}`)
    const db = await openWith(`CREATE TABLE wide (${columns.map((name) => `${name} TEXT`).join(', ')})`)
    const values = Array.from({ length: 64 * 25 }, (_, index) => `it's value $${index}`)
    const tuples = Array.from(
      { length: 64 },
      (_, row) => `(${columns.map((_, i) => `$${row * 25 + i + 1}`).join(', ')})`,
    )
    const sql = `INSERT INTO wide (${columns.join(', ')}) VALUES ${tuples.join(', ')}`
    expect(await write(db, sql, values)).to.equal(64)
    expect(await write(db, sql, values)).to.equal(64)
    const rows = await select(db, 'SELECT * FROM wide ORDER BY rowid')
    expect(rows.slice(64).flatMap((row) => columns.map((name) => row[name]))).to.deep.equal(values)
  })

  it('binds by number, whatever the order, and leaves strings and comments alone', async () => {
    const db = open()
    const sql = "SELECT $2 AS b, $1 AS a, $2 AS again, '$1 it''s $2' AS text /* $2 */ -- $1"
    expect(await select(db, sql, ['one', 'two'])).to.deep.equal([
      { b: 'two', a: 'one', again: 'two', text: "$1 it's $2" },
    ])
  })

  it('stores booleans, dates, whole numbers, fractions and null as SQLite can', async () => {
    const db = open()
    const values = [true, false, new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)), 5, 1.5, null]
    const expressions = values.map((_, index) => `$${index + 1} AS v${index}, typeof($${index + 1}) AS t${index}`)
    const [row] = await select(db, `SELECT ${expressions.join(', ')}`, values)
    expect(values.map((_, index) => [row?.[`v${index}`], row?.[`t${index}`]])).to.deep.equal([
      [1, 'integer'],
      [0, 'integer'],
      ['2026-01-02 03:04:05.678', 'text'],
      [5, 'integer'],
      [1.5, 'real'],
      [null, 'null'],
    ])
  })

  it('refuses to bind an object', async () => {
    const error = await failure(select(open(), 'SELECT $1 AS a', [{ nested: true }]))
    expect(error.original?.code).to.equal('SQLITE_MISMATCH')
  })

  it('keeps big integers exact', async () => {
    const db = await openWith('CREATE TABLE big (id BIGINT, n BIGINT)')
    await write(db, 'INSERT INTO big VALUES ($1, $2), ($3, $4)', ['9007199254740993', 7, 9007199254740993n, 8])
    expect(await select(db, 'SELECT id, n, typeof(id) AS type FROM big')).to.deep.equal([
      { id: '9007199254740993', n: 7, type: 'integer' },
      { id: '9007199254740993', n: 8, type: 'integer' },
    ])
    expect(await select(db, 'SELECT n FROM big WHERE id = $1', ['9007199254740993'])).to.have.length(2)
    expect(await select(db, 'SELECT n FROM big WHERE id = $1', ['9007199254740992'])).to.have.length(0)
  })

  it('gives blobs back as buffers', async () => {
    const db = await openWith('CREATE TABLE blobs (b BLOB)')
    const bytes = Buffer.from([0, 1, 2, 250, 255])
    await write(db, 'INSERT INTO blobs VALUES ($1), ($2)', [bytes, Buffer.alloc(0)])
    const rows = await select(db, 'SELECT b FROM blobs')
    expect(rows).to.deep.equal([{ b: bytes }, { b: Buffer.alloc(0) }])
    expect(Buffer.isBuffer(rows[0]?.b)).to.equal(true)
  })

  it('inserts what is new and reports affected rows', async () => {
    const db = await openWith('CREATE TABLE keyed (k TEXT UNIQUE, n INTEGER)')
    const sql = 'INSERT INTO keyed (k, n) VALUES ($1, 1), ($2, 1) ON CONFLICT DO NOTHING'
    expect(await write(db, sql, ['a', 'b'])).to.equal(2)
    expect(await write(db, sql, ['b', 'c'])).to.equal(1)
    const [, updated] = await db.query('UPDATE keyed SET n = $1', { bind: [2], type: QueryTypes.UPDATE })
    expect(updated).to.equal(3)
    expect(await write(db, 'DELETE FROM keyed WHERE k <> $1', ['a'])).to.equal(2)
    expect((await db.query("INSERT INTO keyed VALUES ('z', 1)", { type: QueryTypes.INSERT }))[1]).to.equal(1)
  })

  it('gives the rows of INSERT ... RETURNING and of a WITH that reads or writes', async () => {
    const db = await openWith('CREATE TABLE keyed (k TEXT UNIQUE)')
    expect((await db.query("INSERT INTO keyed VALUES ('a') RETURNING k"))[0]).to.deep.equal([{ k: 'a' }])
    await db.query("WITH new (k) AS (VALUES ('b')) INSERT INTO keyed SELECT k FROM new")
    const sql = 'WITH all_keys AS (SELECT k FROM keyed) SELECT COUNT(*) AS n FROM all_keys'
    expect(await select(db, sql)).to.deep.equal([{ n: 2 }])
  })
})

describe('embedded SQL: errors', () => {
  const tables = [
    'CREATE TABLE parent (id INTEGER PRIMARY KEY, k TEXT UNIQUE, n INTEGER NOT NULL DEFAULT 0)',
    'CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id))',
  ]

  async function openFamily(): Promise<Sequelize> {
    const db = open()
    for (const sql of tables) await db.query(sql)
    await write(db, "INSERT INTO parent (id, k) VALUES (1, 'a')")
    return db
  }

  it('are UniqueConstraintError for a unique and a primary key', async () => {
    const db = await openFamily()
    const unique = await failure(write(db, "INSERT INTO parent (k) VALUES ('a')"))
    expect(unique).to.be.instanceOf(UniqueConstraintError)
    expect(unique).to.have.property('fields').that.deep.equals(['k'])
    expect(unique.original?.code).to.equal('SQLITE_CONSTRAINT')
    expect(await failure(write(db, 'INSERT INTO parent (id) VALUES (1)'))).to.be.instanceOf(UniqueConstraintError)
  })

  it('are ForeignKeyConstraintError for a missing parent', async () => {
    const db = await openFamily()
    expect(await failure(write(db, 'INSERT INTO child VALUES (1, 99)'))).to.be.instanceOf(ForeignKeyConstraintError)
  })

  it('are no unique violation for NOT NULL, and name a syntax error', async () => {
    const db = await openFamily()
    const missing = await failure(write(db, 'INSERT INTO parent (n) VALUES (NULL)'))
    expect(missing).to.be.instanceOf(DatabaseError).and.not.instanceOf(UniqueConstraintError)
    const syntax = await failure(db.query('SELEKT 1'))
    expect(syntax.message).to.match(/^SQLITE_ERROR: .*syntax error/)
  })

  it('leave the transaction usable', async () => {
    const db = await openFamily()
    await db.transaction(async (tx) => {
      await failure(write(db, "INSERT INTO parent (k) VALUES ('a')", [], tx))
      await write(db, "INSERT INTO parent (k) VALUES ('b')", [], tx)
    })
    expect(await count(db, 'parent')).to.equal(2)
  })

  it('say that a file cannot be opened', async () => {
    const error = await failure(open({}, folder).authenticate())
    expect(error.original?.code).to.equal('SQLITE_CANTOPEN')
  })
})

describe('embedded SQL: schema', () => {
  it('is made and read by the query interface', async () => {
    const db = open()
    const schema = db.getQueryInterface()
    await schema.createTable('orders', {
      id: { type: DataTypes.BIGINT, primaryKey: true },
      reference: { type: DataTypes.STRING(40), allowNull: false },
    })
    await schema.addIndex('orders', ['reference'], { unique: true, name: 'orders_reference' })
    await write(db, "INSERT INTO orders VALUES (1, 'r1')")
    await select(db, 'SELECT * FROM orders')
    await schema.addColumn('orders', 'note', { type: DataTypes.TEXT, defaultValue: 'none' })
    const description = await schema.describeTable('orders')
    expect(Object.keys(description)).to.deep.equal(['id', 'reference', 'note'])
    expect(description.reference?.allowNull).to.equal(false)
    expect(await select(db, 'SELECT * FROM orders')).to.deep.equal([{ id: 1, reference: 'r1', note: 'none' }])
    expect(JSON.stringify(await schema.showIndex('orders'))).to.contain('orders_reference')
    expect(await schema.showAllTables()).to.deep.equal(['orders'])
  })

  it('serves models: create, find, bulk create, update, count', async () => {
    const db = open()
    const Item = db.define('item', {
      name: { type: DataTypes.STRING, unique: true },
      at: DataTypes.DATE,
      on: DataTypes.BOOLEAN,
    })
    await db.sync()
    const at = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678))
    const made = await Item.create({ name: 'first', at, on: true })
    await Item.bulkCreate([{ name: 'second' }, { name: 'third' }])
    const found = await Item.findByPk(Number(made.get('id')))
    expect(found?.get('at')).to.deep.equal(at)
    expect(found?.get('on')).to.equal(true)
    expect(await Item.update({ on: false }, { where: { name: ['second', 'third'] } })).to.deep.equal([2])
    expect(await Item.count({ where: { on: false } })).to.equal(2)
  })

  it('has the promised settings on both handles', async () => {
    const db = open()
    const setting = async (name: string, transaction?: Transaction) =>
      Object.values((await select(db, `PRAGMA ${name}`, [], transaction))[0] ?? {})[0]
    await db.transaction(async (tx) => {
      expect(await setting('journal_mode', tx)).to.equal('wal')
      expect(await setting('synchronous', tx)).to.equal(2)
      expect(await setting('foreign_keys', tx)).to.equal(1)
    })
    expect(await setting('query_only')).to.equal(1)
    const relaxed = open({ synchronous: 'NORMAL' }, file('relaxed.sqlite'))
    await relaxed.transaction(async (transaction) => {
      const rows = await relaxed.query('PRAGMA synchronous', { transaction, type: QueryTypes.SELECT })
      expect(rows).to.deep.equal([{ synchronous: 1 }])
    })
  })
})

describe('embedded SQL: other processes', () => {
  it('loses no acknowledged commit to kill -9', async () => {
    const { process: writer, lines } = await child(`${childPrelude}
      await db.query('CREATE TABLE ledger (id INTEGER PRIMARY KEY, pair INTEGER)')
      for (let id = 1; ; id++) {
        await db.transaction(async (transaction) => {
          await db.query('INSERT INTO ledger VALUES ($1, 0), ($2, 1)', { bind: [2 * id, 2 * id + 1], transaction })
        })
        process.stdout.write(id + '\\n')
      }`)
    const acknowledged: number[] = []
    while (acknowledged.length < 200) acknowledged.push(Number((await lines.next()).value))
    writer.kill('SIGKILL')
    for (let line = await lines.next(); !line.done; line = await lines.next()) acknowledged.push(Number(line.value))
    const db = open()
    const rows = await select(db, 'SELECT id FROM ledger WHERE pair = 0')
    expect(rows.map((row) => Number(row.id) / 2)).to.include.members(acknowledged)
    expect(await count(db, 'ledger')).to.equal(rows.length * 2)
    expect(await select(db, 'PRAGMA integrity_check')).to.deep.equal([{ integrity_check: 'ok' }])
  }).timeout(60_000)

  it('waits for another process without stopping the event loop, and commits afterwards', async () => {
    const db = await openWith('CREATE TABLE shared (id INTEGER PRIMARY KEY, who TEXT)', { lockDeadlineMs: 1_000 })
    const { process: other, lines } = await child(`${childPrelude}
      const transaction = await db.transaction()
      await db.query("INSERT INTO shared VALUES (1, 'child')", { transaction })
      process.stdout.write('holding\\n')
      process.stdin.once('data', async () => {
        await transaction.commit()
        process.stdout.write('committed\\n')
        process.exit()
      })`)
    expect((await lines.next()).value).to.equal('holding')
    let late: Awaited<ReturnType<typeof failure>> | undefined
    const stallMs = await longestStall(async () => {
      late = await failure(write(db, "INSERT INTO shared VALUES (2, 'late')"))
    })
    expect(late?.original?.code).to.equal('SQLITE_BUSY')
    expect(stallMs).to.be.below(500)
    const waiting = write(db, 'INSERT INTO shared (who, id) VALUES ($1, $2)', ['parent', 3])
    expect(await count(db, 'shared')).to.equal(0)
    other.stdin?.write('go\n')
    expect((await lines.next()).value).to.equal('committed')
    await waiting
    const { lines: seen } = await child(`${childPrelude}
      const [rows] = await db.query('SELECT id FROM shared ORDER BY id')
      process.stdout.write(JSON.stringify(rows.map((row) => row.id)) + '\\n')`)
    expect((await seen.next()).value).to.equal('[1,3]')
  }).timeout(60_000)
})
