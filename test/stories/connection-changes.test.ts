import { expect } from 'chai'
import type { ProviderAdapter, ProviderDefinition } from '../../src/core/contract/provider.ts'
import { providers } from '../../src/providers/index.ts'
import { aKey, withKey } from '../support/clients.ts'
import { aDialog360Account, aWebhookUser } from '../support/dialog360.ts'
import { anOwnConnection, sharedWorld, storages } from '../support/stories.ts'

const newToken = 'EAAnewtokenfromone1111'

/** Providers that answer a check of the new token only when they are let. */
function slowProviders() {
  let wasAsked = () => {}
  let answer = () => {}
  const asked = new Promise<void>((resolve) => {
    wasAsked = resolve
  })
  const answers = new Promise<void>((resolve) => {
    answer = resolve
  })
  const slow = providers.map((provider): ProviderDefinition => {
    const createAdapter: ProviderDefinition['createAdapter'] = (deps) => {
      const adapter = provider.createAdapter(deps)
      const check: ProviderAdapter['check'] = async (connection) => {
        if (connection.credentials.accessToken === newToken) {
          wasAsked()
          await answers
        }
        return adapter.check(connection)
      }
      return { ...adapter, check }
    }
    return { ...provider, createAdapter }
  })
  return { slow, asked, answer: () => answer() }
}

interface Shown {
  readonly credentials: Record<string, string>
}

for (const storage of storages) {
  describe(`changes of a connection on ${storage}`, () => {
    const { slow, asked, answer } = slowProviders()
    const world = sharedWorld({ storage, providers: slow })
    const patch = (id: string, credentials: object, query = '?verify=false') =>
      world().call<Shown>('PATCH', `/v1/connections/${id}${query}`, { credentials })

    it('are both kept when one came while the provider was asked about the other', async () => {
      const { connectionId } = await anOwnConnection(world())
      const first = patch(connectionId, { accessToken: newToken }, '')
      await asked
      const second = await patch(connectionId, { appSecret: 'new_secret_of_the_app_2222' })
      expect(second.body.credentials).to.include({ appSecret: '…2222' })
      answer()
      expect((await first).body.credentials).to.include({ accessToken: '…1111', appSecret: '…2222' })
    })

    it("say nothing of other accounts' connections to clients whose number is taken", async () => {
      const [one, other] = [await anOwnConnection(world()), await anOwnConnection(world())]
      const { key } = await aKey(world(), one.accountId)
      const { phoneNumberId } = other.credentials
      const path = `/v1/connections/${one.connectionId}?verify=false`
      const answer = await withKey(world(), key, 'PATCH', path, { credentials: { phoneNumberId } })
      expect(answer.status).to.equal(409)
      expect(answer.text).not.to.match(/another|change that one/)
      const draft = { accountId: one.accountId, provider: 'meta', name: 'Own', businessPhone: '+911140001234' }
      const create = (credentials: object) =>
        withKey(world(), key, 'POST', '/v1/connections?verify=false', { ...draft, credentials })
      const foreign = await create(other.credentials)
      expect(foreign.status).to.equal(409)
      expect(foreign.text).not.to.match(/another|change that one/)
      expect((await create(one.credentials)).text).to.include('change that one')
    })

    it('let an account have so many at most, not counting those that are deleted', async () => {
      const { accountId, connectionId, credentials } = await anOwnConnection(world())
      const fields = 'account_id, provider, name, business_phone, verify_token, credentials, created_at, updated_at'
      for (let count = 1; count < 100; count++)
        await world().database.write(
          `INSERT INTO wa_connections (${fields}, webhook_key) SELECT ${fields}, $2 FROM wa_connections WHERE id = $1`,
          [connectionId, `copy-${accountId}-${count}`],
        )
      const create = (phoneNumberId: string) =>
        world().call('POST', '/v1/connections?verify=false', {
          ...{ accountId, provider: 'meta', name: 'Own', businessPhone: '+911140001234' },
          credentials: { ...credentials, phoneNumberId },
        })
      expect((await create('860000000000001')).status).to.equal(409)
      expect((await world().call('DELETE', `/v1/connections/${connectionId}`)).status).to.equal(204)
      expect((await create('860000000000001')).status).to.equal(201)
    })

    it('take a credential away that need not be there, and no other', async () => {
      const { connectionId } = await anOwnConnection(world())
      await patch(connectionId, { previousAppSecret: 'leaked_secret_of_the_app_1' })
      const { status, body } = await patch(connectionId, { previousAppSecret: null })
      expect(status).to.equal(200)
      expect(body.credentials).to.have.all.keys('phoneNumberId', 'wabaId', 'accessToken', 'appSecret')
      expect((await patch(connectionId, { appSecret: null })).status, 'one that must be there').to.equal(400)
    })

    it('take credentials away that belong together, only together', async () => {
      const { connectionId } = await aDialog360Account(world(), { webhookUser: aWebhookUser })
      expect((await patch(connectionId, { webhookUser: null })).status).to.equal(400)
      const { status, body } = await patch(connectionId, { webhookUser: null, webhookPassword: null })
      expect(status).to.equal(200)
      expect(body.credentials).to.have.all.keys('phoneNumberId', 'wabaId', 'apiKey')
    })
  })
}
