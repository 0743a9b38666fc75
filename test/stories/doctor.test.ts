import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import type { AccountInput } from '../../src/providers/simulator/inputs.ts'
import { aKey, withKey } from '../support/clients.ts'
import {
  aCustomer,
  anAccount,
  deliver,
  eventFor,
  postWebhook,
  settle,
  sharedWorld,
  storages,
} from '../support/stories.ts'
import { aTwinAccount } from '../support/twin24.ts'
import { until, type World } from '../support/world.ts'

interface Check {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
  readonly fix?: string
}

interface Created {
  readonly id: string
  readonly webhook: { readonly callbackUrl: string; readonly verifyToken: string }
  readonly checks: readonly Check[]
}

let next = 1
/** Credentials that nobody else in the world has. */
function newCredentials() {
  const suffix = String(next++).padStart(4, '0')
  return {
    phoneNumberId: `83000000000${suffix}`,
    wabaId: `93000000000${suffix}`,
    accessToken: `EAAdoctortoken${suffix}`,
    appSecret: `doctor_app_secret_${suffix}`,
  }
}

type Credentials = ReturnType<typeof newCredentials>

const addAccount = (world: World, credentials: Credentials, account: Partial<AccountInput> = {}) =>
  world.provider.addAccount({ ...credentials, displayPhoneNumber: '+911140004321', ...account })

const create = async (world: World, credentials: Credentials, accountId = 412): Promise<Created> => {
  const draft = { accountId, provider: 'meta', name: 'Acme', businessPhone: '+911140004321', credentials }
  const { status, body } = await world.call<Created & Record<string, unknown>>('POST', '/v1/connections', draft)
  expect(status, JSON.stringify(body)).to.equal(201)
  return body
}

const examine = async (world: World, id: string): Promise<readonly Check[]> => {
  const { status, body } = await world.call<{ ok: boolean; checks: Check[] }>('GET', `/v1/connections/${id}/doctor`)
  expect(status).to.equal(200)
  expect(body.ok).to.equal(body.checks.every(({ ok }) => ok))
  return body.checks
}

const badOnes = (checks: readonly Check[]) => checks.filter(({ ok }) => !ok)
const day = (days: number) => Math.floor(Date.now() / 1_000) + days * 86_400

interface WrongTurn {
  readonly label: string
  /** How the account stands at the provider. */
  readonly account?: Partial<AccountInput>
  /** What the client enters instead of what is right. */
  readonly entered?: Partial<Credentials>
  readonly name: string
  readonly says: RegExp
  readonly fix: RegExp
}

const wrongTurns: WrongTurn[] = [
  {
    label: 'a token that is none',
    entered: { accessToken: 'EAAwrong' },
    name: 'access token',
    says: /does not accept the access token/,
    fix: /system user/,
  },
  {
    label: 'an expired token',
    account: { tokenFields: { expires_at: day(-3) } },
    name: 'access token',
    says: /has expired/,
    fix: /never expires/,
  },
  {
    label: 'a revoked token',
    account: { tokenFields: { is_valid: false } },
    name: 'access token',
    says: /does not accept the access token.*revoked/,
    fix: /system user/,
  },
  {
    label: "a person's token",
    account: { tokenFields: { type: 'USER' } },
    name: 'token type',
    says: /that of a person: it ends/,
    fix: /system user/,
  },
  {
    label: 'a token that is about to expire',
    account: { tokenFields: { expires_at: day(3) } },
    name: 'token expiry',
    says: /expires on \d{4}-\d\d-\d\d/,
    fix: /never expires/,
  },
  {
    label: 'a token that may not send',
    account: { tokenFields: { scopes: ['whatsapp_business_management'] } },
    name: 'token scopes',
    says: /lacks whatsapp_business_messaging/,
    fix: /tick whatsapp_business_messaging/,
  },
  {
    label: 'a token that may not manage',
    account: { tokenFields: { scopes: ['whatsapp_business_messaging'] } },
    name: 'token scopes',
    says: /lacks whatsapp_business_management/,
    fix: /tick whatsapp_business_management/,
  },
  {
    label: 'a phone number id that is none',
    entered: { phoneNumberId: '839999999999999' },
    name: 'phone number',
    says: /knows no phone number id 839999999999999/,
    fix: /Compare the phone number id/,
  },
  {
    label: 'an account id that is none',
    entered: { wabaId: '939999999999999' },
    name: 'business account',
    says: /knows no WhatsApp Business Account 939999999999999/,
    fix: /Compare the account id/,
  },
  {
    label: 'a number that is not registered',
    account: { phoneFields: { status: 'PENDING' } },
    name: 'registration',
    says: /is not registered \(status PENDING\)/,
    fix: /Register it/,
  },
  {
    label: 'a number of low quality',
    account: { phoneFields: { quality_rating: 'RED' } },
    name: 'quality',
    says: /low \(RED\)/,
    fix: /block and report/,
  },
  {
    label: 'an account that Meta blocks',
    account: {
      phoneFields: {
        health_status: {
          can_send_message: 'BLOCKED',
          entities: [
            {
              entity_type: 'WABA',
              can_send_message: 'BLOCKED',
              errors: [{ error_description: 'No payment method.', possible_solution: 'Add a payment method.' }],
            },
          ],
        },
      },
    },
    name: 'health',
    says: /blocked by the waba\. No payment method\./,
    fix: /Add a payment method\./,
  },
  {
    label: 'an account without subscription',
    account: { subscribed: false },
    name: 'subscription',
    says: /to no app: neither reports nor replies arrive/,
    fix: /\/subscribe/,
  },
  {
    label: 'an account that only another app gets webhooks of',
    account: { tokenFields: { app_id: '940000000000999' } },
    name: 'subscription',
    says: /to another app only/,
    fix: /\/subscribe/,
  },
  {
    label: 'the secret of another app',
    entered: { appSecret: 'secret_of_another_app' },
    name: 'app secret',
    says: /is not that of the app to which the access token belongs/,
    fix: /Copy it/,
  },
]

for (const storage of storages) {
  describe(`a doctor on ${storage}`, () => {
    const world = sharedWorld({ storage })

    for (const { label, account = {}, entered = {}, name, says, fix } of wrongTurns) {
      it(`names ${label}, at creation and afterwards`, async () => {
        const credentials = newCredentials()
        addAccount(world(), credentials, account)
        const { id, checks } = await create(world(), { ...credentials, ...entered })
        for (const found of [checks, await examine(world(), id)]) {
          const check = found.find((one) => one.name === name)
          expect(check, JSON.stringify(found)).to.include({ ok: false })
          expect(check?.detail).to.match(says)
          expect(check?.fix).to.match(fix)
          for (const secret of [credentials.accessToken, credentials.appSecret])
            expect(JSON.stringify(found)).not.to.include(secret)
        }
      })
    }

    it('names a number that belongs to another account', async () => {
      const credentials = newCredentials()
      const other = { ...newCredentials(), accessToken: credentials.accessToken }
      addAccount(world(), credentials)
      addAccount(world(), other)
      const { checks } = await create(world(), { ...credentials, wabaId: other.wabaId })
      const check = checks.find(({ name }) => name === 'business account')
      expect(check?.ok).to.equal(false)
      expect(check?.detail).to.include(`${credentials.phoneNumberId} does not belong to`)
      expect(check?.detail).to.include(other.wabaId)
    })

    it('names webhooks that go elsewhere, by the host alone', async () => {
      const credentials = newCredentials()
      addAccount(world(), credentials, { webhookUrl: 'https://other.example.com/hooks/secret' })
      const { id } = await create(world(), credentials)
      const check = (await examine(world(), id)).find(({ name }) => name === 'callback URL')
      expect(check).to.include({ ok: false })
      expect(check?.detail).to.include('other.example.com').and.not.to.include('secret')
      expect(check?.fix).to.match(/^Enter callback URL and verify token of this connection/)
    })

    it('tells nobody the callback URL, which whoever only looks may not see', async () => {
      const credentials = newCredentials()
      addAccount(world(), credentials, { webhookUrl: 'https://other.example.com/hooks' })
      const { accountId, connectionId } = await aTwinAccount(world())
      const { id } = await create(world(), credentials, accountId)
      const { key } = await aKey(world(), accountId, { scopes: ['read'] })
      for (const connection of [id, connectionId]) {
        const { status, text } = await withKey(world(), key, 'GET', `/v1/connections/${connection}/doctor`)
        expect(status).to.equal(200)
        expect(text).to.include('Enter the callback URL of this connection').and.not.include('/webhooks/')
      }
    })

    it('offers the subscription that is missing', async () => {
      const credentials = newCredentials()
      addAccount(world(), credentials, { subscribed: false })
      const { id } = await create(world(), credentials)
      expect((await world().call('POST', `/v1/connections/${id}/subscribe`)).body).to.deep.equal({ subscribed: true })
      expect((await examine(world(), id)).find(({ name }) => name === 'subscription')?.ok).to.equal(true)
    })

    it('says why a subscription was refused', async () => {
      const credentials = newCredentials()
      addAccount(world(), credentials, { tokenFields: { scopes: [] } })
      const { id } = await create(world(), credentials)
      const { status, body } = await world().call('POST', `/v1/connections/${id}/subscribe`)
      expect(status).to.equal(422)
      expect(body.detail).to.match(/lacks a permission.*whatsapp_business_management/)
    })

    it('knows by the last webhook whether the app secret is right', async () => {
      const credentials = newCredentials()
      addAccount(world(), credentials)
      const { id, webhook } = await create(world(), credentials)
      const path = new URL(webhook.callbackUrl).pathname
      const proof = async () => (await examine(world(), id)).find(({ name }) => name === 'last webhook')
      const post = (secret: string) => {
        const body = '{"object":"whatsapp_business_account","entry":[]}'
        const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
        return postWebhook(world(), body, { path, signature })
      }
      expect((await proof())?.detail).to.match(/^No webhook has arrived yet/)
      expect((await post('the_secret_of_another_app')).status).to.equal(401)
      await until('the refusal is noted', async () => !/^No webhook/.test((await proof())?.detail ?? ''))
      expect(await proof()).to.include({ ok: false })
      expect((await proof())?.detail).to.match(/none is signed with the app secret that is stored here/)
      expect((await post(credentials.appSecret)).status).to.equal(200)
      await until('the proof is noted', async () => (await proof())?.ok)
      expect((await proof())?.detail).to.match(/the secret is right/)
      // New credentials have to prove themselves anew.
      const changed = { credentials: { appSecret: 'another_secret_0001' } }
      expect((await world().call('PATCH', `/v1/connections/${id}?verify=false`, changed)).status).to.equal(200)
      expect((await proof())?.detail).to.match(/^No webhook has arrived yet/)
    })

    it('writes down a flood of forged webhooks once', async () => {
      const credentials = newCredentials()
      addAccount(world(), credentials)
      const { id, webhook } = await create(world(), credentials)
      const path = new URL(webhook.callbackUrl).pathname
      const noted = () => world().rows(`SELECT * FROM wa_webhook_notes WHERE connection_id = ${id}`)
      const forge = () => postWebhook(world(), '{}', { path, signature: `sha256=${'0'.repeat(64)}` })
      await forge()
      await until('the first is noted', async () => (await noted()).length === 1)
      const first = await noted()
      for (let n = 0; n < 20; n++) expect((await forge()).status).to.equal(401)
      expect(await noted()).to.deep.equal(first)
    })

    it('finds nothing wrong where everything is right', async () => {
      const { id, webhook } = await (async () => {
        const credentials = newCredentials()
        addAccount(world(), credentials)
        const created = await create(world(), credentials)
        const { callbackUrl: webhookUrl, verifyToken } = created.webhook
        addAccount(world(), credentials, { webhookUrl, verifyToken })
        await world().call('POST', `/v1/connections/${created.id}/templates/register`, {})
        return created
      })()
      expect(webhook.verifyToken).not.to.equal('')
      const wrong = badOnes(await examine(world(), id)).map(({ name }) => name)
      expect(wrong).to.deep.equal(['last webhook'])
    })

    it('looks for the template of purchase orders where the account names its own, and nowhere else', async () => {
      const credentials = newCredentials()
      addAccount(world(), credentials)
      const { id } = await create(world(), credentials, 413)
      const aboutOrders = async () =>
        (await examine(world(), id))
          .filter(({ name }) => name === 'template purchase_order')
          .map(({ detail }) => detail)
      expect(await aboutOrders()).to.be.empty
      await world().call('PUT', '/v1/accounts/413/settings?verify=false', {
        isWhatsappEnabled: true,
        whatsappSenderConnectionId: id,
        templates: { purchase_order: { name: 'pedido_aprobado', language: 'es' } },
      })
      expect((await aboutOrders()).join()).to.match(/has no template pedido_aprobado/)
    })

    it('sees what was sent without a report', async () => {
      const credentials = newCredentials()
      addAccount(world(), credentials, { strictTemplates: false })
      const account = await anAccount(world())
      const { id } = await create(world(), credentials, account)
      const settings = { isWhatsappEnabled: true, whatsappSenderConnectionId: id }
      expect((await world().call('PUT', `/v1/accounts/${account}/settings`, settings)).status).to.equal(200)
      await deliver(world(), eventFor(aCustomer(), { account_id: account }))
      await settle(world())
      const reports = async () => (await examine(world(), id)).find(({ name }) => name === 'reports')
      expect((await reports())?.ok, 'sent just now').to.equal(true)
      await world().database.write(
        "UPDATE wa_outgoing_messages SET accepted_at = '2026-01-01 00:00:00.000' WHERE whatsappSenderConnectionId = $1",
        [Number(id)],
      )
      expect(await reports()).to.include({ ok: false })
      expect((await reports())?.detail).to.include('1 of the newest 1 messages')
    })

    it('says who ends a pause', async () => {
      const credentials = newCredentials()
      addAccount(world(), credentials)
      const { id } = await create(world(), credentials)
      const state = async () => (await examine(world(), id))[0]
      expect(await state()).to.include({ name: 'state', ok: true })
      await world().call('PATCH', `/v1/connections/${id}`, { state: 'paused' })
      expect((await state())?.detail).to.equal('The connection is paused: by hand.')
      const pause = "UPDATE wa_connections SET state_reason = 'billing_problem' WHERE id = $1"
      await world().database.write(pause, [Number(id)])
      await world().call('PATCH', `/v1/connections/${id}`, { name: 'x' })
      expect((await state())?.detail).to.match(/payment problem/)
    })

    it('is not found where there is no connection', async () => {
      for (const id of ['0', '999999', 'abc'])
        for (const [method, what] of [['GET', 'doctor'] as const, ['POST', 'subscribe'] as const])
          expect((await world().call(method, `/v1/connections/${id}/${what}`)).status).to.equal(404)
    })
  })
}
