import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { Scope } from '../../src/core/accounts/api-keys.ts'
import { listen } from '../support/ask.ts'
import { aKey, bearer, bodyOf, type Key, withKey } from '../support/clients.ts'
import {
  aFirstMessage,
  anAccount,
  anOwnConnection,
  asAdmin,
  dumpOf,
  http,
  inWorld,
  sharedWorld,
  storages,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

interface Page {
  readonly items: readonly (Key & { readonly accountId: number })[]
  readonly next: string | null
}

const statusWith = async (world: World, key: string, path: string): Promise<number> =>
  (await withKey(world, key, 'GET', path)).status

const settingsOf = (accountId: number) => `/v1/accounts/${accountId}/settings`

for (const storage of storages) {
  describe(`keys of clients on ${storage}`, () => {
    const world = sharedWorld({ storage, env: { CLIENT_REQUESTS_PER_SECOND: '10000' } })

    it('are shown once, and afterwards only how they begin', async () => {
      const made = await aKey(world(), 379, { name: 'Shop' })
      expect(made.key).to.match(/^fdrg_[\w-]{43}$/)
      expect(made.prefix).to.equal(made.key.slice(0, 13))
      const listed = await asAdmin(world(), 'GET', '/v1/api-keys')
      expect(listed.text).to.include(made.prefix).and.not.include(made.key)
      expect(await dumpOf(world()))
        .to.include(made.prefix)
        .and.not.include(made.key)
    })

    it('open what belongs to their account', async () => {
      const { accountId, connectionId } = await anOwnConnection(world())
      const { key } = await aKey(world(), accountId)
      expect(await statusWith(world(), key, settingsOf(accountId))).to.equal(200)
      expect(await statusWith(world(), key, `/v1/connections/${connectionId}`)).to.equal(200)
      expect(await statusWith(world(), key, '/v1/connections/1')).to.equal(404)
    })

    for (const [scope, path] of [
      ['read', '/v1/messages'],
      ['manage', '/v1/api-keys'],
    ] as [Scope, string][]) {
      it(`need the scope ${scope} for ${path}`, async () => {
        const others = (['read', 'send', 'manage'] as const).filter((other) => other !== scope)
        const { key } = await aKey(world(), 379, { scopes: others })
        const answer = await withKey(world(), key, 'GET', path)
        expect(answer.status).to.equal(403)
        expect(bodyOf(answer).detail).to.equal(`the key lacks the scope ${scope}`)
        expect(await statusWith(world(), (await aKey(world(), 379, { scopes: [scope] })).key, path)).to.equal(200)
      })
    }

    it('never open what is for the administrator alone', async () => {
      const { key } = await aKey(world(), 379)
      for (const [method, path] of [
        ['GET', '/metrics'],
        ['POST', '/v1/events'],
      ] as const)
        expect((await withKey(world(), key, method, path, {})).status, path).to.equal(403)
    })

    it('work no longer once they are revoked, and can be revoked again', async () => {
      const { key, id } = await aKey(world(), 379)
      expect(await statusWith(world(), key, '/v1/messages')).to.equal(200)
      for (let times = 0; times < 2; times++)
        expect((await withKey(world(), key, 'DELETE', `/v1/api-keys/${id}`)).status).to.equal(times === 0 ? 200 : 401)
      expect((await world().call('DELETE', `/v1/api-keys/${id}`)).status).to.equal(200)
      const { body } = await world().call<Page>('GET', '/v1/api-keys')
      expect(body.items.find((item) => item.id === id)?.state).to.equal('revoked')
    })

    it('work until they expire', async () => {
      const expiresAt = new Date(Date.now() + 1_500).toISOString()
      const { key } = await aKey(world(), 379, { expiresAt })
      expect(await statusWith(world(), key, '/v1/messages')).to.equal(200)
      await until('the key is expired', async () => (await statusWith(world(), key, '/v1/messages')) === 401)
      expect(Date.now()).to.be.greaterThan(Date.parse(expiresAt) - 1_000)
    })

    it('are not made with nonsense', async () => {
      const draft = { accountId: 379, name: 'Test', scopes: ['read'] }
      for (const [path, changes] of [
        ['scopes', { scopes: [] }],
        ['scopes.0', { scopes: ['everything'] }],
        ['name', { name: ' ' }],
        ['accountId', { accountId: 0 }],
        ['expiresAt', { expiresAt: 'tomorrow' }],
        ['expiresAt', { expiresAt: '2020-01-01T00:00:00Z' }],
      ] as const) {
        const { status, body } = await world().call<{ errors: { path: string }[] }>('POST', '/v1/api-keys', {
          ...draft,
          ...changes,
        })
        expect({ status, paths: body.errors.map((error) => error.path) }).to.deep.equal({ status: 400, paths: [path] })
      }
    })

    it('that may manage make and revoke others of their account, never one that may more or lives longer', async () => {
      const accountId = await anAccount(world())
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
      const parent = await aKey(world(), accountId, { scopes: ['read', 'manage'], expiresAt })
      const make = (changes: object) =>
        withKey(world(), parent.key, 'POST', '/v1/api-keys', { accountId, name: 'Child', scopes: ['read'], ...changes })
      const child = bodyOf<Key>(await make({}))
      expect(child).to.include({ accountId, expiresAt, createdBy: parent.prefix })
      expect(await statusWith(world(), child.key, settingsOf(accountId))).to.equal(200)
      expect((await make({ scopes: ['read', 'send'] })).status, 'a scope that it lacks').to.equal(403)
      expect((await make({ accountId: 5 })).status, 'another account').to.equal(404)
      expect((await withKey(world(), parent.key, 'DELETE', `/v1/api-keys/${child.id}`)).status).to.equal(200)
      const listed = bodyOf<Page>(await withKey(world(), parent.key, 'GET', '/v1/api-keys'))
      expect(new Set(listed.items.map((item) => item.accountId))).to.deep.equal(new Set([accountId]))
      expect(listed.items).to.have.length(2)
    })

    it('are named when the one that they were made with is revoked: they go on', async () => {
      const accountId = await anAccount(world())
      const leaked = await aKey(world(), accountId)
      await aKey(world(), accountId, { name: 'Of somebody else' })
      const makeWith = async ({ key }: Key, name: string) =>
        bodyOf<Key>(await withKey(world(), key, 'POST', '/v1/api-keys', { accountId, name, scopes: leaked.scopes }))
      const revoke = (id: string) => world().call<{ stillActive: Key[] }>('DELETE', `/v1/api-keys/${id}`)
      const child = await makeWith(leaked, 'Child')
      const grandchild = await makeWith(child, 'Grandchild')
      const namesAfter = async (id: string) => (await revoke(id)).body.stillActive.map(({ name }) => name)
      expect(await namesAfter(leaked.id)).to.deep.equal(['Child', 'Grandchild'])
      expect(await statusWith(world(), grandchild.key, '/v1/messages')).to.equal(200)
      expect(await namesAfter(child.id)).to.deep.equal(['Grandchild'])
      expect(await namesAfter(leaked.id), 'through one that ended').to.deep.equal(['Grandchild'])
      const { text } = await withKey(world(), grandchild.key, 'DELETE', `/v1/api-keys/${grandchild.id}`)
      expect(text).to.equal(JSON.stringify({ id: grandchild.id, state: 'revoked', stillActive: [] }))
    })

    it('are listed in pages', async () => {
      const accountId = await anAccount(world())
      const made = [await aKey(world(), accountId), await aKey(world(), accountId), await aKey(world(), accountId)]
      const path = `/v1/api-keys?accountId=${accountId}&limit=2`
      const { body: first } = await world().call<Page>('GET', path)
      const { body: second } = await world().call<Page>('GET', `${path}&cursor=${first.next}`)
      expect([...first.items, ...second.items].map(({ id }) => id)).to.deep.equal(made.map(({ id }) => id).reverse())
      expect(second.next).to.equal(null)
    })

    it('tell when they were last used, to the minute', async () => {
      const { key, id } = await aKey(world(), 379)
      await statusWith(world(), key, '/v1/messages')
      const used = await until('its use is written down', async () => {
        const { body } = await world().call<Page>('GET', '/v1/api-keys')
        return body.items.find((item) => item.id === id)?.lastUsedAt
      })
      await statusWith(world(), key, '/v1/messages')
      await sleep(1_500)
      const { body } = await world().call<Page>('GET', '/v1/api-keys')
      expect(body.items.find((item) => item.id === id)?.lastUsedAt, 'once a minute').to.equal(used)
    })

    it("change their account's settings, but not what it is called", async () => {
      const accountId = await anAccount(world(), { accountSlug: 'named-by-admin' })
      const { key } = await aKey(world(), accountId)
      const put = (body: object) => withKey(world(), key, 'PUT', settingsOf(accountId), body)
      const refused = await put({ isWhatsappEnabled: true, accountSlug: 'somebody-else' })
      expect(refused.status).to.equal(403)
      expect(bodyOf<{ errors: { path: string }[] }>(refused).errors[0]?.path).to.equal('accountSlug')
      const changed = bodyOf(await put({ isWhatsappEnabled: false }))
      expect(changed).to.include({ isWhatsappEnabled: false, accountSlug: 'named-by-admin' })
    })

    it("see of the platform's connection its name and provider, and nothing else", async () => {
      const accountId = await anAccount(world())
      const { key } = await aKey(world(), accountId)
      const { sender } = bodyOf(await withKey(world(), key, 'GET', settingsOf(accountId)))
      expect(sender).to.deep.equal({ name: 'Platform', provider: 'meta', isOwn: false })
      expect(bodyOf(await withKey(world(), key, 'GET', '/v1/connections')).items).to.deep.equal([])
      expect(await statusWith(world(), key, '/v1/connections/1/events')).to.equal(404)
    })

    it('listen to their own events only, and no longer than they work', async () => {
      const [mine, other] = [await anOwnConnection(world()), await anOwnConnection(world())]
      const { key, id } = await aKey(world(), mine.accountId)
      const { heard, isOver } = await listen(world().url, '/v1/activity/stream', bearer(key))
      const theirs = await aFirstMessage(world(), { account_id: other.accountId })
      const own = await aFirstMessage(world(), { account_id: mine.accountId })
      await until('its own event is heard', () => heard().text.includes(own.sent.wamid))
      expect(heard().text).not.to.include(theirs.sent.wamid)
      expect(heard().text).not.to.include(theirs.customer.local)
      await world().call('DELETE', `/v1/api-keys/${id}`)
      await until('the stream is cut', isOver, 5_000)
    })

    it('may listen ten times at once', async () => {
      const accountId = await anAccount(world())
      const { key } = await aKey(world(), accountId)
      const streams = []
      for (let times = 0; times < 12; times++) {
        streams.push(await listen(world().url, '/v1/activity/stream', bearer(key)))
      }
      for (const { close } of streams) close()
      expect(streams.map(({ status }) => status)).to.deep.equal([...Array<number>(10).fill(200), 429, 429])
    })

    it('see where webhooks go to only if they manage', async () => {
      const { accountId, connectionId } = await anOwnConnection(world())
      const webhookWith = async (scopes: Scope[]) => {
        const { key } = await aKey(world(), accountId, { scopes })
        return bodyOf(await withKey(world(), key, 'GET', `/v1/connections/${connectionId}`)).webhook
      }
      expect(await webhookWith(['read'])).to.equal(null)
      expect(await webhookWith(['read', 'manage'])).to.have.property('callbackUrl')
    })

    it('cannot be guessed by anything that looks like one', async () => {
      const { key } = await aKey(world(), 379)
      for (const guess of [
        key.slice(0, -1),
        `${key}A`,
        key.slice(0, 13),
        key.toUpperCase(),
        `fdrg_${'A'.repeat(43)}`,
        key.replace('fdrg_', ''),
      ])
        expect((await http(world(), 'GET', '/v1/messages', { headers: bearer(guess) })).status, guess).to.equal(401)
    })
  })

  describe(`clients that ask too often on ${storage}`, () => {
    it('are asked to come again, each by itself', () =>
      inWorld({ storage, env: { CLIENT_REQUESTS_PER_SECOND: '5' } }, async (world) => {
        const [eager, calm] = [await aKey(world, 379), await aKey(world, 379)]
        const answers = await Promise.all(
          Array.from({ length: 20 }, () => withKey(world, eager.key, 'GET', '/v1/templates')),
        )
        const refused = answers.filter(({ status }) => status === 429)
        expect(refused.length).to.be.within(8, 15)
        for (const { headers } of refused) expect(headers['retry-after']).to.equal('1')
        expect(await statusWith(world, calm.key, '/v1/templates'), 'another key').to.equal(200)
        expect((await asAdmin(world, 'GET', '/v1/templates')).status, 'the administrator').to.equal(200)
        await sleep(1_000)
        expect(await statusWith(world, eager.key, '/v1/templates'), 'a second later').to.equal(200)
      }))
  })
}
