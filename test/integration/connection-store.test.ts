import { expect } from 'chai'
import {
  type Connection,
  type ConnectionDraft,
  type ConnectionStore,
  createConnectionStore,
  SenderTakenError,
} from '../../src/core/accounts/connections.ts'
import { createSecretBox, newKeyRing } from '../../src/core/accounts/secret-box.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { providers } from '../../src/providers/index.ts'
import { createStorage, type Storage } from '../support/world.ts'

const now = () => new Date('2026-11-20T06:30:00Z')
const keys = newKeyRing()

let nextNumber = 810_000_000_000_001

const aDraft = (changes: Partial<ConnectionDraft> = {}): ConnectionDraft => ({
  accountId: 379,
  provider: 'meta',
  name: 'Acme WhatsApp',
  businessPhone: '+911140001234',
  credentials: {
    phoneNumberId: String(nextNumber++),
    wabaId: '910000000000001',
    accessToken: 'EAAsecrettoken0001',
    appSecret: 'secret_app_secret_0001',
  },
  ...changes,
})

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`connections on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let store: ConnectionStore
    let reads: number
    let changes: number

    const storeWith = (ring: string): ConnectionStore => {
      const counting: Database = {
        ...database,
        select: (sql, bind) => {
          reads++
          return database.select(sql, bind)
        },
      }
      return createConnectionStore({
        database: counting,
        secrets: createSecretBox(ring),
        providerById: (id) => providers.find((provider) => provider.id === id),
        now,
        onChange: () => {
          changes++
        },
      })
    }

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    beforeEach(async () => {
      reads = 0
      changes = 0
      await database.write('DELETE FROM wa_connections')
      store = storeWith(keys)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const column = async (id: number): Promise<string> => {
      const [row] = await database.select<{ credentials: string }>(
        'SELECT credentials FROM wa_connections WHERE id = $1',
        [id],
      )
      return row?.credentials ?? ''
    }

    it('gives back what was created, with an unguessable webhook key, and tells of the change', async () => {
      const draft = aDraft({ limits: { concurrency: 3 } })
      const created = await store.create(draft)
      expect(created).to.deep.include({
        accountId: 379,
        provider: 'meta',
        name: draft.name,
        businessPhone: draft.businessPhone,
        credentials: draft.credentials,
        senderId: draft.credentials.phoneNumberId,
        state: 'active',
        managedBy: undefined,
      })
      expect(created.limits).to.deep.equal({ messagesPerSecond: 80, concurrency: 3 })
      expect(created.webhookKey).to.have.length(32)
      expect(created.verifyToken).to.have.length(24)
      expect(await store.get(created.id)).to.deep.equal(created)
      expect(await store.byWebhookKey(created.webhookKey)).to.deep.equal(created)
      expect(changes).to.equal(1)
    })

    it('no secret stands in the table in plain text', async () => {
      const { id } = await store.create(aDraft())
      const sealed = await column(id)
      expect(sealed).to.contain('accessToken')
      expect(sealed).to.not.match(/EAAsecret|secret_app|810000000|910000000/)
    })

    const broken = async (connection: Connection | undefined) => {
      expect(connection?.credentials).to.deep.equal({})
      expect(connection?.state).to.equal('paused')
    }

    it('sealed credentials that were moved to another connection do not open there', async () => {
      const [one, other] = [await store.create(aDraft()), await store.create(aDraft())]
      const stolen = await column(one.id)
      await database.write('UPDATE wa_connections SET credentials = $2 WHERE id = $1', [other.id, stolen])
      store.drop()
      await broken(await store.get(other.id))
      expect((await store.get(one.id))?.credentials).to.deep.equal(one.credentials)
    })

    it('a sealed value that was moved to another field does not open there', async () => {
      const { id } = await store.create(aDraft())
      const sealed = JSON.parse(await column(id)) as Record<string, string>
      const swapped = JSON.stringify({ ...sealed, wabaId: sealed.accessToken })
      await database.write('UPDATE wa_connections SET credentials = $2 WHERE id = $1', [id, swapped])
      store.drop()
      await broken(await store.get(id))
    })

    it('one connection whose key is lost does not hide the others', async () => {
      const ringOfOther = newKeyRing().replace('k1:', 'k2:')
      const lost = await storeWith(ringOfOther).create(aDraft())
      const kept = await store.create(aDraft())
      const listed = await store.list(379)
      expect(listed.map(({ id, state }) => ({ id, state }))).to.deep.equal([
        { id: lost.id, state: 'paused' },
        { id: kept.id, state: 'active' },
      ])
    })

    it('opens with a ring whose sealing key has changed', async () => {
      const created = await store.create(aDraft())
      const rotated = storeWith(`${newKeyRing().replace('k1:', 'k2:')},${keys}`)
      expect((await rotated.get(created.id))?.credentials).to.deep.equal(created.credentials)
    })

    it('lists by account, leaves out what is deleted', async () => {
      const [one, other] = [await store.create(aDraft()), await store.create(aDraft({ accountId: 5 }))]
      expect((await store.list()).map(({ id }) => id)).to.deep.equal([one.id, other.id])
      expect((await store.list(379)).map(({ id }) => id)).to.deep.equal([one.id])
      expect((await store.platform()).map(({ id }) => id)).to.deep.equal([other.id])
      await database.write("UPDATE wa_connections SET state = 'deleted' WHERE id = $1", [one.id])
      store.drop()
      expect(await store.list(379)).to.deep.equal([])
      expect(await store.byWebhookKey(one.webhookKey)).to.equal(undefined)
      expect((await store.get(one.id))?.state).to.equal('deleted')
    })

    it('knows nobody by a key or id that is not one', async () => {
      await store.create(aDraft())
      expect(await store.byWebhookKey("' OR 1=1")).to.equal(undefined)
      expect(await store.byWebhookKey('x'.repeat(32))).to.equal(undefined)
      expect(await store.get(987_654)).to.equal(undefined)
    })

    it('webhook keys are compared exactly', async () => {
      const { webhookKey } = await store.create(aDraft())
      const flipped = [...webhookKey].map((c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase())).join('')
      expect(await store.byWebhookKey(flipped)).to.equal(undefined)
    })

    it('forgets no connection however many keys are tried that open none', async () => {
      const { webhookKey } = await store.create(aDraft())
      await store.byWebhookKey(webhookKey)
      const groups = 21
      for (let group = 0; group < groups; group++) {
        const tries = Array.from({ length: 1_000 }, (_, n) => `${group}_${n}`.padEnd(32, '_'))
        await Promise.all(tries.map((key) => store.byWebhookKey(key)))
      }
      reads = 0
      expect((await store.byWebhookKey(webhookKey))?.webhookKey).to.equal(webhookKey)
      expect(reads).to.equal(0)
    })

    it('reads the database once, until it is dropped', async () => {
      const { id } = await store.create(aDraft())
      await store.get(id)
      reads = 0
      await store.get(id)
      expect(reads).to.equal(0)
      await database.write("UPDATE wa_connections SET name = 'Renamed' WHERE id = $1", [id])
      expect((await store.get(id))?.name).to.equal('Acme WhatsApp')
      store.drop()
      expect((await store.get(id))?.name).to.equal('Renamed')
      expect(reads).to.equal(1)
    })

    it('does not remember what was read before a change that came meanwhile', async () => {
      const { id } = await store.create(aDraft())
      store.drop()
      let answer = () => {}
      const held = new Promise<void>((resolve) => {
        answer = resolve
      })
      const slow = createConnectionStore({
        database: {
          ...database,
          select: async <T>(sql: string, bind?: readonly (string | number | boolean | null | Buffer)[]) => {
            const rows = await database.select<T>(sql, bind)
            await held
            return rows
          },
        },
        secrets: createSecretBox(keys),
        providerById: () => undefined,
        now,
      })
      const reading = slow.get(id)
      await new Promise((resolve) => setTimeout(resolve, 50))
      await database.write("UPDATE wa_connections SET name = 'Renamed' WHERE id = $1", [id])
      slow.drop()
      answer()
      await reading
      expect((await slow.get(id))?.name).to.equal('Renamed')
    })

    it('the connection of the environment is created once and then kept up to date', async () => {
      const draft = { ...aDraft({ accountId: 5, verifyToken: 'from-env' }), managedBy: 'environment' }
      const created = await store.putManaged(draft)
      expect(created).to.deep.include({ managedBy: 'environment', verifyToken: 'from-env', accountId: 5 })
      const credentials = { ...draft.credentials, accessToken: 'EAAnewtoken0002' }
      const updated = await storeWith(keys).putManaged({ ...draft, credentials, businessPhone: '+911140005678' })
      expect(updated).to.deep.include({ id: created.id, webhookKey: created.webhookKey, credentials })
      expect(updated.businessPhone).to.equal('+911140005678')
      const rows = await database.select('SELECT id FROM wa_connections')
      expect(rows).to.have.length(1)
      expect(await column(created.id)).to.not.contain('EAAnewtoken0002')
    })

    const ofEnvironment = (changes: Partial<ConnectionDraft> = {}) => ({
      ...aDraft({ accountId: 5, ...changes }),
      managedBy: 'environment',
    })
    const rowsOfAll = () => database.select('SELECT * FROM wa_connections ORDER BY id')

    it("the connection of the environment takes over the platform's own, and no other account's", async () => {
      const own = await store.create(aDraft({ accountId: 5 }))
      expect((await store.putManaged(ofEnvironment({ credentials: own.credentials }))).id).to.equal(own.id)
      const { credentials } = await store.create(aDraft())
      await database.write('UPDATE wa_connections SET managed_by = NULL WHERE id = $1', [own.id])
      store.drop()
      const before = await rowsOfAll()
      const taken = await store.putManaged(ofEnvironment({ credentials })).catch((error: unknown) => error)
      expect(taken).to.be.instanceOf(SenderTakenError)
      expect(await rowsOfAll()).to.deep.equal(before)
    })

    it('the connection of the environment does not become a number that another one has', async () => {
      await store.putManaged(ofEnvironment())
      for (const accountId of [379, 5]) {
        const { credentials } = await store.create(aDraft({ accountId }))
        const before = await rowsOfAll()
        const taken = await store.putManaged(ofEnvironment({ credentials })).catch((error: unknown) => error)
        expect(taken, String(accountId)).to.be.instanceOf(SenderTakenError)
        expect(await rowsOfAll()).to.deep.equal(before)
      }
      await store.putManaged(ofEnvironment())
    })
  })
}
