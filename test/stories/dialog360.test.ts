import { expect } from 'chai'
import type { Rule } from '../../src/providers/simulator/inputs.ts'
import { aDialog360Account, aWebhookUser, type Dialog360Account, headersFor, setWebhook } from '../support/dialog360.ts'
import {
  aCustomer,
  activityOf,
  aFirstMessage,
  aSilentMessage,
  aStatus,
  aWebhook,
  decisionsOf,
  deliver,
  eventFor,
  http,
  inWorld,
  messagesTo,
  settle,
  sharedWorld,
  storages,
  tap,
  timelineOf,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

const post = (world: World, path: string, body: object, headers: Record<string, string> = {}) =>
  http(world, 'POST', path, { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })

const connectionOf = async (world: World, { connectionId }: Dialog360Account) =>
  (await world.call<{ state: string; stateReason: string | null }>('GET', `/v1/connections/${connectionId}`)).body

for (const storage of storages) {
  describe(`360dialog on ${storage}`, () => {
    const world = sharedWorld({ storage })
    let account: Dialog360Account

    before(async () => {
      account = await aDialog360Account(world(), { webhookUser: aWebhookUser })
    })

    const aMessage = (rule?: Rule) => {
      const customer = aCustomer()
      if (rule) world().provider.addRule({ ...rule, phone: customer.phone })
      return aFirstMessage(world(), { customer, account_id: account.accountId })
    }

    it('tells the customer, follows the message until it is read, and pushes the date that the customer chose', async () => {
      const { customer, id, sent } = await aMessage()
      expect(sent.phoneNumberId).to.equal(account.credentials.phoneNumberId)
      expect(await activityOf(world(), id)).to.have.members(['inqueue', 'sent', 'delivered', 'read'])
      const [question] = await tap(world(), sent, 'Select new delivery date')
      const chosen = question?.buttons[1]
      const [thanks] = await tap(world(), question, chosen?.title ?? '')
      expect(thanks?.text).to.contain(`deliver your order on ${chosen?.title}`)
      const told = await timelineOf(world(), id)
      expect(told.conversation).to.deep.include({ decision: 'reschedule' })
      expect(told.actions.map(({ state }) => state)).to.deep.equal(['taken'])
      expect(decisionsOf(world(), customer).map(({ action }) => action)).to.deep.equal(['reschedule'])
    })

    const lies: NonNullable<Rule['webhooks']>[] = [
      { duplicates: 3 },
      { shuffle: true, duplicates: 1 },
      { beforeAnswer: true, duplicates: 2 },
    ]
    for (const webhooks of lies) {
      it(`comes to the same end when webhooks are ${JSON.stringify(webhooks)}`, async () => {
        const { customer, id } = await aMessage({ webhooks })
        await until('it is read', async () => (await timelineOf(world(), id)).status === 'read')
        expect((await activityOf(world(), id)).filter((event) => event === 'read')).to.have.length(1)
        expect(messagesTo(world(), customer)).to.have.length(1)
      })
    }

    it('a report with our reference proves that it took what it never answered', async () => {
      const { id, customer } = await aMessage({ answer: 'reset' })
      await until('it is read', async () => (await timelineOf(world(), id)).status === 'read')
      expect((await timelineOf(world(), id)).state).to.equal('accepted')
      expect(messagesTo(world(), customer)).to.have.length(1)
    })

    it('a failure that it reports counts at once: it could not be asked for more', async () => {
      const { id } = await aMessage({ webhooks: { failCode: 131026 } })
      await until('it has failed', async () => (await timelineOf(world(), id)).status === 'failed')
      expect((await timelineOf(world(), id)).failure).to.deep.include({ code: 'recipient_unreachable' })
    })

    it('waits when it asks for less pace in words of its own', async () => {
      // It slows its whole number, so not that of the other stories.
      const { accountId } = await aDialog360Account(world())
      const customer = aCustomer()
      const words = 'You have exceeded the endpoint rate limit.'
      world().provider.addRule({ phone: customer.phone, next: 1, error: { words, retryAfterS: 60 } })
      const { message } = await deliver(world(), eventFor(customer, { account_id: accountId }))
      await until('it waits', async () => (await timelineOf(world(), message?.id)).state === 'waiting')
      const { attempts } = await timelineOf(world(), message?.id)
      expect(attempts.map(({ failureCode }) => failureCode)).to.deep.equal(['connection_throttled'])
    })

    for (const [words, code] of [
      [{ http: 400, words: 'Could not send message due to lack of payment.' }, 'billing_problem'],
      [{ http: 400, words: 'Your WhatsApp for Business API has been disabled' }, 'account_restricted'],
      [{ http: 401, words: 'Invalid api_key' }, 'credentials_invalid'],
    ] as const) {
      it(`pauses the connection and keeps the message: ${words.words}`, async () => {
        const own = await aDialog360Account(world())
        const customer = aCustomer()
        world().provider.addRule({ phone: customer.phone, error: words })
        await deliver(world(), eventFor(customer, { account_id: own.accountId }))
        await until('it is paused', async () => (await connectionOf(world(), own)).state === 'paused')
        expect((await connectionOf(world(), own)).stateReason).to.equal(code)
        world().provider.clearRules()
        await world().call('PATCH', `/v1/connections/${own.connectionId}`, { state: 'active' })
        await until('it is sent after all', () => messagesTo(world(), customer).length === 1)
      })
    }

    it('takes no webhook without the user and password that it asked for', async () => {
      const { id, sent } = await aSilentMessage(world(), { account_id: account.accountId })
      const body = aWebhook({ statuses: [aStatus(sent, 'delivered')] }, account.credentials.phoneNumberId)
      for (const headers of [{}, headersFor({ ...aWebhookUser, webhookPassword: 'webhook-password-0002' })])
        expect((await post(world(), account.path, body, headers)).status).to.equal(401)
      expect((await timelineOf(world(), id)).reports).to.deep.equal([])
      expect((await post(world(), account.path, body, headersFor(aWebhookUser))).status).to.equal(200)
      await settle(world())
      expect((await timelineOf(world(), id)).status).to.equal('delivered')
    })

    it('gives nothing to this connection that names another number', async () => {
      const { id, sent } = await aSilentMessage(world(), { account_id: account.accountId })
      const body = aWebhook({ statuses: [aStatus(sent, 'read')] }, '839999999999999')
      expect((await post(world(), account.path, body, headersFor(aWebhookUser))).status).to.equal(200)
      await settle(world())
      expect((await timelineOf(world(), id)).status).to.equal('accepted')
      const parked = await world().rows<{ detail: string }>(
        "SELECT detail FROM rejected_events WHERE reason = 'misrouted_webhook'",
      )
      expect(parked.map(({ detail }) => detail)).to.include('no connection here has the sender 839999999999999')
    })

    it('knows no URL but those of connections, and makes no handshake for the platform', async () => {
      for (const path of ['/webhooks/360dialog', `/webhooks/360dialog/${'A'.repeat(32)}`, `${account.path}/actions`])
        expect((await post(world(), path, {}, headersFor(aWebhookUser))).status, path).to.equal(404)
      const elsewhere = account.path.replace('360dialog', 'meta')
      expect((await post(world(), elsewhere, {}, headersFor(aWebhookUser))).status).to.equal(404)
    })
  })
}

describe('a connection at 360dialog', () => {
  it('asks for user and password of the webhook together or not at all', () =>
    inWorld({}, async (world) => {
      const credentials = { apiKey: 'key', phoneNumberId: '830000000000001' }
      const draft = { accountId: 379, provider: '360dialog', name: 'Own', businessPhone: '+911150000001' }
      const pathsOf = async (more: object) => {
        const body = { ...draft, credentials: { ...credentials, ...more } }
        const answer = await world.call('POST', '/v1/connections?verify=false', body)
        return answer.status === 201 ? [] : (answer.body.errors as { path: string }[]).map(({ path }) => path)
      }
      const { webhookUser, webhookPassword } = aWebhookUser
      expect(await pathsOf({ webhookUser })).to.deep.equal(['credentials.webhookPassword'])
      expect(await pathsOf({ webhookPassword })).to.deep.equal(['credentials.webhookUser'])
      expect(await pathsOf({ webhookUser: 'a:b', webhookPassword })).to.deep.equal(['credentials.webhookUser'])
      expect(await pathsOf({ webhookUser, webhookPassword })).to.deep.equal([])
    }))

  it('tells in plain words what is wrong with key, number, webhook and user, and shows no secret', () =>
    inWorld({}, async (world) => {
      const account = await aDialog360Account(world, { webhookUser: aWebhookUser })
      const { apiKey = '', phoneNumberId = '', wabaId = '' } = account.credentials
      const findings = async (credentials: object) => {
        const { status, body } = await world.call('PATCH', `/v1/connections/${account.connectionId}`, { credentials })
        expect(status).to.equal(200)
        for (const secret of [apiKey, aWebhookUser.webhookPassword, headersFor(aWebhookUser).Authorization])
          expect(JSON.stringify(body)).not.to.contain(secret)
        const checks = body.checks as { name: string; ok: boolean; fix?: string; detail: string }[]
        for (const { ok, fix, name } of checks) expect(fix !== undefined, name).to.equal(!ok)
        return checks
      }
      const wrong = async (credentials: object) =>
        (await findings(credentials)).filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`)

      expect(await wrong({ phoneNumberId })).to.deep.equal([])
      expect((await wrong({ apiKey: 'anotherKey_AK' }))[0]).to.match(/^API key: .*Invalid api_key/)
      expect(await wrong({ apiKey, phoneNumberId: '830000000009999' })).to.deep.equal([
        `phone number: The key belongs to phoneNumberId ${phoneNumberId}, not 830000000009999.`,
      ])
      expect(await wrong({ phoneNumberId, wabaId: '930000000009999' })).to.deep.equal([
        `account: The key belongs to wabaId ${wabaId}, not 930000000009999.`,
      ])
      await setWebhook(world, apiKey, { url: account.callbackUrl })
      expect((await wrong({ wabaId }))[0]).to.match(/^webhook user: .*webhooks are refused/)
      await setWebhook(world, apiKey, { url: 'https://other.example.com/secret-path' })
      expect(await wrong({ wabaId })).to.deep.equal([
        'webhook: Webhooks of the number go to another URL, at other.example.com.',
      ])
    }))

  it('has a doctor that finds it in order once its webhook is set, and says when that goes elsewhere', () =>
    inWorld({}, async (world) => {
      const account = await aDialog360Account(world, { webhookUser: aWebhookUser })
      const findings = async () => {
        const { body } = await world.call('GET', `/v1/connections/${account.connectionId}/doctor`)
        return (body.checks as { name: string; ok: boolean }[]).map(({ name, ok }) => `${name}: ${ok}`)
      }
      expect(await findings()).to.include.members(['API key: true', 'webhook: true', 'webhook user: true'])
      await setWebhook(world, account.credentials.apiKey ?? '', { url: 'https://other.example.com' })
      expect(await findings()).to.include('webhook: false')
    }))

  it('is not told the verify token, which is ours alone there', () =>
    inWorld({}, async (world) => {
      const { connectionId, path } = await aDialog360Account(world)
      const { body } = await world.call('GET', `/v1/connections/${connectionId}`)
      expect((body.webhook as Record<string, unknown>).verifyToken).to.equal(null)
      const query = 'hub.mode=subscribe&hub.challenge=1&hub.verify_token='
      expect((await http(world, 'GET', `${path}?${query}`)).status, 'no handshake is made').to.equal(404)
    }))
})
