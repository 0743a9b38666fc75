import { expect } from 'chai'
import { request } from 'undici'
import { aKey, bodyOf, withKey } from '../support/clients.ts'
import { aCustomer, eventFor, inWorld, messagesTo, settle, storages } from '../support/stories.ts'
import { adminKey, until, type World } from '../support/world.ts'

interface Check {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
  readonly fix?: string
}

interface Connection {
  readonly id: string
  readonly state: string
  readonly checks: readonly Check[]
  readonly webhook: { readonly callbackUrl: string; readonly verifyToken: string }
}

const accountId = 731
/** The client's account at Meta, as its dashboard shows it. */
const dashboard = {
  phoneNumberId: '860000000000001',
  wabaId: '960000000000001',
  appSecret: 'secret_of_the_clients_app',
  displayPhoneNumber: '+91 11 4000 8601',
}
const token = 'EAAtokenofasystemuser'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH'

/** One HTTP call to the gateway; nothing else is used in this story. */
async function call<T>(world: World, key: string, method: Method, path: string, body?: object) {
  const answer = await withKey(world, key, method, path, body)
  return { status: answer.status, body: bodyOf<T>(answer) }
}

/** What the client does at Meta, by its dashboard. */
async function atMeta(world: World, account: object): Promise<{ verification?: { ok: boolean } }> {
  const body = JSON.stringify({ ...dashboard, accessToken: token, ...account })
  const answer = await request(`${world.provider.url}/_sim/accounts`, { method: 'POST', body })
  return (await answer.body.json()) as { verification?: { ok: boolean } }
}

const badIn = (checks: readonly Check[]) => checks.filter(({ ok }) => !ok)

for (const storage of storages) {
  describe(`a new client, by HTTP alone, on ${storage}`, function () {
    this.timeout(60_000)

    it('goes from a wrong token to the first message', () =>
      inWorld({ storage, simulator: { templateApprovalMs: 200 } }, async (world: World) => {
        const { key } = await aKey(world, accountId, { scopes: ['read', 'send', 'manage'] })
        const gateway = <T>(method: Method, path: string, body?: object) => call<T>(world, key, method, path, body)
        const doctor = async (id: string) =>
          (await gateway<{ checks: Check[] }>('GET', `/v1/connections/${id}/doctor`)).body.checks
        await atMeta(world, { subscribed: false })

        // A wrong token is kept, and the answer says what to do.
        const draft = {
          accountId,
          provider: 'meta',
          name: 'Client',
          businessPhone: '+911140008601',
          credentials: {
            phoneNumberId: dashboard.phoneNumberId,
            wabaId: dashboard.wabaId,
            appSecret: dashboard.appSecret,
            accessToken: 'EAAmistyped',
          },
        }
        const created = await gateway<Connection>('POST', '/v1/connections', draft)
        expect(created.status).to.equal(201)
        const { id, webhook } = created.body
        const [first] = badIn(created.body.checks)
        expect(first?.detail).to.match(/does not accept the access token/)
        expect(first?.fix).to.match(/system user/)

        // With the right one only the subscription is missing, which one call mends.
        const corrected = await gateway<Connection>('PATCH', `/v1/connections/${id}`, {
          credentials: { accessToken: token },
        })
        expect(badIn(corrected.body.checks).map(({ name }) => name)).to.have.members(['subscription', 'callback URL'])
        expect((await gateway('POST', `/v1/connections/${id}/subscribe`)).status).to.equal(200)

        // The callback URL and the verify token are pasted into the dashboard, which tries them at once.
        const { callbackUrl: webhookUrl, verifyToken } = webhook
        const pasted = await atMeta(world, { webhookUrl, verifyToken })
        expect(pasted.verification?.ok).to.equal(true)

        // Nothing is registered yet; one call does it, and the review is waited for.
        const missing = badIn(await doctor(id)).filter(({ name }) => name.startsWith('template'))
        expect(missing).to.have.length(9)
        const registered = await gateway<{ items: { result: string }[] }>(
          'POST',
          `/v1/connections/${id}/templates/register`,
          {},
        )
        expect(new Set(registered.body.items.map(({ result }) => result))).to.deep.equal(new Set(['registered']))
        const settings = { isWhatsappEnabled: true, whatsappSenderConnectionId: id }
        await until('all are approved', async () => {
          const { body } = await gateway<{ items: { status: string }[] }>('GET', `/v1/connections/${id}/templates`)
          return body.items.length === 10 && body.items.every(({ status }) => status === 'APPROVED')
        })

        // Switched on, the first customer is told; the webhook of that proves the app secret.
        expect((await gateway('PUT', `/v1/accounts/${accountId}/settings`, settings)).status).to.equal(200)
        const customer = aCustomer()
        const event = await call<{ outcome: string; message: { id: string } }>(
          world,
          adminKey,
          'POST',
          '/v1/events',
          eventFor(customer, { account_id: accountId, reason: 'otp_cancellation' }),
        )
        expect(event.body.outcome).to.equal('queued')
        await settle(world)
        expect(messagesTo(world, customer)).to.have.length(1)
        expect(messagesTo(world, customer)[0]?.phoneNumberId).to.equal(dashboard.phoneNumberId)
        const message = await gateway<{ status: string }>('GET', `/v1/messages/${event.body.message.id}`)
        expect(message.body.status).to.equal('read')
        expect(badIn(await doctor(id))).to.deep.equal([])
      }))
  })
}
