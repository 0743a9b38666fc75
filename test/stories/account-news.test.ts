import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import {
  aClock,
  aCustomer,
  anOwnConnection,
  deliver,
  eventFor,
  inWorld,
  makeDue,
  messagesTo,
  type OwnConnection,
  postWebhook,
  requestsFor,
  sharedWorld,
  signatureOf,
  storages,
  timelineOf,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

interface Shown {
  readonly state: string
  readonly stateReason: string | null
  readonly quality: string | null
  readonly limits: { readonly messagesPerSecond: number; readonly concurrency: number }
}

interface Entry {
  readonly id: string
  readonly topic: string
  readonly severity: string
  readonly summary: string
  readonly payload: unknown
  readonly at: string
}

const minutes = (count: number) => count * 60
const nowSeconds = () => Math.floor(Date.now() / 1000)

/** Tells news of a field through the connection's own webhook. */
async function tell(
  world: World,
  own: OwnConnection,
  field: string,
  value: object,
  { time = nowSeconds(), wabaId = own.credentials.wabaId }: { time?: number; wabaId?: string | undefined } = {},
): Promise<void> {
  const body = JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [{ id: wabaId, time, changes: [{ field, value }] }],
  })
  const answer = await postWebhook(world, body, {
    path: own.path,
    signature: signatureOf(body, own.credentials.appSecret),
  })
  expect(answer.status).to.equal(200)
}

/** Waits until all news is applied, and a moment more: what is cached is dropped after the commit. */
async function applied(world: World): Promise<void> {
  await until('all news is applied', async () => {
    const waiting = await world.rows('SELECT id FROM wa_connection_events WHERE due_at IS NOT NULL LIMIT 1')
    return waiting.length === 0
  })
  await sleep(100)
}

const connectionOf = async (world: World, { connectionId }: OwnConnection): Promise<Shown> =>
  (await world.call<Shown>('GET', `/v1/connections/${connectionId}`)).body

const entriesOf = async (world: World, { connectionId }: OwnConnection, query = ''): Promise<Entry[]> =>
  (await world.call<{ items: Entry[] }>('GET', `/v1/connections/${connectionId}/events${query}`)).body.items

const template = (event: string, name = 'fdr_customer_unavailable') => ({
  event,
  message_template_id: 650000000000001,
  message_template_name: name,
  message_template_language: 'en',
  reason: null,
})
const ban = (waba_ban_state: string) => ({ event: 'DISABLED_UPDATE', ban_info: { waba_ban_state } })
const templateField = 'message_template_status_update'

const send = async (world: World, { accountId }: OwnConnection, customer = aCustomer()) => {
  const answer = await deliver(world, eventFor(customer, { reason: 'customer_unavailable', account_id: accountId }))
  return { customer, ...answer }
}

for (const storage of storages) {
  describe(`news about accounts on ${storage}`, () => {
    const world = sharedWorld({ storage })

    it('that a template is paused stops its messages, until it is approved again', async () => {
      const own = await anOwnConnection(world())
      await tell(world(), own, templateField, template('PAUSED'))
      await applied(world())
      const paused = await send(world(), own)
      expect(paused).to.include({ outcome: 'skipped', reason: 'template_paused' })
      await tell(world(), own, templateField, template('REJECTED'), { time: nowSeconds() + 1 })
      await applied(world())
      expect(await send(world(), own)).to.include({ outcome: 'skipped', reason: 'template_not_approved' })
      await tell(world(), own, templateField, template('APPROVED'), { time: nowSeconds() + 2 })
      await applied(world())
      expect(await send(world(), own)).to.include({ outcome: 'queued' })
      const topics = (await entriesOf(world(), own)).map(({ topic }) => topic)
      expect(topics).to.deep.equal([templateField, templateField, templateField])
    })

    it('that a template is paused ends what waits to be sent from it, without a call', async () => {
      const own = await anOwnConnection(world())
      const customer = aCustomer()
      world().provider.addRule({ phone: customer.phone, next: 1, error: { code: 134101 } })
      const event = eventFor(customer, { account_id: own.accountId, reason: 'customer_unavailable' })
      const id = (await deliver(world(), event)).message?.id ?? ''
      await until('it waits', async () => (await timelineOf(world(), id)).state === 'waiting')
      await tell(world(), own, templateField, template('PAUSED'))
      await applied(world())
      await makeDue(world(), id)
      await until('it has failed', async () => (await timelineOf(world(), id)).state === 'failed')
      expect((await timelineOf(world(), id)).failure).to.include({ code: 'template_paused', vendorCode: null })
      expect(requestsFor(world(), customer)).to.have.length(1)
    })

    it('of a template changes nothing for others, and elsewhere', async () => {
      const [own, other] = [await anOwnConnection(world()), await anOwnConnection(world())]
      await tell(world(), own, templateField, template('PAUSED', 'fdr_address_issue'))
      await applied(world())
      expect(await send(world(), own)).to.include({ outcome: 'queued' })
      await tell(world(), own, templateField, template('PAUSED'))
      await applied(world())
      expect(await send(world(), other)).to.include({ outcome: 'queued' })
    })

    it('that a template is unusable sends its messages through the fallback', async () => {
      const own = await anOwnConnection(world())
      const platform = { fallbackConnectionId: '1' }
      expect((await world().call('PATCH', `/v1/connections/${own.connectionId}`, platform)).status).to.equal(200)
      await tell(world(), own, templateField, template('DISABLED'))
      await applied(world())
      const { message } = await send(world(), own)
      expect(message?.route).to.deep.equal({
        connectionId: '1',
        why: "fallback: account's own connection has the template paused or disabled",
      })
    })

    it('that comes out of order is applied by the time of the provider', async () => {
      const own = await anOwnConnection(world())
      const time = nowSeconds()
      await tell(world(), own, templateField, template('APPROVED'), { time })
      await tell(world(), own, templateField, template('PAUSED'), { time: time - minutes(5) })
      await applied(world())
      expect(await send(world(), own)).to.include({ outcome: 'queued' })
      await tell(world(), own, 'account_update', ban('REINSTATE'), { time })
      await tell(world(), own, 'account_update', ban('DISABLE'), { time: time - minutes(5) })
      await applied(world())
      expect((await connectionOf(world(), own)).state).to.equal('active')
    })

    it('of a ban pauses the connection once and lets its messages wait, until the account is reinstated', async () => {
      const own = await anOwnConnection(world())
      const time = nowSeconds()
      await tell(world(), own, 'account_update', ban('DISABLE'), { time })
      await applied(world())
      expect(await connectionOf(world(), own)).to.include({ state: 'paused', stateReason: 'account_banned' })
      const { customer, outcome } = await send(world(), own)
      expect(outcome).to.equal('queued')
      await sleep(300)
      expect(messagesTo(world(), customer)).to.deep.equal([])
      await tell(world(), own, 'account_update', ban('REINSTATE'), { time: time + 1 })
      await until('the message left', () => messagesTo(world(), customer).length === 1)
      expect(await connectionOf(world(), own)).to.include({ state: 'active', stateReason: null })
      const before = `SELECT id FROM wa_connections WHERE id = ${own.connectionId} AND updated_at > created_at`
      expect(await world().rows(before), 'what was refused before says nothing about it now').to.have.length(1)
    })

    it('of a ban, told several times, three at once, alerts once', async () => {
      const own = await anOwnConnection(world())
      const pauses = async () => {
        const { body } = await world().call<string>('GET', '/metrics')
        return Number(/fdr_connections_paused_total\{reason="blocked"\} (\d+)/.exec(body)?.[1] ?? 0)
      }
      const before = await pauses()
      const time = nowSeconds()
      for (const later of [0, 1, 2]) {
        const told = () => tell(world(), own, 'account_update', ban('DISABLE'), { time: time + later })
        await Promise.all([told(), told(), told()])
        await applied(world())
      }
      expect((await pauses()) - before).to.equal(1)
      expect(await entriesOf(world(), own)).to.have.length(3)
    })

    it('resumes nothing that was paused for another reason', async () => {
      const own = await anOwnConnection(world())
      const path = `/v1/connections/${own.connectionId}`
      expect((await world().call('PATCH', path, { state: 'paused' })).status).to.equal(200)
      await tell(world(), own, 'account_update', ban('DISABLE'))
      await tell(world(), own, 'account_update', ban('REINSTATE'), { time: nowSeconds() + 1 })
      await applied(world())
      expect(await connectionOf(world(), own)).to.include({ state: 'paused', stateReason: 'by hand' })
    })

    it('of a bad quality halves the pace, and of more throughput raises it within what an operator set', async () => {
      const own = await anOwnConnection(world())
      const number = (event: string) => ({ display_phone_number: '911140000000', event })
      const field = 'phone_number_quality_update'
      await tell(world(), own, field, number('FLAGGED'))
      await applied(world())
      expect(await connectionOf(world(), own)).to.deep.include({
        quality: 'bad',
        limits: { messagesPerSecond: 40, concurrency: 40 },
      })
      await tell(world(), own, field, number('UNFLAGGED'), { time: nowSeconds() + 1 })
      await tell(world(), own, field, number('THROUGHPUT_UPGRADE'))
      await applied(world())
      const upgraded = await connectionOf(world(), own)
      expect(upgraded.limits).to.deep.equal({ messagesPerSecond: 1000, concurrency: 200 })
      const path = `/v1/connections/${own.connectionId}`
      await world().call('PATCH', path, { limits: { messagesPerSecond: 25 } })
      expect((await connectionOf(world(), own)).limits).to.deep.equal({ messagesPerSecond: 25, concurrency: 200 })
      await world().call('PATCH', path, { name: 'Renamed' })
      expect((await connectionOf(world(), own)).limits).to.deep.equal({ messagesPerSecond: 25, concurrency: 200 })
    })

    it('is shown newest first, page by page, with its words and its payload', async () => {
      const own = await anOwnConnection(world())
      for (const [index, event] of ['APPROVED', 'FLAGGED', 'PAUSED'].entries())
        await tell(world(), own, templateField, template(event), { time: nowSeconds() - 10 + index })
      const [newest, second] = await entriesOf(world(), own, '?limit=2')
      expect(newest).to.deep.include({ severity: 'warning', topic: templateField, payload: template('PAUSED') })
      expect(newest?.summary).to.equal('Template fdr_customer_unavailable (en) is paused')
      const [oldest, ...none] = await entriesOf(world(), own, `?limit=2&cursor=${second?.id}`)
      expect(oldest?.summary).to.match(/was approved/)
      expect(none).to.deep.equal([])
      expect((await world().call('GET', '/v1/connections/999999/events')).status).to.equal(404)
    })

    it('that is very long is kept by its start', async () => {
      const own = await anOwnConnection(world())
      await tell(world(), own, 'history', { chats: 'x'.repeat(1_000_000) })
      const [entry] = await entriesOf(world(), own)
      expect(entry?.payload).to.include({ cutFrom: 1_000_012 })
    })

    it('concerns every number of the account, and nobody who only names it', async () => {
      const own = await anOwnConnection(world())
      const sibling = await world().call<{ id: string }>('POST', '/v1/connections?verify=false', {
        accountId: own.accountId,
        provider: 'meta',
        name: 'Second number',
        businessPhone: '+911140009998',
        credentials: { ...own.credentials, phoneNumberId: `83${own.phoneNumberId.slice(2)}` },
      })
      const stranger = await anOwnConnection(world())
      await tell(world(), stranger, 'account_update', ban('DISABLE'), { wabaId: own.credentials.wabaId })
      await applied(world())
      expect((await connectionOf(world(), own)).state).to.equal('active')
      await tell(world(), own, 'account_update', ban('DISABLE'))
      await applied(world())
      const second = { ...own, connectionId: sibling.body.id }
      expect((await connectionOf(world(), own)).state).to.equal('paused')
      expect((await connectionOf(world(), second)).state).to.equal('paused')
      const value = { display_phone_number: '911140009998', event: 'PIN_CHANGED' }
      await tell(world(), own, 'security', value)
      expect((await entriesOf(world(), second))[0]?.topic).to.equal('security')
      expect((await entriesOf(world(), own))[0]?.topic).to.equal('account_update')
    })
  })

  describe(`a restriction that ends by itself, on ${storage}`, () => {
    it('pauses the connection until then', () => {
      const clock = aClock('2026-11-20T06:00:00Z')
      return inWorld({ storage, now: clock.now }, async (world) => {
        const own = await anOwnConnection(world)
        const time = clock.now().getTime() / 1000
        const expiration = Math.floor(Date.now() / 1000) + minutes(60)
        const kind = 'RESTRICTED_BIZ_INITIATED_MESSAGING'
        const restriction_info = [{ restriction_type: kind, expiration }]
        await tell(world, own, 'account_update', { event: 'ACCOUNT_RESTRICTION', restriction_info }, { time })
        await applied(world)
        expect(await connectionOf(world, own)).to.include({ state: 'paused', stateReason: 'account_restricted' })
        clock.advance((Date.now() - clock.now().getTime()) / 60_000 + 61)
        await until('it is active again', async () => (await connectionOf(world, own)).state === 'active')
      })
    })
  })
}
