import { expect } from 'chai'
import type { ConnectionRef } from '../../src/core/accounts/connection-reader.ts'
import {
  type Connection,
  type ConnectionDraft,
  type ConnectionStore,
  createConnectionStore,
} from '../../src/core/accounts/connections.ts'
import { SenderTakenError, setAsideReason } from '../../src/core/accounts/number-proof.ts'
import { createSecretBox, newKeyRing } from '../../src/core/accounts/secret-box.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import * as provedNumbers from '../../src/core/storage/migrations/019-proved-numbers.ts'
import { providers } from '../../src/providers/index.ts'
import { meta } from '../../src/providers/meta/definition.ts'
import { createStorage, type Storage } from '../support/world.ts'

const now = () => new Date('2026-11-20T06:30:00Z')
const keys = newKeyRing()

/** A provider that cannot show whose a number is. */
const { numberProof: _, ...unprovable } = meta

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
    let changes: (ConnectionRef | undefined)[]
    let setAside: number[]

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
        providerById: (id) => (id === 'plain' ? unprovable : providers.find((provider) => provider.id === id)),
        onSetAside: (id) => setAside.push(id),
        now,
        onChange: (changed) => changes.push(changed),
      })
    }

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    beforeEach(async () => {
      reads = 0
      changes = []
      setAside = []
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
      expect(changes).to.deep.equal([{ id: created.id, accountId: 379 }])
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

    /** Statements that reading takes. */
    const readsOf = async (read: () => Promise<unknown>) => {
      reads = 0
      await read()
      return reads
    }

    it('a change makes only that connection, and the lists that it stands in, be read again', async () => {
      const [one, other] = [await store.create(aDraft()), await store.create(aDraft({ accountId: 380 }))]
      const everything = [
        () => store.get(one.id),
        () => store.byWebhookKey(one.webhookKey),
        () => store.list(379),
        () => store.get(other.id),
        () => store.byWebhookKey(other.webhookKey),
        () => store.list(380),
        () => store.platform(),
      ]
      const readAll = async () => {
        const counts: number[] = []
        for (const read of everything) counts.push(await readsOf(read))
        return counts
      }
      await readAll()
      expect(await readAll()).to.deep.equal([0, 0, 0, 0, 0, 0, 0])
      changes = []
      const changesOfOne: (() => Promise<unknown>)[] = [
        () => store.patch(one.id, { name: 'Renamed' }),
        () => store.pause(one.id, 'why'),
        () => store.announce([one.id]),
      ]
      for (const change of changesOfOne) {
        await change()
        await store.get(one.id)
        expect(await readAll()).to.deep.equal([0, 0, 1, 0, 0, 0, 0])
        expect(await store.byWebhookKey(one.webhookKey)).to.deep.equal(await store.get(one.id))
        store.drop({ id: one.id, accountId: 379 })
        expect(await readAll()).to.deep.equal([1, 0, 1, 0, 0, 0, 0])
      }
      expect(changes).to.deep.equal(changesOfOne.map(() => ({ id: one.id, accountId: 379 })))
      store.drop()
      expect(await readAll()).to.deep.equal([1, 0, 1, 1, 0, 1, 1])
    })

    it('tells that any may have been changed where it cannot see which one', async () => {
      const { id } = await store.create(aDraft())
      changes = []
      await store.announce([id, 987_654])
      expect(changes).to.deep.equal([{ id, accountId: 379 }, undefined])
    })

    it('looks a key up as often for a deleted connection as for one that never was', async () => {
      const deleted = await store.create(aDraft())
      await store.byWebhookKey(deleted.webhookKey)
      await store.remove(deleted.id)
      await store.get(deleted.id)
      for (const key of [deleted.webhookKey, 'k'.repeat(32)]) {
        const counts = [await readsOf(() => store.byWebhookKey(key)), await readsOf(() => store.byWebhookKey(key))]
        expect(counts, key).to.deep.equal([1, 0])
      }
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

    const proved = (draft: ConnectionDraft): ConnectionDraft => ({
      ...draft,
      provedSenderId: draft.credentials.phoneNumberId,
    })
    const refusal = (work: Promise<unknown>) => work.then(() => undefined, String)
    const taken = (work: Promise<unknown>) =>
      work.then(
        () => undefined,
        (error: unknown) => (error instanceof SenderTakenError ? { isForeign: error.isForeign } : String(error)),
      )

    it("the connection of the environment takes over the platform's own, and no other account's", async () => {
      const own = await store.create(aDraft({ accountId: 5 }))
      expect((await store.putManaged(ofEnvironment({ credentials: own.credentials }))).id).to.equal(own.id)
      const { credentials } = await store.create(proved(aDraft()))
      await database.write('UPDATE wa_connections SET managed_by = NULL WHERE id = $1', [own.id])
      store.drop()
      const before = await rowsOfAll()
      expect(await taken(store.putManaged(ofEnvironment({ credentials })))).to.deep.equal({ isForeign: true })
      expect(await rowsOfAll()).to.deep.equal(before)
    })

    it('the connection of the environment does not become a number that another one holds', async () => {
      await store.putManaged(ofEnvironment())
      for (const accountId of [379, 5]) {
        const { credentials } = await store.create(proved(aDraft({ accountId })))
        const before = await rowsOfAll()
        expect(await taken(store.putManaged(ofEnvironment({ credentials })))).to.deep.equal({
          isForeign: accountId !== 5,
        })
        expect(await rowsOfAll()).to.deep.equal(before)
      }
      await store.putManaged(ofEnvironment())
    })

    it('the connection of the environment sets aside all others that only name its number', async () => {
      const { credentials } = aDraft()
      const [one, other] = [
        await store.create(aDraft({ credentials })),
        await store.create(aDraft({ credentials, accountId: 380 })),
      ]
      const managed = await store.putManaged(ofEnvironment({ credentials }))
      expect(managed.numberProvedAt).to.deep.equal(now())
      for (const { id } of [one, other]) {
        expect(await store.get(id)).to.include({ state: 'paused', stateReason: setAsideReason, isSetAside: true })
        expect(setAside).to.include(id)
      }
      const next = aDraft({ accountId: 5 })
      await store.create(next)
      const moved = await store.putManaged(ofEnvironment({ credentials: next.credentials }))
      expect(moved).to.include({ id: managed.id, state: 'active' })
      expect((await store.list(5)).filter(({ isSetAside }) => isSetAside)).to.have.length(1)
    })

    it('of many that prove one number at the same time, one holds it', async () => {
      for (let round = 0; round < 5; round++) {
        const { credentials } = aDraft()
        const squatter = await store.create(aDraft({ credentials }))
        const claims = [380, 381, 382, 383].map((accountId) => store.create(proved(aDraft({ accountId, credentials }))))
        const unproved = [384, 385].map((accountId) => store.create(aDraft({ accountId, credentials })))
        const results = await Promise.allSettled([...claims, ...unproved])
        expect(results.slice(0, 4).filter(({ status }) => status === 'fulfilled')).to.have.length(1)
        for (const { reason } of results.flatMap((result) => (result.status === 'rejected' ? [result] : [])))
          expect(reason).to.be.instanceOf(SenderTakenError)
        store.drop()
        const all = (await store.list()).filter(({ senderId }) => senderId === credentials.phoneNumberId)
        const holders = all.filter(({ isSetAside }) => !isSetAside)
        expect(holders.map(({ numberProvedAt }) => numberProvedAt)).to.deep.equal([now()])
        expect(all.find(({ id }) => id === squatter.id)?.isSetAside).to.equal(true)
      }
    })

    it('a number that was proved is held until its connection is deleted or has another number', async () => {
      const draft = proved(aDraft())
      const holder = await store.create(draft)
      const rival = aDraft({ accountId: 380, credentials: draft.credentials })
      expect(await taken(store.create(rival))).to.deep.equal({ isForeign: true })
      expect(await taken(store.create(proved(rival)))).to.deep.equal({ isForeign: true })
      const { phoneNumberId = '' } = aDraft().credentials
      const moved = await store.patch(holder.id, { credentials: { phoneNumberId } })
      expect(moved?.numberProvedAt, 'of the new number nothing is proved').to.equal(undefined)
      const next = await store.create(proved(rival))
      const back = { credentials: { phoneNumberId: draft.credentials.phoneNumberId ?? '' } }
      expect(await taken(store.patch(holder.id, back))).to.deep.equal({ isForeign: true })
      await store.remove(next.id)
      expect((await store.patch(holder.id, back))?.senderId).to.equal(draft.credentials.phoneNumberId)
    })

    it('one that was set aside cannot be resumed, nor paused by hand, while the number is held', async () => {
      const draft = aDraft()
      const { id } = await store.create(draft)
      const holder = await store.create(proved({ ...draft, accountId: 380 }))
      expect(await taken(store.patch(id, { state: 'active' }))).to.deep.equal({ isForeign: true })
      expect(await taken(store.patch(id, { credentials: { accessToken: 'EAAother' } }))).to.deep.equal({
        isForeign: true,
      })
      expect((await store.patch(id, { state: 'paused', name: 'Renamed' }))?.isSetAside).to.equal(true)
      await store.remove(holder.id)
      expect(await store.patch(id, { state: 'active' })).to.include({ state: 'active', isSetAside: false })
    })

    it('a proof that comes later holds the number, and one of a number that was replaced meanwhile says nothing', async () => {
      const draft = aDraft()
      const squatter = await store.create({ ...draft, accountId: 380 })
      const own = await store.create(draft)
      await store.proveNumber(own, 'another number')
      expect((await store.get(own.id))?.numberProvedAt).to.equal(undefined)
      await store.proveNumber(own, own.senderId ?? '')
      expect((await store.get(own.id))?.numberProvedAt).to.deep.equal(now())
      expect((await store.get(squatter.id))?.isSetAside).to.equal(true)
      await store.proveNumber(squatter, squatter.senderId ?? '')
      expect((await store.get(squatter.id))?.numberProvedAt, 'one is held').to.equal(undefined)
    })

    it('where nothing proves a number, it is held by whoever entered it first', async () => {
      const draft = { ...aDraft(), provider: 'plain' }
      await store.create(draft)
      expect(await taken(store.create(proved({ ...draft, accountId: 380 })))).to.deep.equal({ isForeign: true })
      expect(await refusal(store.create({ ...aDraft(), provider: 'plain' }))).to.equal(undefined)
    })

    it('earlier ones count as proved that the environment describes', async () => {
      const environment = await store.create(aDraft({ managedBy: 'environment' }))
      const idle = await store.create(aDraft())
      await provedNumbers.up(database.sequelize.getQueryInterface())
      store.drop()
      const holds = async ({ id }: Connection) => (await store.get(id))?.numberProvedAt !== undefined
      expect(await Promise.all([environment, idle].map(holds))).to.deep.equal([true, false])
    })
  })
}
