import { expect } from 'chai'
import { simulatorAccount } from '../support/fixtures.ts'
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
  tap,
} from '../support/stories.ts'

const credentials = {
  phoneNumberId: '840000000000001',
  wabaId: '940000000000001',
  accessToken: 'EAAveryprivatetoken9876',
  appSecret: 'very_private_secret_5432',
}
const draft = { accountId: 379, provider: 'meta', name: 'Acme WhatsApp', businessPhone: '+911140004321', credentials }

interface Shown {
  readonly id: string
  readonly credentials: Record<string, string>
  readonly webhook: { readonly callbackUrl: string; readonly verifyToken: string }
  readonly checks: readonly {
    readonly name: string
    readonly ok: boolean
    readonly detail: string
    readonly fix?: string
  }[]
  readonly errors?: readonly { readonly path: string }[]
}

let nextPhoneNumberId = 840000000000002

interface BadConnection {
  readonly label: string
  readonly changes: Record<string, unknown>
  readonly paths: readonly string[]
}

const badConnections: BadConnection[] = [
  { label: 'no name', changes: { name: '' }, paths: ['name'] },
  { label: 'a phone without country code', changes: { businessPhone: '01140001234' }, paths: ['businessPhone'] },
  { label: 'an account that is none', changes: { accountId: 0 }, paths: ['accountId'] },
  { label: 'a pace of nothing', changes: { limits: { messagesPerSecond: 0 } }, paths: ['limits.messagesPerSecond'] },
  {
    label: 'no credentials',
    changes: { credentials: {} },
    paths: ['phoneNumberId', 'wabaId', 'accessToken', 'appSecret'].map((name) => `credentials.${name}`),
  },
  {
    label: 'a phone number where its id belongs',
    changes: { credentials: { ...credentials, phoneNumberId: '+911140004321' } },
    paths: ['credentials.phoneNumberId'],
  },
  {
    label: 'a credential of another provider',
    changes: { credentials: { ...credentials, password: 'x' } },
    paths: ['credentials.password'],
  },
]

for (const storage of storages) {
  describe(`connections on ${storage}`, () => {
    const world = sharedWorld({ storage })
    /** Each with a number of its own. */
    const create = (changes: object = {}, query = '') =>
      world().call<Shown>('POST', `/v1/connections${query}`, {
        ...draft,
        credentials: { ...credentials, phoneNumberId: String(nextPhoneNumberId++) },
        ...changes,
      })

    it('are created with all that has to be entered at the provider', async () => {
      const { status, body } = await create()
      expect(status).to.equal(201)
      expect(body).to.include({ accountId: 379, provider: 'meta', businessPhone: '+911140004321', state: 'active' })
      expect(body.webhook.callbackUrl).to.match(new RegExp(`^${world().url}/webhooks/meta/[\\w-]{32}$`))
      expect(body.webhook.verifyToken).to.match(/^[\w-]{24}$/)
    })

    it('are found again, alone and in the list of their account', async () => {
      const { connectionId, accountId } = await anOwnConnection(world())
      const { body: alone } = await world().call<Shown>('GET', `/v1/connections/${connectionId}`)
      const { body: list } = await world().call<{ items: Shown[] }>('GET', `/v1/connections?accountId=${accountId}`)
      expect(list.items).to.deep.equal([alone])
    })

    it('come page by page, oldest first, each once, and all of an account on one page unless fewer are wanted', async () => {
      const accountId = await anAccount(world())
      const ids: string[] = []
      for (let n = 0; n < 5; n++) ids.push((await create({ accountId }, '?verify=false')).body.id)
      await anOwnConnection(world())
      await world().call('DELETE', `/v1/connections/${ids.splice(1, 1)[0]}`)
      const page = (query: string) =>
        world().call<{ items: Shown[]; next: string | null }>('GET', `/v1/connections?accountId=${accountId}${query}`)
      const { body: whole } = await page('')
      expect({ ids: whole.items.map(({ id }) => id), next: whole.next }).to.deep.equal({ ids, next: null })
      const seen: string[] = []
      let next: string | null = ''
      for (let turns = 0; next !== null; turns++) {
        const { body }: Awaited<ReturnType<typeof page>> = await page(`&limit=2${next && `&cursor=${next}`}`)
        expect(body.items.length).to.be.at.most(2)
        seen.push(...body.items.map(({ id }) => id))
        next = body.next
        expect(turns).to.be.below(4)
      }
      expect(seen).to.deep.equal(ids)
      for (const query of ['&limit=0', '&limit=201', '&cursor=x'])
        expect((await page(query)).status, query).to.equal(400)
    })

    it('show of a secret only its last four characters', async () => {
      const { body } = await create({ credentials })
      const shown = { ...credentials, accessToken: '…9876', appSecret: '…5432' }
      expect(body.credentials).to.deep.equal(shown)
      const { body: again } = await world().call<Shown>('GET', `/v1/connections/${body.id}`)
      expect(again.credentials).to.deep.equal(shown)
    })

    it('are checked at once, and what is wrong comes with a way to mend it', async () => {
      const { body } = await create()
      const bad = body.checks.filter(({ ok }) => !ok)
      expect(bad).not.to.be.empty
      for (const { detail, fix } of bad) expect([detail, fix]).to.satisfy((texts: string[]) => texts.every(Boolean))
    })

    it('pass every check where everything is right', async () => {
      const right = { ...simulatorAccount.credentials, phoneNumberId: '850000000000001' }
      world().provider.addAccount({ ...right, displayPhoneNumber: draft.businessPhone })
      const { body } = await create({ credentials: right })
      expect(body.checks).not.to.be.empty
      expect(body.checks.filter(({ ok }) => !ok)).to.be.empty
    })

    it('are stored unchecked when that is asked for', async () => {
      const before = world().provider.requests().length
      const { status, body } = await create({}, '?verify=false')
      expect({ status, checks: body.checks }).to.deep.equal({ status: 201, checks: [] })
      expect(world().provider.requests()).to.have.length(before)
    })

    for (const { label, changes, paths } of badConnections) {
      it(`refuse ${label}, and say where it stands`, async () => {
        const before = await world().rows('SELECT id FROM wa_connections')
        const { status, body } = await create(changes)
        expect(status).to.equal(400)
        expect(body.errors?.map(({ path }) => path)).to.have.members([...paths])
        expect(await world().rows('SELECT id FROM wa_connections')).to.deep.equal(before)
      })
    }

    it('refuse a number that another connection has already', async () => {
      const { status, body } = await create({ credentials: simulatorAccount.credentials })
      expect({ status, body }).to.have.nested.include({ status: 409, 'body.title': 'Conflict' })
    })

    it('refuse to become a number that another connection has already', async () => {
      const { connectionId, credentials } = await anOwnConnection(world())
      const path = `/v1/connections/${connectionId}?verify=false`
      const patch = (phoneNumberId: string) =>
        asAdmin(world(), 'PATCH', path, JSON.stringify({ credentials: { phoneNumberId } }))
      expect((await patch(simulatorAccount.credentials.phoneNumberId)).status).to.equal(409)
      expect((await patch(credentials.phoneNumberId ?? '')).status, 'its own').to.equal(200)
    })

    it("refuse another account's connection as their fallback", async () => {
      const { accountId, connectionId } = await anOwnConnection(world())
      expect((await create({ accountId, fallbackConnectionId: connectionId })).status).to.equal(201)
      expect((await create({ accountId, fallbackConnectionId: '1' })).status, "the platform's").to.equal(201)
      const { status, body } = await create({ accountId: 380, fallbackConnectionId: connectionId })
      expect(status).to.equal(422)
      expect(body.errors?.map(({ path }) => path)).to.deep.equal(['fallbackConnectionId'])
      const change = JSON.stringify({ fallbackConnectionId: connectionId })
      expect((await asAdmin(world(), 'PATCH', '/v1/connections/1?verify=false', change)).status).to.equal(422)
    })

    it('refuse a provider that is not known', async () => {
      for (const provider of ['telegraph', '', '__proto__', 'constructor']) {
        expect((await create({ provider })).status, provider).to.equal(400)
      }
    })

    it('are not found under any id that is none', async () => {
      for (const id of ['0', '999999', 'abc', 'NaN', '-1', '1.5', '1e0', '1%20OR%201=1', '9'.repeat(30)]) {
        expect((await asAdmin(world(), 'GET', `/v1/connections/${id}`)).status, id).to.equal(404)
      }
    })
  })

  describe(`secrets of connections on ${storage}`, () => {
    it('appear in no answer and in no table', () =>
      inWorld({ storage }, async (world) => {
        const { sent, id } = await aFirstMessage(world)
        await tap(world, sent, 'Reattempt')
        const created = await asAdmin(world, 'POST', '/v1/connections', JSON.stringify(draft))
        const refused = await asAdmin(world, 'POST', '/v1/connections', JSON.stringify({ ...draft, name: '' }))
        const paths = [
          '/v1/connections',
          '/v1/connections/1',
          '/v1/accounts/379/settings',
          '/v1/messages',
          `/v1/messages/${id}`,
          '/v1/activity',
          '/v1/rejected-events',
          '/v1/templates',
          '/metrics',
        ]
        const answers = await Promise.all(paths.map((path) => asAdmin(world, 'GET', path)))
        const seen = [created, refused, ...answers].map(({ text }) => text).join('\n') + (await dumpOf(world))
        expect(seen).to.include(credentials.phoneNumberId)
        for (const { accessToken, appSecret } of [credentials, simulatorAccount.credentials]) {
          for (const secret of [accessToken, appSecret]) {
            expect(seen).not.to.include(secret)
            expect(seen).not.to.include(Buffer.from(secret).toString('base64').slice(0, -4))
          }
        }
      }))

    it('are not needed to see whether the gateway is well', () =>
      inWorld({ storage }, async (world) => {
        for (const path of ['/health/live', '/health/ready', '/api/v1/whatsapp/health']) {
          expect((await http(world, 'GET', path)).status, path).to.equal(200)
        }
      }))
  })
}
