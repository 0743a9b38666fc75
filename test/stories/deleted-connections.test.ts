import { expect } from 'chai'
import {
  aCustomer,
  anAccount,
  anOwnConnection,
  aWebhook,
  deliver,
  eventFor,
  messagesTo,
  postWebhook,
  requestsFor,
  settle,
  sharedWorld,
  signatureOf,
  storages,
  timelineOf,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

/** Its time has come, whatever it waits for. */
const dueNow = (world: World, id: string | undefined) =>
  world.database.write(
    `UPDATE wa_outgoing_messages SET due_at = '2026-01-01 00:00:00.000' WHERE id = ${id} AND state = 'waiting'`,
  )

for (const storage of storages) {
  describe(`a connection that is deleted, on ${storage}`, () => {
    const world = sharedWorld({ storage })
    const remove = (id: string) => world().call('DELETE', `/v1/connections/${id}`)

    it('is found no more, and neither is its webhook; its messages keep their history', async () => {
      const { accountId, connectionId, path, credentials } = await anOwnConnection(world())
      const customer = aCustomer()
      const { message } = await deliver(world(), eventFor(customer, { account_id: accountId }))
      await settle(world())
      expect((await remove(connectionId)).status).to.equal(204)
      for (const [method, rest] of [
        ['GET', ''],
        ['PATCH', ''],
        ['DELETE', ''],
        ['GET', '/doctor'],
        ['GET', '/events'],
      ] as const) {
        const body = method === 'PATCH' ? { name: 'x' } : undefined
        expect((await world().call(method, `/v1/connections/${connectionId}${rest}`, body)).status, rest).to.equal(404)
      }
      const list = await world().call<{ items: unknown[] }>('GET', `/v1/connections?accountId=${accountId}`)
      expect(list.body.items).to.deep.equal([])
      const body = JSON.stringify(aWebhook({}, credentials.phoneNumberId))
      const signature = signatureOf(body, credentials.appSecret)
      expect((await postWebhook(world(), body, { path, signature })).status).to.equal(404)
      const timeline = await timelineOf(world(), message?.id)
      expect(timeline).to.include({ status: 'read' })
      expect(timeline.route.connectionId).to.equal(connectionId)
    })

    it('keeps none of its secrets', async () => {
      const { connectionId } = await anOwnConnection(world())
      await remove(connectionId)
      const [row] = await world().rows(`SELECT credentials, state FROM wa_connections WHERE id = ${connectionId}`)
      expect(row).to.deep.equal({ credentials: '{}', state: 'deleted' })
    })

    it('makes its account skip, with the reason', async () => {
      const { accountId, connectionId } = await anOwnConnection(world())
      await remove(connectionId)
      const { outcome, message } = await deliver(world(), eventFor(aCustomer(), { account_id: accountId }))
      expect(outcome).to.equal('skipped')
      expect(message?.route.why).to.equal("the account's connection does not exist")
    })

    it('leaves accounts that named none of their own to the platform', async () => {
      const accountId = await anAccount(world())
      const { outcome, message } = await deliver(world(), eventFor(aCustomer(), { account_id: accountId }))
      expect(outcome).to.equal('queued')
      expect(message?.route.why).to.equal("platform's default connection")
    })

    it('is not replaced by another one where it was the default that the platform named', async () => {
      const own = { accountId: 5, provider: 'meta', name: 'Default', businessPhone: '+911140009999' }
      const credentials = { phoneNumberId: '830000000009999', wabaId: '930000000009999' }
      const secrets = { accessToken: 'EAAdefaulttoken9999', appSecret: 'default_app_secret_9999' }
      const draft = { ...own, credentials: { ...credentials, ...secrets } }
      const { body } = await world().call<{ id: string }>('POST', '/v1/connections', draft)
      const name = (whatsappSenderConnectionId: string | null) =>
        world().call('PUT', '/v1/accounts/5/settings', { isWhatsappEnabled: true, whatsappSenderConnectionId })
      expect((await name(body.id)).status).to.equal(200)
      await remove(body.id)
      const accountId = await anAccount(world())
      const { outcome, reason } = await deliver(world(), eventFor(aCustomer(), { account_id: accountId }))
      expect((await name(null)).status).to.equal(200)
      expect([outcome, reason]).to.deep.equal(['skipped', 'no_connection'])
    })

    it('ends what waited for it, with the reason, and sends none of it', async () => {
      const { accountId, connectionId } = await anOwnConnection(world())
      await world().call('PATCH', `/v1/connections/${connectionId}`, { state: 'paused' })
      const customer = aCustomer()
      const { outcome, message } = await deliver(world(), eventFor(customer, { account_id: accountId }))
      expect(outcome).to.equal('queued')
      await remove(connectionId)
      await settle(world())
      const timeline = await timelineOf(world(), message?.id)
      expect(timeline.status).to.equal('expired')
      expect(timeline.failure).to.include({ code: 'connection_deleted' })
      expect(messagesTo(world(), customer)).to.deep.equal([])
    })

    it('ends what comes to wait for it afterwards', async () => {
      const { accountId, connectionId } = await anOwnConnection(world())
      const customer = aCustomer()
      world().provider.addRule({ phone: customer.phone, delayMs: 1_500, error: { code: 130429 } })
      const { message } = await deliver(world(), eventFor(customer, { account_id: accountId }))
      await until('it is being called', async () => (await timelineOf(world(), message?.id)).state === 'sending')
      await remove(connectionId)
      const ended = async () => (await timelineOf(world(), message?.id)).status === 'expired'
      await until('it has been refused and would wait', async () => {
        await dueNow(world(), message?.id)
        return ended()
      })
      const { failure } = await timelineOf(world(), message?.id)
      expect(failure).to.include({ code: 'connection_deleted' })
      expect(requestsFor(world(), customer)).to.have.length(1)
    })

    it('leaves in doubt what may have been sent before it waited again', async () => {
      const { accountId, connectionId } = await anOwnConnection(world())
      await world().call('PATCH', `/v1/connections/${connectionId}`, { state: 'paused' })
      const { message } = await deliver(world(), eventFor(aCustomer(), { account_id: accountId }))
      await world().database.write(`UPDATE wa_outgoing_messages SET possible_duplicate = 1 WHERE id = ${message?.id}`)
      await remove(connectionId)
      expect(await timelineOf(world(), message?.id)).to.include({ state: 'in_doubt', status: 'unknown' })
    })

    it('makes room for another one with the same number', async () => {
      const { accountId, connectionId, credentials } = await anOwnConnection(world())
      const draft = { accountId, provider: 'meta', name: 'Again', businessPhone: '+911140004321', credentials }
      expect((await world().call('POST', '/v1/connections', draft)).status).to.equal(409)
      await remove(connectionId)
      const { status, body } = await world().call('POST', '/v1/connections', draft)
      expect(status).to.equal(201)
      expect(body.id).not.to.equal(connectionId)
    })

    it('is named in the audit', async () => {
      const { accountId, connectionId } = await anOwnConnection(world())
      await remove(connectionId)
      const { body } = await world().call<{ items: { action: string }[] }>('GET', `/v1/audit?accountId=${accountId}`)
      expect(body.items[0]?.action).to.equal('connection.delete')
    })

    it('is not one that the environment describes', async () => {
      await world().database.write("UPDATE wa_connections SET managed_by = 'environment' WHERE id = 1")
      await world().call('PATCH', '/v1/connections/1', { name: 'Platform' })
      expect((await remove('1')).status).to.equal(409)
    })
  })
}
