import { expect } from 'chai'
import { createConnectionStore } from '../../src/core/accounts/connections.ts'
import { createSecretBox, newKeyRing } from '../../src/core/accounts/secret-box.ts'
import { createSettingsStore } from '../../src/core/accounts/settings.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { providers } from '../../src/providers/index.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const now = () => new Date('2026-11-20T06:30:00Z')
const keys = newKeyRing()

/** Stores as one replica has them, told of nothing that the others do. */
function aReplica(database: Database, nowMs: () => number) {
  const providerById = (id: string) => providers.find((provider) => provider.id === id)
  return {
    settings: createSettingsStore({ database, now, nowMs }),
    connections: createConnectionStore({ database, secrets: createSecretBox(keys), providerById, now, nowMs }),
  }
}

for (const kind of storages) {
  describe(`a replica that missed the news, on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let timeMs = 1_000
    let whileReading = async () => {}

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const replicas = () => {
      const slow: Database = {
        ...database,
        select: async (sql, bind) => {
          const found = await database.select(sql, bind)
          await whileReading()
          return found as never
        },
      }
      return { one: aReplica(database, () => timeMs), other: aReplica(slow, () => timeMs) }
    }

    it('goes on with old settings for 30 s at most', async () => {
      const { one, other } = replicas()
      expect((await other.settings.get(379)).isWhatsappEnabled).to.equal(false)
      await one.settings.put(379, undefined, { isWhatsappEnabled: true })
      timeMs += 29_999
      expect((await other.settings.get(379)).isWhatsappEnabled, 'remembered').to.equal(false)
      timeMs += 2
      expect((await other.settings.get(379)).isWhatsappEnabled).to.equal(true)
    })

    it('goes on with an old connection for 30 s at most', async () => {
      const { one, other } = replicas()
      const credentials = { phoneNumberId: '810000000000001', wabaId: '910000000000001', accessToken: 'EAAold0001' }
      const draft = { accountId: 379, provider: 'meta', name: 'Old', businessPhone: '+911140001234', credentials }
      const { id } = await one.connections.create(draft)
      expect((await other.connections.get(id))?.name).to.equal('Old')
      await one.connections.patch(id, { name: 'New' })
      timeMs += 29_999
      expect((await other.connections.get(id))?.name, 'remembered').to.equal('Old')
      timeMs += 2
      expect((await other.connections.get(id))?.name).to.equal('New')
    })

    /** The next answer of the database takes 20 s. */
    const slowly = () => {
      whileReading = async () => {
        whileReading = async () => {}
        timeMs += 20_000
      }
    }

    it('counts them from its question, however long the answer takes: settings', async () => {
      const { one, other } = replicas()
      slowly()
      expect((await other.settings.get(380)).isWhatsappEnabled).to.equal(false)
      await one.settings.put(380, undefined, { isWhatsappEnabled: true })
      timeMs += 10_001
      expect((await other.settings.get(380)).isWhatsappEnabled).to.equal(true)
    })

    it('counts them from its question, however long the answer takes: a connection', async () => {
      const { one, other } = replicas()
      const draft = { accountId: 380, provider: 'twin24', name: 'Old', businessPhone: '+911140001235', credentials: {} }
      const { id } = await one.connections.create(draft)
      slowly()
      expect((await other.connections.get(id))?.name).to.equal('Old')
      await one.connections.patch(id, { name: 'New' })
      timeMs += 10_001
      expect((await other.connections.get(id))?.name).to.equal('New')
    })
  })
}
