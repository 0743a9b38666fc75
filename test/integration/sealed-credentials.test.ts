import { expect } from 'chai'
import {
  type ConnectionDraft,
  type ConnectionStore,
  createConnectionStore,
} from '../../src/core/accounts/connections.ts'
import { rotateSecrets } from '../../src/core/accounts/rotate-secrets.ts'
import { createSecretBox, newKeyRing } from '../../src/core/accounts/secret-box.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { providers } from '../../src/providers/index.ts'
import { createStorage, type Storage } from '../support/world.ts'

const ring = newKeyRing()
const newRing = `k2:${Buffer.alloc(32, 2).toString('base64')},${ring}`

let nextNumber = 830_000_000_000_001
const aDraft = (changes: Partial<ConnectionDraft> = {}): ConnectionDraft => ({
  accountId: 379,
  provider: 'meta',
  name: 'Acme WhatsApp',
  businessPhone: '+911140001234',
  credentials: {
    phoneNumberId: String(nextNumber++),
    wabaId: '930000000000001',
    accessToken: 'EAAsecrettoken0001',
    appSecret: 'secret_app_secret_0001',
  },
  ...changes,
})

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`sealed credentials on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let store: ConnectionStore

    const storeWith = (keys: string): ConnectionStore =>
      createConnectionStore({
        database,
        secrets: createSecretBox(keys),
        providerById: (id) => providers.find((provider) => provider.id === id),
        now: () => new Date('2026-11-20T06:30:00Z'),
      })
    const rotate = (keys: string) => rotateSecrets({ database, secrets: createSecretBox(keys), onProgress: () => {} })
    const credentialsIn = async (id: number): Promise<Record<string, string>> => {
      const sql = 'SELECT credentials FROM wa_connections WHERE id = $1'
      const [row] = await database.select<{ credentials: string }>(sql, [id])
      return JSON.parse(row?.credentials ?? '{}') as Record<string, string>
    }
    const set = (id: number, column: string, value: string | number) =>
      database.write(`UPDATE wa_connections SET ${column} = $2 WHERE id = $1`, [id, value])
    /** What a gateway that starts now knows of it. */
    const opened = async (id: number) => (await storeWith(newRing).get(id))?.credentials

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })
    beforeEach(async () => {
      await database.write('DELETE FROM wa_connections')
      store = storeWith(ring)
    })

    it('open in their own row', async () => {
      const draft = aDraft()
      const { id } = await store.create(draft)
      expect(await opened(id)).to.deep.equal(draft.credentials)
    })

    it('do not open in another row', async () => {
      const [mine, theirs] = [await store.create(aDraft()), await store.create(aDraft({ accountId: 380 }))]
      await set(mine.id, 'credentials', JSON.stringify(await credentialsIn(theirs.id)))
      expect(await opened(mine.id)).to.deep.equal({})
    })

    it('do not open in another field', async () => {
      const { id } = await store.create(aDraft())
      const { accessToken = '', appSecret = '', ...others } = await credentialsIn(id)
      await set(id, 'credentials', JSON.stringify({ ...others, accessToken: appSecret, appSecret: accessToken }))
      expect(await opened(id)).to.deep.equal({})
    })

    it('do not open when the row is given to another account', async () => {
      const { id } = await store.create(aDraft())
      await set(id, 'account_id', 380)
      expect(await opened(id)).to.deep.equal({})
    })

    it('do not open under the webhook key of another row', async () => {
      const [mine, theirs] = [await store.create(aDraft()), await store.create(aDraft())]
      await set(theirs.id, 'webhook_key', 'x'.repeat(32))
      await set(mine.id, 'webhook_key', theirs.webhookKey)
      expect(await opened(mine.id)).to.deep.equal({})
    })

    it('that nobody can open are left as they are when something else is changed', async () => {
      const { id } = await store.create(aDraft())
      const sealed = await credentialsIn(id)
      const stranger = storeWith(`k9:${Buffer.alloc(32, 9).toString('base64')}`)
      await stranger.patch(id, { name: 'Renamed' })
      expect(await credentialsIn(id)).to.deep.equal(sealed)
      expect((await storeWith(ring).get(id))?.name).to.equal('Renamed')
    })

    describe('when they are rotated', () => {
      it('are sealed with the first key, and nothing else of the row is touched', async () => {
        const draft = aDraft()
        const { id } = await store.create(draft)
        const others = 'SELECT id, account_id, name, state, updated_at, webhook_key FROM wa_connections'
        const before = await database.select(others)
        expect(await rotate(newRing)).to.deep.include({ connections: 1, rotated: 1, unreadable: [] })
        for (const value of Object.values(await credentialsIn(id))) expect(value).to.match(/^v1:k2:/)
        expect(await opened(id)).to.deep.equal(draft.credentials)
        expect(await database.select(others)).to.deep.equal(before)
      })

      it('stay as they are the second time', async () => {
        const { id } = await store.create(aDraft())
        await rotate(newRing)
        const sealed = await credentialsIn(id)
        expect(await rotate(newRing)).to.deep.include({ rotated: 0 })
        expect(await credentialsIn(id)).to.deep.equal(sealed)
      })

      it('of before the account was a part of it open, and are bound to it afterwards', async () => {
        const draft = aDraft()
        const { id, webhookKey } = await store.create(draft)
        const box = createSecretBox(newRing)
        const earlier = Object.entries(draft.credentials).map(([field, value]) => [
          field,
          box.seal(value, `connection/${webhookKey}/${field}`),
        ])
        await set(id, 'credentials', JSON.stringify(Object.fromEntries(earlier)))
        expect(await opened(id)).to.deep.equal(draft.credentials)
        expect(await rotate(newRing)).to.deep.include({ rotated: 1 })
        expect(await opened(id)).to.deep.equal(draft.credentials)
        await set(id, 'account_id', 380)
        expect(await opened(id)).to.deep.equal({})
      })

      it('of deleted connections are rotated too', async () => {
        const { id } = await store.create(aDraft())
        await set(id, 'state', 'deleted')
        expect(await rotate(newRing)).to.deep.include({ rotated: 1 })
      })

      it('that no key opens are named, and the others rotated', async () => {
        const [lost, kept] = [await store.create(aDraft()), await store.create(aDraft())]
        await set(lost.id, 'credentials', JSON.stringify({ accessToken: 'v1:k7:AAAA:AAAA:AAAA' }))
        expect(await rotate(newRing)).to.deep.include({ rotated: 1, unreadable: [lost.id] })
        expect(await opened(kept.id)).to.include({ accessToken: 'EAAsecrettoken0001' })
      })

      it('and changed at the same moment keep the change', async () => {
        const { id } = await store.create(aDraft())
        let isChanged = false
        const racing: Database = {
          ...database,
          // A gateway writes between the look and the replacement.
          transaction: async (work) => {
            if (!isChanged) {
              isChanged = true
              await store.patch(id, { credentials: { ...aDraft().credentials, accessToken: 'EAAchangedmeanwhile' } })
            }
            return database.transaction(work)
          },
        }
        const secrets = createSecretBox(newRing)
        await rotateSecrets({ database: racing, secrets, onProgress: () => {} })
        expect(await opened(id)).to.include({ accessToken: 'EAAchangedmeanwhile' })
        expect((await credentialsIn(id)).accessToken).to.match(/^v1:k2:/)
      })
    })
  })
}
