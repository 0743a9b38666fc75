import { expect } from 'chai'
import type { Rule } from '../../src/providers/simulator/inputs.ts'
import { aKey, withKey } from '../support/clients.ts'
import { simulatorAccount } from '../support/fixtures.ts'
import {
  aCustomer,
  activityOf,
  aFirstMessage,
  anAccount,
  anOwnConnection,
  answersTo,
  aWebhook,
  builtInTemplates,
  type Customer,
  decisionsOf,
  deliver,
  eventFor,
  makeDue,
  messagesTo,
  type OwnConnection,
  postWebhook,
  requestsFor,
  say,
  settle,
  sharedWorld,
  signatureOf,
  storages,
  type Timeline,
  tap,
  tell,
  timelineOf,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

let nextLog = 970_000_001
/** Events are the same only if their status log is. */
const anEvent = (customer: Customer, changes: object = {}) =>
  eventFor(customer, { reason: 'customer_unavailable', status_log_id: String(nextLog++), ...changes })

let nextNumber = 1
/** One more connection of an account, for one of its channels. */
async function aChannelOf(world: World, { accountId }: OwnConnection, channelId: string): Promise<string> {
  const number = String(nextNumber++).padStart(4, '0')
  const credentials = {
    phoneNumberId: `83000000000${number}`,
    wabaId: `93000000000${number}`,
    accessToken: `EAAmoretoken${number}`,
    appSecret: `more_app_secret_${number}`,
  }
  const businessPhone = `+91115000${number}`
  world.provider.addAccount({
    ...credentials,
    displayPhoneNumber: businessPhone,
    templates: await builtInTemplates(world),
  })
  const created = await world.call<{ id: string }>('POST', '/v1/connections?verify=false', {
    accountId,
    provider: 'meta',
    name: `Channel ${channelId}`,
    businessPhone,
    credentials,
  })
  expect(created.status, JSON.stringify(created.body)).to.equal(201)
  const settings = { isWhatsappEnabled: true, whatsappSenderConnectionId: created.body.id }
  const path = `/v1/accounts/${accountId}/channels/${channelId}/settings`
  expect((await world.call('PUT', path, settings)).status).to.equal(200)
  return created.body.id
}

interface Facts {
  readonly phone: string
  readonly accounts: readonly {
    readonly accountId: number
    readonly consent: Readonly<Record<string, { isWanted: boolean; at: string | null; by: string | null }>>
    readonly connections: readonly { readonly connectionId: string; readonly lastInboundAt: string | null }[]
  }[]
}

for (const storage of storages) {
  describe(`STOP and START on ${storage}`, function () {
    this.timeout(60_000)
    const world = sharedWorld({ storage })
    const skips = async (customer: Customer, changes: object = {}) => {
      const { outcome, reason } = await deliver(world(), anEvent(customer, changes))
      return [outcome, reason]
    }
    const optedOut = ['skipped', 'recipient_opted_out']

    it('STOP: not one of 100 events on three connections of the account is sent; START: it works again', async () => {
      const owner = await anOwnConnection(world())
      const account_id = owner.accountId
      const channels = ['7001', '7002']
      const connections = [owner.connectionId]
      for (const channel of channels) connections.push(await aChannelOf(world(), owner, channel))
      const customer = aCustomer()
      await aFirstMessage(world(), { customer, account_id })
      expect(await say(world(), customer, 'STOP'), 'one word of thanks').to.have.length(1)
      const before = requestsFor(world(), customer).length
      const events = Array.from({ length: 100 }, (_, index) =>
        anEvent(customer, { account_id, channel_id: ['7000', ...channels][index % 3] }),
      )
      const delivered = await Promise.all(events.map((event) => deliver(world(), event)))
      expect(delivered.map(({ outcome, reason }) => `${outcome} ${reason}`)).to.deep.equal(
        events.map(() => 'skipped recipient_opted_out'),
      )
      await settle(world())
      expect(requestsFor(world(), customer).length - before, 'calls to the provider').to.equal(0)
      const rows = await world().rows<{ state: string; code: string; connection: number; count: number }>(
        `SELECT state, failure_code AS code, whatsappSenderConnectionId AS connection, COUNT(*) AS count
         FROM wa_outgoing_messages WHERE customer_phone = '${customer.phone}' AND state = 'skipped'
         GROUP BY state, failure_code, whatsappSenderConnectionId ORDER BY connection`,
      )
      expect(rows.map(({ code, connection }) => [code, String(connection)])).to.deep.equal(
        connections.map((id) => ['recipient_opted_out', id]),
      )
      expect(rows.reduce((sum, { count }) => sum + Number(count), 0)).to.equal(100)
      const { failure, route } = await timelineOf(world(), delivered[0]?.message?.id)
      expect(failure?.detail).to.include('the recipient wants no messages')
      expect(route.connectionId).to.equal(owner.connectionId)

      await say(world(), customer, 'Start!')
      expect(await skips(customer, { account_id })).to.deep.equal(['queued', undefined])
      expect(await skips(customer, { account_id, channel_id: '7002' })).to.deep.equal(['queued', undefined])
    })

    it('is confirmed by one text in the language of the conversation, and is no move of the conversation', async () => {
      const { customer, id } = await aFirstMessage(world())
      const [thanks, ...others] = await say(world(), customer, 'stop')
      expect(others).to.be.empty
      expect(thanks?.text).to.include('no more messages')
      expect(await say(world(), customer, 'STOP!!'), 'said before').to.be.empty
      const [welcome, ...more] = await say(world(), customer, 'START')
      expect([welcome?.text, more.length]).to.deep.equal([welcome?.text, 0])
      expect(welcome?.text).to.include('again')
      expect((await activityOf(world(), id)).filter((type) => type === 'customer_reply')).to.have.length(3)
      const { replies, followUps } = await timelineOf(world(), id)
      expect([replies.length, followUps.length]).to.deep.equal([3, 2])
    })

    it('lets START be words like others where nothing was stopped', async () => {
      const { customer } = await aFirstMessage(world())
      const [choices] = await say(world(), customer, 'start')
      expect(choices?.buttons).to.have.length(3)
    })

    it('takes a tap after STOP, and says nothing', async () => {
      const { customer, sent } = await aFirstMessage(world())
      await say(world(), customer, 'रोकें')
      expect(await tap(world(), sent, 'Reattempt')).to.be.empty
      expect(decisionsOf(world(), customer).map(({ action }) => action)).to.deep.equal(['reattempt'])
      expect(await say(world(), customer, 'hello?')).to.be.empty
    })

    it('is obeyed by what people write as well', async () => {
      const { customer } = await aFirstMessage(world())
      await say(world(), customer, 'stop')
      const asked = requestsFor(world(), customer).length
      const request = {
        accountId: 379,
        to: customer.phone,
        type: 'text',
        text: 'Are you at home?',
        createdBy: 'agent-7',
      }
      const { status, body } = await world().call<Timeline>('POST', '/v1/messages', request)
      expect([status, body.status, body.failure?.code]).to.deep.equal([202, 'skipped', 'recipient_opted_out'])
      await settle(world())
      expect(requestsFor(world(), customer)).to.have.length(asked)
    })

    it('to a shared number stops the account of the conversation, and nobody else', async () => {
      const other = await anAccount(world())
      const { customer } = await aFirstMessage(world())
      await say(world(), customer, 'unsubscribe')
      expect(await skips(customer)).to.deep.equal(optedOut)
      expect(await skips(customer, { account_id: other })).to.deep.equal(['queued', undefined])
    })

    it('to a shared number outside of any conversation stops everybody there, until START', async () => {
      const [one, other] = [await anAccount(world()), await anAccount(world())]
      const own = await anOwnConnection(world())
      const customer = aCustomer()
      await say(world(), customer, 'STOP')
      expect(await skips(customer, { account_id: one })).to.deep.equal(optedOut)
      expect(await skips(customer, { account_id: other })).to.deep.equal(optedOut)
      const elsewhere = await skips(customer, { account_id: own.accountId })
      expect(elsewhere, 'through a number of its own').to.deep.equal(['queued', undefined])
      await settle(world())
      const { phoneNumberId } = simulatorAccount.credentials
      await world().provider.say(customer.phone, 'start', { phoneNumberId })
      await settle(world())
      expect(await skips(customer, { account_id: one })).to.deep.equal(['queued', undefined])
      expect(await skips(customer, { account_id: other })).to.deep.equal(['queued', undefined])
    })

    let nextId = 1
    it('is heard in the order in which it was said, however it comes', async () => {
      const { customer } = await aFirstMessage(world())
      const now = Math.floor(Date.now() / 1000)
      const said = (text: string, secondsAgo: number) => ({
        from: customer.waId,
        id: `wamid.ORDER${nextId++}`,
        timestamp: String(now - secondsAgo),
        type: 'text',
        text: { body: text },
      })
      await tell(world(), aWebhook({ messages: [said('start', 20)] }))
      await tell(world(), aWebhook({ messages: [said('stop', 30)] }))
      expect(await skips(customer)).to.deep.equal(['queued', undefined])
      await settle(world())
      await tell(world(), aWebhook({ messages: [said('stop', 10)] }))
      expect(await skips(customer)).to.deep.equal(optedOut)
    })

    it('reaches somebody whose number is written in another way', async () => {
      const customer: Customer = { local: '', phone: '+5511987650001', waId: '551187650001' }
      await say(world(), { ...customer, phone: '+551187650001' }, 'parar')
      const event = anEvent(customer, { customerContactNumber: customer.phone })
      expect((await deliver(world(), event)).reason).to.equal('recipient_opted_out')
    })

    const waiting = async (rule: Rule, fields: object = {}) => {
      const customer = aCustomer()
      world().provider.addRule({ phone: customer.phone, next: 1, ...rule })
      const { message } = await deliver(world(), anEvent(customer, fields))
      const id = message?.id ?? ''
      return { customer, id }
    }
    const becomes = (id: string, state: string) =>
      until(`it becomes ${state}`, async () => (await timelineOf(world(), id)).state === state)

    it('ends what waits at once as skipped, without a call, and nothing of others', async () => {
      const { customer, id } = await waiting({ error: { http: 400, code: 131056 } })
      await becomes(id, 'waiting')
      const another = await waiting({ error: { http: 400, code: 131056 } })
      await becomes(another.id, 'waiting')
      const elsewhere = await anOwnConnection(world())
      world().provider.addRule({ phone: customer.phone, next: 1, error: { http: 400, code: 131056 } })
      const { message } = await deliver(world(), anEvent(customer, { account_id: elsewhere.accountId }))
      await becomes(message?.id ?? '', 'waiting')
      const asked = requestsFor(world(), customer).length
      await world().provider.say(customer.phone, 'stop', { phoneNumberId: simulatorAccount.credentials.phoneNumberId })
      await becomes(id, 'skipped')
      await settle(world())
      const { status, failure, attempts, activity } = await timelineOf(world(), id)
      expect([status, failure?.code, attempts.length]).to.deep.equal(['skipped', 'recipient_opted_out', 1])
      expect(
        activity.map(({ event }) => event.eventSubType),
        'no failure to tell of',
      ).to.not.include('failed')
      expect(requestsFor(world(), customer)).to.have.length(asked)
      const others = await Promise.all([another.id, message?.id].map((other) => timelineOf(world(), other)))
      expect(others.map(({ state }) => state)).to.deep.equal(['waiting', 'waiting'])
    })

    /** Asked for by telephone: it holds at once. */
    const stopNow = async ({ phone }: Customer, accountId: number) => {
      const wish = { accountId, topic: 'all', isWanted: false }
      expect((await world().call('PUT', `/v1/contacts/${phone}/consent`, wish)).status).to.equal(200)
    }

    it('ends what was refused in the moment of the STOP without another call', async () => {
      const { customer, id } = await waiting({ delayMs: 1_500, error: { http: 400, code: 131056 } })
      await becomes(id, 'sending')
      await stopNow(customer, 379)
      expect((await timelineOf(world(), id)).state, 'it came in time').to.equal('sending')
      await becomes(id, 'waiting')
      const asked = requestsFor(world(), customer).length
      await makeDue(world(), id)
      await becomes(id, 'skipped')
      const { status, failure, attempts } = await timelineOf(world(), id)
      expect([status, failure?.code]).to.deep.equal(['skipped', 'recipient_opted_out'])
      expect(attempts.map(({ outcome }) => outcome)).to.deep.equal(['refused', 'refused'])
      expect(requestsFor(world(), customer)).to.have.length(asked)
    })

    it('that overtakes the news of the message it answers stops its account alone', async () => {
      const other = await anAccount(world())
      const { customer, id } = await waiting({ delayMs: 1_000 })
      await becomes(id, 'sending')
      await world().provider.say(customer.phone, 'stop', { phoneNumberId: simulatorAccount.credentials.phoneNumberId })
      const heardBy = () =>
        world().rows<{ account_id: number }>(`SELECT account_id FROM wa_consents WHERE address = '${customer.phone}'`)
      await until('it is heard', async () => (await heardBy()).length > 0)
      expect((await heardBy()).map(({ account_id }) => account_id)).to.deep.equal([379])
      expect(await skips(customer)).to.deep.equal(optedOut)
      expect(await skips(customer, { account_id: other })).to.deep.equal(['queued', undefined])
    })

    it('leaves what an operator sends again unknown, and says so', async () => {
      const { customer, id } = await waiting({ error: { http: 503, code: 131016 } })
      await becomes(id, 'in_doubt')
      await stopNow(customer, 379)
      const asked = requestsFor(world(), customer).length
      expect((await world().call('POST', `/v1/messages/${id}/resolve`, { action: 'resend' })).status).to.equal(200)
      await becomes(id, 'unknown')
      expect(await activityOf(world(), id)).to.deep.equal(['unknown'])
      expect(requestsFor(world(), customer)).to.have.length(asked)
    })

    it('keeps what failed from being told through the fallback', async () => {
      const owner = await anOwnConnection(world(), { settings: { fallbackOnFailed: true } })
      expect(owner.connectionId).not.to.equal('1')
      const path = `/v1/connections/${owner.connectionId}`
      await world().call('PATCH', path, { fallbackConnectionId: '1' })
      const fields = { account_id: owner.accountId }
      const { customer, id } = await waiting({ delayMs: 1_500, webhooks: { failCode: 132015 } }, fields)
      await becomes(id, 'sending')
      await stopNow(customer, 5)
      await until('it has failed', async () => (await timelineOf(world(), id)).status === 'failed')
      const again = await until('the other one ends', async () => {
        const sql = `SELECT id FROM wa_outgoing_messages WHERE customer_phone = '${customer.phone}' AND id > ${id}
          AND state = 'skipped'`
        return (await world().rows<{ id: number }>(sql))[0]
      })
      expect((await timelineOf(world(), String(again.id))).failure?.code).to.equal('recipient_opted_out')
      const first = messagesTo(world(), customer).filter(({ type }) => type === 'template')
      expect(first).to.have.length(1)
    })
  })

  describe(`contacts by the API on ${storage}`, () => {
    const world = sharedWorld({ storage })
    const get = async (customer: Customer, accountId?: number) =>
      world().call<Facts>('GET', `/v1/contacts/${customer.phone}${accountId ? `?accountId=${accountId}` : ''}`)
    const put = (customer: Customer, body: object) =>
      world().call<Facts>('PUT', `/v1/contacts/${customer.phone}/consent`, body)

    it('tell what was said, when and by what', async () => {
      const { customer } = await aFirstMessage(world())
      const fresh = (await get(customer, 379)).body.accounts[0]
      const unsaid = { isWanted: true, at: null, by: null }
      expect(fresh).to.deep.include({ consent: { all: unsaid, marketing: unsaid }, connections: [] })
      await say(world(), customer, 'stop')
      const [known, ...others] = (await get(customer, 379)).body.accounts
      expect(others).to.be.empty
      expect(known?.consent.all).to.include({ isWanted: false, by: 'word' })
      expect(known?.consent.marketing).to.deep.equal(unsaid)
      expect(known?.connections.map(({ connectionId }) => connectionId)).to.deep.equal(['1'])
      expect(Date.parse(known?.connections[0]?.lastInboundAt ?? '')).to.be.closeTo(Date.now(), 60_000)
      const all = (await get(customer)).body.accounts.map(({ accountId }) => accountId)
      expect(all, 'whose conversation and whose number it is').to.deep.equal([5, 379])
    })

    it('change what is wanted, of one topic and one account, and write down who did', async () => {
      const customer = aCustomer()
      const accountId = await anAccount(world())
      expect((await get(customer, accountId)).status).to.equal(404)
      const answer = await put(customer, { accountId, topic: 'all', isWanted: false })
      expect(answer.status).to.equal(200)
      expect(answer.body.accounts[0]?.consent.all).to.include({ isWanted: false, by: 'api' })
      const event = { account_id: accountId }
      expect((await deliver(world(), anEvent(customer, event))).reason).to.equal('recipient_opted_out')
      expect((await deliver(world(), anEvent(customer))).outcome).to.equal('queued')
      await put(customer, { accountId, topic: 'marketing', isWanted: false })
      await put(customer, { accountId, topic: 'all', isWanted: true })
      expect((await deliver(world(), anEvent(customer, event))).outcome).to.equal('queued')
      const { consent } = (await get(customer, accountId)).body.accounts[0] ?? {}
      expect([consent?.all?.isWanted, consent?.marketing?.isWanted]).to.deep.equal([true, false])
      const { body } = await world().call<{ items: { action: string; subject: object; detail: object }[] }>(
        'GET',
        `/v1/audit?accountId=${accountId}`,
      )
      const entries = body.items.filter(({ action }) => action === 'contact.consent')
      expect(entries).to.have.length(3)
      expect(entries[0]).to.deep.include({
        subject: { type: 'contact', id: customer.phone },
        detail: { topic: 'all', before: { isWanted: false }, after: { isWanted: true } },
      })
    })

    it('yield to what the customer says afterwards', async () => {
      const { customer } = await aFirstMessage(world())
      await put(customer, { accountId: 379, topic: 'all', isWanted: true })
      await say(world(), customer, 'stop')
      expect((await deliver(world(), anEvent(customer))).reason).to.equal('recipient_opted_out')
    })

    it('of whoever owns the number hold for everybody there, and START in any conversation ends that', async () => {
      const { customer } = await aFirstMessage(world())
      await put(customer, { accountId: 5, topic: 'all', isWanted: false })
      expect((await deliver(world(), anEvent(customer))).reason).to.equal('recipient_opted_out')
      expect(await say(world(), customer, 'start')).to.have.length(1)
      expect((await deliver(world(), anEvent(customer))).outcome).to.equal('queued')
    })

    it('show a client its own facts, and of whom only others know the same as of nobody', async () => {
      const [own, other] = [await anOwnConnection(world()), await anOwnConnection(world())]
      const [{ key }, { key: otherKey }] = [await aKey(world(), own.accountId), await aKey(world(), other.accountId)]
      const [theirs, shared, nobody] = [aCustomer(), aCustomer(), aCustomer()]
      await aFirstMessage(world(), { customer: theirs, account_id: other.accountId, customerName: 'Meera Rao' })
      await say(world(), theirs, 'stop')
      for (const { accountId } of [own, other])
        await aFirstMessage(world(), { customer: shared, account_id: accountId })
      await say(world(), shared, 'stop')
      const ask = (customer: Customer, of = key) => withKey(world(), of, 'GET', `/v1/contacts/${customer.phone}`)
      expect(await ask(theirs).then(({ status, text }) => [status, text])).to.deep.equal(
        await ask(nobody).then(({ status, text }) => [status, text]),
      )
      const accountsOf = async (of: string) => (JSON.parse((await ask(shared, of)).text) as Facts).accounts
      const [mine, ...foreign] = await accountsOf(key)
      expect([mine?.accountId, mine?.consent.all?.isWanted, foreign]).to.deep.equal([own.accountId, true, []])
      expect((await accountsOf(otherKey)).map(({ consent }) => consent.all?.isWanted)).to.deep.equal([false])
      const path = `/v1/contacts/${shared.phone}/consent`
      const change = { accountId: other.accountId, topic: 'all', isWanted: true }
      expect((await withKey(world(), key, 'PUT', path, change)).status).to.equal(404)
      expect((await accountsOf(otherKey)).map(({ consent }) => consent.all?.isWanted)).to.deep.equal([false])
      const { key: sender } = await aKey(world(), own.accountId, { scopes: ['read', 'send'] })
      expect((await withKey(world(), sender, 'PUT', path, { ...change, accountId: own.accountId })).status).to.equal(
        403,
      )
    })

    it('are not changed by what the number of another client tells of who somebody is', async () => {
      const [liar, honest] = [await anOwnConnection(world()), await anAccount(world())]
      const [stopped, willing] = [aCustomer(), aCustomer()]
      await put(stopped, { accountId: honest, topic: 'all', isWanted: false })
      await put(willing, { accountId: honest, topic: 'all', isWanted: true })
      const { phoneNumberId, path, credentials } = liar
      const message = (from: string, from_user_id: string, id: string) => {
        const said = { from, from_user_id, id, timestamp: String(Math.floor(Date.now() / 1000)) }
        return { ...said, type: 'text', text: { body: 'hello' } }
      }
      const userId = `IN.3${willing.waId}`
      for (const { waId } of [willing, stopped]) {
        const body = JSON.stringify(aWebhook({ messages: [message(waId, userId, `wamid.LIE${waId}`)] }, phoneNumberId))
        const signature = signatureOf(body, credentials.appSecret)
        expect((await postWebhook(world(), body, { path, signature })).status).to.equal(200)
        await settle(world())
      }
      const event = { account_id: honest }
      expect((await deliver(world(), anEvent(stopped, event))).reason).to.equal('recipient_opted_out')
      const sql = `SELECT account_id FROM wa_consents WHERE address = '${userId}'`
      expect(await world().rows(sql)).to.deep.equal([])
    })

    it('refuse what cannot be understood', async () => {
      const customer = aCustomer()
      const wrong = [
        { accountId: 379, topic: 'some', isWanted: true },
        { accountId: 379, topic: 'all' },
        { accountId: 0, topic: 'all', isWanted: true },
        { accountId: 379, topic: 'all', isWanted: 'no' },
        { accountId: 379, topic: 'all', isWanted: false, more: 1 },
      ]
      for (const body of wrong) expect((await put(customer, body)).status, JSON.stringify(body)).to.equal(400)
      expect((await world().call('GET', '/v1/contacts/98100')).status).to.equal(400)
      expect((await get(customer)).status, 'nobody knows them').to.equal(404)
      expect(await answersTo(world(), customer, async () => {})).to.be.empty
    })
  })
}
