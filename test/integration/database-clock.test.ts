import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { createDatabaseClock } from '../../src/core/storage/database-clock.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { createStorage } from '../support/world.ts'

/** A database that answers with a clock of its own, so much before ours and after so much time. */
const aDatabase = (facts: { aheadMs: number; delayMs?: number; isAway?: boolean }): Database =>
  ({
    dialect: 'mysql',
    select: async () => {
      await sleep((facts.delayMs ?? 0) / 2)
      if (facts.isAway) throw new Error('away')
      const now = sqlTime(new Date(Date.now() + facts.aheadMs))
      await sleep((facts.delayMs ?? 0) / 2)
      return [{ now }]
    },
  }) as unknown as Database

const ahead = (clock: { now(): Date }) => clock.now().getTime() - Date.now()

describe('clock of the database', () => {
  it('agrees with MariaDB to the millisecond or so', async () => {
    const storage = await createStorage('mysql')
    const database = openDatabase({ url: storage.url })
    const clock = await createDatabaseClock(database)
    const [row] = await database.select<{ now: string }>('SELECT UTC_TIMESTAMP(3) AS now')
    const theirs = Date.parse(`${row?.now.replace(' ', 'T')}Z`)
    expect(Math.abs(clock.now().getTime() - theirs)).to.be.lessThan(250)
    await database.close()
    await storage.drop()
  })

  it("is this machine's with the embedded database, and asks nothing", async () => {
    const clock = await createDatabaseClock({ dialect: 'sqlite' } as Database)
    expect(Math.abs(ahead(clock))).to.be.lessThan(50)
  })

  for (const aheadMs of [-3_600_000, 3_600_000]) {
    it(`follows a database whose clock is ${aheadMs / 3_600_000} h off, and goes on by itself`, async () => {
      const clock = await createDatabaseClock(aDatabase({ aheadMs }))
      expect(ahead(clock)).to.be.closeTo(aheadMs, 100)
      const before = clock.now().getTime()
      await sleep(50)
      expect(clock.now().getTime() - before).to.be.within(45, 500)
    })
  }

  it('takes the middle of the time that the reading took', async () => {
    const clock = await createDatabaseClock(aDatabase({ aheadMs: 0, delayMs: 400 }))
    expect(Math.abs(ahead(clock))).to.be.lessThan(100)
  })

  it('reads it again when told to', async () => {
    const facts = { aheadMs: 0 }
    const clock = await createDatabaseClock(aDatabase(facts))
    facts.aheadMs = 60_000
    expect(Math.abs(ahead(clock))).to.be.lessThan(100)
    await clock.synchronise()
    expect(ahead(clock)).to.be.closeTo(60_000, 100)
  })

  it('believes no reading that took too long', async () => {
    const facts = { aheadMs: 0, delayMs: 0 }
    const clock = await createDatabaseClock(aDatabase(facts))
    Object.assign(facts, { aheadMs: 60_000, delayMs: 1_100 })
    await clock.synchronise()
    expect(Math.abs(ahead(clock))).to.be.lessThan(100)
  })

  it('goes on as it was while the database is away', async () => {
    const facts = { aheadMs: 60_000, isAway: false }
    const clock = await createDatabaseClock(aDatabase(facts))
    facts.isAway = true
    const failed = await clock.synchronise().then(
      () => false,
      () => true,
    )
    expect(failed).to.equal(true)
    expect(ahead(clock)).to.be.closeTo(60_000, 100)
  })

  it('a jump of the machine’s own clock does not move it', async () => {
    const clock = await createDatabaseClock(aDatabase({ aheadMs: 0 }))
    const before = clock.now().getTime()
    const realNow = Date.now
    Date.now = () => realNow() + 3_600_000
    try {
      expect(clock.now().getTime() - before).to.be.lessThan(1_000)
    } finally {
      Date.now = realNow
    }
  })
})
