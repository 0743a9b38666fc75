import { expect } from 'chai'
import { createConnectionStore } from '../../src/core/accounts/connections.ts'
import { createSecretBox, newKeyRing } from '../../src/core/accounts/secret-box.ts'
import { createSettingsStore } from '../../src/core/accounts/settings.ts'
import type { Database } from '../../src/core/storage/database.ts'

/** A database that answers a SELECT with the rows as they were when it was asked, and only when told to. */
function slowDatabase(rows: () => object[]) {
  const waiting: (() => void)[] = []
  const select = (sql: string) => {
    const found = rowsFor(sql, rows())
    return new Promise((resolve) => void waiting.push(() => resolve(found)))
  }
  return {
    database: { select } as unknown as Database,
    answer: () => {
      for (const resolve of waiting.splice(0)) resolve()
    },
    asked: () => waiting.length,
  }
}

const rowsFor = (sql: string, rows: object[]) => (sql.includes('poe_channel_notifications') ? [] : rows)
const now = () => new Date()

describe('a change that is told while the old state is being read', () => {
  it('settings: the reader gets an answer, and the next one reads again', async () => {
    let slug = 'old'
    const { database, answer, asked } = slowDatabase(() => [{ channel_id: 0, account_slug: slug }])
    const settings = createSettingsStore({ database, now })
    const early = settings.get(379)
    slug = 'new'
    settings.drop(379)
    answer()
    expect((await early).accountId).to.equal(379)
    const late = settings.get(379)
    expect(asked()).to.be.greaterThan(0)
    answer()
    expect((await late).accountSlug).to.equal('new')
  })

  it('connections: the reader gets an answer, and the next one reads again', async () => {
    let name = 'old'
    const row = () => ({ id: 1, name, credentials: '{}', limits: null, provider: 'meta', state: 'active' })
    const { database, answer } = slowDatabase(() => [row()])
    const secrets = createSecretBox(newKeyRing())
    const connections = createConnectionStore({ database, secrets, providerById: () => undefined, now })
    const early = connections.get(1)
    name = 'new'
    connections.drop()
    answer()
    expect((await early)?.name).to.equal('old')
    const late = connections.get(1)
    answer()
    expect((await late)?.name).to.equal('new')
  })
})
