import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type Database, type Executor, openDatabase } from '../../src/core/storage/database.ts'
import { isDatabaseAway, isUniqueViolation } from '../../src/core/storage/database-errors.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { createStorage, type Storage } from '../support/world.ts'

const failureOf = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => new Error('it succeeded'),
    (error: Error) => error,
  )

interface Account {
  id: number
  balance: number
}

/** Lets several participants wait for each other, once. */
function meeting(size: number): () => Promise<void> {
  let arrived = 0
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return async () => {
    arrived++
    if (arrived >= size) open()
    await opened
  }
}

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`database on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await database.write('CREATE TABLE accounts (id INTEGER NOT NULL PRIMARY KEY, balance INTEGER NOT NULL)')
    })
    beforeEach(async () => {
      await database.write('DELETE FROM accounts')
      await database.write('INSERT INTO accounts (id, balance) VALUES (1, 100), (2, 100)')
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const balances = async () =>
      (await database.select<Account>('SELECT id, balance FROM accounts ORDER BY id')).map(({ balance }) => balance)
    const add = (tx: Executor, id: number, amount: number) =>
      tx.write('UPDATE accounts SET balance = balance + $2 WHERE id = $1', [id, amount])

    it('commits what a transaction wrote, and gives its result', async () => {
      const result = await database.transaction(async (tx) => {
        await add(tx, 1, -30)
        await add(tx, 2, 30)
        return 'done'
      })
      expect(result).to.equal('done')
      expect(await balances()).to.deep.equal([70, 130])
    })

    it('takes back everything when the work throws, and tries that once', async () => {
      let tries = 0
      const failure = await failureOf(
        database.transaction(async (tx) => {
          tries++
          await add(tx, 1, -30)
          throw new Error('changed my mind')
        }),
      )
      expect(failure.message).to.equal('changed my mind')
      expect(tries).to.equal(1)
      expect(await balances()).to.deep.equal([100, 100])
    })

    it('takes back everything when the database refuses a statement', async () => {
      const failure = await failureOf(
        database.transaction(async (tx) => {
          await add(tx, 1, -30)
          await tx.write('INSERT INTO accounts (id, balance) VALUES (2, 5)')
        }),
      )
      expect(isUniqueViolation(failure)).to.equal(true)
      expect(isDatabaseAway(failure)).to.equal(false)
      expect(await balances()).to.deep.equal([100, 100])
    })

    it('binds values in any order, and one of them more than once', async () => {
      const sql = 'SELECT id, balance + $3 AS sum FROM accounts WHERE balance >= $2 AND id = $1 AND balance > $2 - $1'
      expect(await database.select(sql, [2, 100, 5])).to.deep.equal([{ id: 2, sum: 105 }])
      expect(await database.select(sql, [1, 101, 5])).to.deep.equal([])
    })

    it('lets nothing through a transaction that is over', async () => {
      let late: (() => Promise<unknown>) | undefined
      await database.transaction(async (tx) => {
        late = () => tx.write('UPDATE accounts SET balance = $1', [0])
      })
      expect(await failureOf(late?.() ?? Promise.resolve())).to.be.instanceOf(Error)
      expect(await balances()).to.deep.equal([100, 100])
    })

    it('counts the rows that a write touched', async () => {
      expect(await database.write('UPDATE accounts SET balance = 7')).to.equal(2)
      expect(await database.write('UPDATE accounts SET balance = 8 WHERE id = $1', [99])).to.equal(0)
      expect(await database.write('DELETE FROM accounts WHERE id = $1', [1])).to.equal(1)
    })

    it('loses no update when many transactions change the same rows', async () => {
      const transfers = Array.from({ length: 24 }, (_, index) =>
        database.transaction(async (tx) => {
          const [from, to] = index % 2 === 0 ? [1, 2] : [2, 1]
          await add(tx, from, -1)
          await add(tx, to, 1)
        }),
      )
      await Promise.all(transfers)
      expect(await balances()).to.deep.equal([100, 100])
    })

    it('migrates once, however often and from however many it is asked', async () => {
      const others = [openDatabase({ url: storage.url }), openDatabase({ url: storage.url })]
      const first = await Promise.all([database, ...others].map(migrate))
      expect(first.flat()).to.include('001-first-tables')
      expect(new Set(first.flat()).size).to.equal(first.flat().length)
      expect(await migrate(database)).to.deep.equal([])
      expect(await database.select('SELECT id FROM wa_outgoing_messages')).to.deep.equal([])
      await Promise.all(others.map((other) => other.close()))
    })
  })
}

describe('database on mysql only', function () {
  this.timeout(40_000)
  let storage: Awaited<ReturnType<typeof createStorage>>
  let database: Database

  before(async () => {
    storage = await createStorage('mysql')
    database = openDatabase({ url: storage.url, poolSize: 3, queryMs: 500 })
    await database.write('CREATE TABLE accounts (id INTEGER NOT NULL PRIMARY KEY, balance INTEGER NOT NULL)')
    await database.write('INSERT INTO accounts (id, balance) VALUES (1, 100), (2, 100)')
  })
  after(async () => {
    await database.close()
    await storage.drop()
  })

  it('repeats a transaction that lost a deadlock, from its start', async () => {
    const patient = openDatabase({ url: storage.url })
    const bothHoldOne = meeting(2)
    let tries = 0
    const transfer = (first: number, second: number) =>
      patient.transaction(async (tx) => {
        tries++
        await tx.write('UPDATE accounts SET balance = balance + 1 WHERE id = $1', [first])
        await bothHoldOne()
        await tx.write('UPDATE accounts SET balance = balance + 1 WHERE id = $1', [second])
      })
    await Promise.all([transfer(1, 2), transfer(2, 1)])
    const rows = await patient.select<{ balance: number }>('SELECT balance FROM accounts ORDER BY id')
    expect(rows.map(({ balance }) => balance)).to.deep.equal([102, 102])
    expect(tries).to.equal(3)
    await patient.close()
  })

  it('sets every session to READ COMMITTED and strict mode, with short lock waits', async () => {
    const variables = await database.select<{ Variable_name: string; Value: string }>(
      `SHOW SESSION VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation', 'sql_mode',
       'innodb_lock_wait_timeout', 'time_zone', 'character_set_client', 'character_set_connection')`,
    )
    const settings = new Map(variables.map(({ Variable_name, Value }) => [Variable_name, Value]))
    const isolation = settings.get('transaction_isolation') ?? settings.get('tx_isolation')
    expect(isolation).to.equal('READ-COMMITTED')
    expect(settings.get('sql_mode')?.split(',')).to.include('STRICT_ALL_TABLES')
    expect(settings.get('innodb_lock_wait_timeout')).to.equal('5')
    expect(settings.get('time_zone')).to.equal('+00:00')
    expect(settings.get('character_set_client')).to.equal('utf8mb4')
    expect(settings.get('character_set_connection')).to.equal('utf8mb4')
  })

  it('sees within a transaction what others have committed meanwhile', async () => {
    const balance = async (tx: Executor) =>
      (await tx.select<{ balance: number }>('SELECT balance FROM accounts WHERE id = 2'))[0]?.balance
    await database.write('UPDATE accounts SET balance = 1 WHERE id = 2')
    await database.transaction(async (tx) => {
      expect(await balance(tx)).to.equal(1)
      await database.write('UPDATE accounts SET balance = 2 WHERE id = 2')
      expect(await balance(tx)).to.equal(2)
    })
  })

  it('migrates one after the other in one database, and beside others on the same server', async () => {
    const own = await createStorage('mysql')
    const [holder, migrator, beside] = [own, own, storage].map(({ url }) => openDatabase({ url }))
    if (!holder || !migrator || !beside) throw new Error('not opened')
    const lockOf = `CONCAT('fdr_gateway_migrate_', MD5(DATABASE()))`
    try {
      await holder.transaction(async (tx) => {
        await tx.select(`SELECT GET_LOCK(${lockOf}, 1)`)
        const waiting = migrate(migrator)
        expect(await migrate(beside), 'beside').to.be.an('array')
        expect(await Promise.race([waiting, sleep(200, 'waits')])).to.equal('waits')
        await tx.select(`SELECT RELEASE_LOCK(${lockOf})`)
        expect(await waiting).to.include('001-first-tables')
      })
    } finally {
      await Promise.all([holder, migrator, beside].map((each) => each.close()))
      await own.drop()
    }
  })

  it('refuses a value that does not fit rather than cutting it', async () => {
    await database.write('CREATE TABLE IF NOT EXISTS words (word VARCHAR(3))')
    const failure = await failureOf(database.write('INSERT INTO words (word) VALUES ($1)', ['four']))
    expect(failure.message).to.contain('Data too long')
    expect(isDatabaseAway(failure)).to.equal(false)
    expect(await database.select('SELECT word FROM words')).to.deep.equal([])
  })

  it('keeps every table and text column in utf8mb4, compared binary', async () => {
    await migrate(openedFor(storage.url))
    const columns = await database.select<{ name: string; collation: string }>(
      `SELECT CONCAT(table_name, '.', column_name) AS name, collation_name AS collation
       FROM information_schema.columns WHERE table_schema = DATABASE() AND collation_name IS NOT NULL
       AND table_name NOT IN ('schema_migrations', 'words')`,
    )
    expect(columns.length).to.be.greaterThan(50)
    expect(columns.filter(({ collation }) => collation !== 'utf8mb4_bin')).to.deep.equal([])
    await opened?.close()
  })

  let opened: Database | undefined
  const openedFor = (url: string): Database => {
    opened = openDatabase({ url })
    return opened
  }

  it('ends a statement that misses its deadline, and the pool recovers', async () => {
    for (let round = 0; round < 5; round++) {
      const startedAt = performance.now()
      const failure = await failureOf(database.select('SELECT SLEEP(5)'))
      expect(performance.now() - startedAt).to.be.within(400, 3_000)
      expect(isDatabaseAway(failure), failure.message).to.equal(true)
    }
    expect(await Promise.all(Array.from({ length: 6 }, () => database.select('SELECT 1 AS one')))).to.deep.equal(
      Array(6).fill([{ one: 1 }]),
    )
  })

  it('ends a prepared statement with values just so', async () => {
    const failure = await failureOf(database.select('SELECT SLEEP($1) AS slept', [5]))
    expect(isDatabaseAway(failure), failure.message).to.equal(true)
    expect(await database.select('SELECT $1 AS one', ['1'])).to.deep.equal([{ one: '1' }])
  })

  it('keeps no memory for each parameter of a prepared statement', async () => {
    interface Connection {
      execute(sql: string, values: unknown[], done: () => void): { statement?: { parameters?: unknown[] } }
    }
    const pool = database.sequelize.connectionManager
    const connection = await pool.getConnection({ type: 'write' })
    const execution = await new Promise<ReturnType<Connection['execute']>>((resolve) => {
      const { execute } = connection as unknown as Connection
      const running = execute('SELECT ? AS one, ? AS two', ['1', '2'], () => resolve(running))
    })
    pool.releaseConnection(connection)
    const [first, second] = execution.statement?.parameters ?? []
    expect(first).to.be.an('object').and.equal(second)
  })

  it('gives up a transaction whose statement misses its deadline, with nothing of it kept', async () => {
    for (let round = 0; round < 4; round++) {
      const failure = await failureOf(
        database.transaction(async (tx) => {
          await tx.write('UPDATE accounts SET balance = 999 WHERE id = 1')
          await tx.select('SELECT SLEEP(5)')
        }),
      )
      expect(isDatabaseAway(failure), failure.message).to.equal(true)
    }
    // The server notices the lost connection when its statement ends.
    await sleep(200)
    const other = openDatabase({ url: storage.url })
    const rows = await other.select<{ balance: number }>('SELECT balance FROM accounts WHERE id = 1')
    expect(rows[0]?.balance).to.not.equal(999)
    await other.close()
    expect(await database.select('SELECT 1 AS one')).to.deep.equal([{ one: 1 }])
  })

  it('says that the database is away when nobody answers, and lives again with it', async () => {
    const nobody = openDatabase({ url: 'mysql://root@127.0.0.1:1/none' })
    expect(isDatabaseAway(await failureOf(nobody.select('SELECT 1')))).to.equal(true)
    expect(isDatabaseAway(await failureOf(nobody.transaction((tx) => tx.select('SELECT 1'))))).to.equal(true)
    await nobody.close()
  })

  it('lets go of the rows of a transaction that stands still', async () => {
    const frozen = openDatabase({ url: storage.url, silenceS: 1 })
    const failure = failureOf(
      frozen.transaction(async (tx) => {
        await tx.write('UPDATE accounts SET balance = balance + 1 WHERE id = 2')
        await sleep(2_500)
        await tx.write('UPDATE accounts SET balance = balance + 1 WHERE id = 2')
      }),
    )
    await sleep(200)
    const other = openDatabase({ url: storage.url })
    await other.write('UPDATE accounts SET balance = 7 WHERE id = 2')
    await other.close()
    expect(isDatabaseAway(await failure)).to.equal(true)
    expect(await database.select('SELECT balance FROM accounts WHERE id = 2')).to.deep.equal([{ balance: 7 }])
    expect(await frozen.select('SELECT 1 AS one'), 'the pool goes on').to.deep.equal([{ one: 1 }])
    await frozen.close()
  })

  it('says that the database is away when the server ends a connection between two statements', async () => {
    const other = openDatabase({ url: storage.url })
    const failure = await failureOf(
      database.sequelize.transaction(async (transaction) => {
        const ask = (sql: string, bind: string[] = []) => database.sequelize.query(sql, { transaction, bind })
        const [[own]] = (await ask('SELECT CONNECTION_ID() AS id')) as [[{ id: number }], unknown]
        await other.write(`KILL ${own.id}`)
        await sleep(50)
        await ask('SELECT $1 AS one', ['1'])
      }),
    )
    expect(isDatabaseAway(failure), failure.message).to.equal(true)
    await other.close()
  })

  it('survives that the server ends its connections', async () => {
    const [own] = await database.select<{ id: number }>('SELECT CONNECTION_ID() AS id')
    const other = openDatabase({ url: storage.url })
    await other.write(`KILL ${own?.id}`)
    await sleep(50)
    expect(await database.select('SELECT 1 AS one')).to.deep.equal([{ one: 1 }])
    await other.close()
  })
})
