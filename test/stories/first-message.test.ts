import { expect } from 'chai'
import { anFdrEvent, anFdrEventFor, simulatorAccount } from '../support/fixtures.ts'
import { expectGolden } from '../support/golden.ts'
import {
  aCustomer,
  aFirstMessage,
  anAccount,
  anOwnConnection,
  deliver,
  eventFor,
  inWorld,
  messagesTo,
  type NotifiedReason,
  notifiedReasons,
  requestsFor,
  settle,
  sharedWorld,
  storages,
  timelineOf,
} from '../support/stories.ts'

for (const storage of storages) {
  describe(`first message on ${storage}`, () => {
    const world = sharedWorld({ storage })

    it('turns the real event into exactly one request that the provider takes', async () => {
      const customer = aCustomer()
      const { outcome } = await deliver(world(), eventFor(customer))
      await settle(world())
      expect(outcome).to.equal('queued')
      expect(messagesTo(world(), customer)).to.have.length(1)
      const [body, ...others] = requestsFor(world(), customer)
      expect(others).to.be.empty
      expectGolden('first-message-request', { ...body, to: '<phone>' })
    })

    it('keeps the message as the root of its conversation', async () => {
      const { id, sent, customer } = await aFirstMessage(world(), { status_log_id: '124953537' })
      const [row, ...others] = await world().rows(`SELECT shipment_status_log_id, customer_phone, business_phone,
        root_message_id, message_id, account_id FROM wa_outgoing_messages WHERE customer_phone = '${customer.phone}'`)
      expect(others).to.be.empty
      expect({ ...row, shipment_status_log_id: Number(row?.shipment_status_log_id) }).to.deep.equal({
        shipment_status_log_id: 124953537,
        customer_phone: customer.phone,
        business_phone: '+911140001234',
        root_message_id: null,
        message_id: sent.wamid,
        account_id: 379,
      })
      expect((await timelineOf(world(), id)).status).to.equal('read')
    })

    it('keeps every delivery report as a row of its own', async () => {
      const { id, sent } = await aFirstMessage(world())
      const rows = await world().rows<{ status: string; payload: string }>(
        `SELECT status, payload FROM wa_dlr_messages WHERE wa_outgoing_message_id = ${id} ORDER BY id`,
      )
      expect(rows.map(({ status }) => status)).to.have.members(['sent', 'delivered', 'read'])
      for (const { payload } of rows) expect(JSON.parse(payload)).to.include({ id: sent.wamid })
    })

    it('enters the attempt in the ledger', async () => {
      const { id, sent } = await aFirstMessage(world())
      const rows = await world().rows(
        `SELECT attempt, outcome, message_id FROM wa_send_attempts WHERE wa_outgoing_message_id = ${id}`,
      )
      expect(rows).to.deep.equal([{ attempt: 1, outcome: 'accepted', message_id: sent.wamid }])
    })

    it('tells the customer once, however often the event is repeated', async () => {
      const customer = aCustomer()
      const event = eventFor(customer)
      const outcomes: string[] = []
      for (let times = 0; times < 5; times++) outcomes.push((await deliver(world(), event)).outcome)
      await settle(world())
      expect(outcomes).to.deep.equal(['queued', 'duplicate', 'duplicate', 'duplicate', 'duplicate'])
      expect(requestsFor(world(), customer)).to.have.length(1)
    })

    it('tells the customer once, however many deliveries of the event meet', async () => {
      const customer = aCustomer()
      const event = eventFor(customer)
      const results = await Promise.all(Array.from({ length: 40 }, () => deliver(world(), event)))
      await settle(world())
      expect(results.filter(({ outcome }) => outcome === 'queued')).to.have.length(1)
      expect(results.filter(({ outcome }) => outcome === 'duplicate')).to.have.length(39)
      expect(new Set(results.map(({ message }) => message?.id))).to.have.property('size', 1)
      expect(requestsFor(world(), customer)).to.have.length(1)
    })

    it('tells a customer of each of several failed deliveries', async () => {
      const customer = aCustomer()
      await Promise.all([1, 2, 3].map(() => deliver(world(), eventFor(customer))))
      await settle(world())
      expect(messagesTo(world(), customer)).to.have.length(3)
    })

    it('sends nothing for an account that is switched off', async () => {
      const customer = aCustomer()
      const account_id = await anAccount(world(), { isWhatsappEnabled: false })
      const { outcome, reason, message } = await deliver(world(), eventFor(customer, { account_id }))
      await settle(world())
      expect({ outcome, reason }).to.deep.equal({ outcome: 'skipped', reason: 'whatsapp_disabled' })
      expect((await timelineOf(world(), message?.id)).status).to.equal('skipped')
      expect(requestsFor(world(), customer)).to.be.empty
    })

    it('sends nothing for an account that nobody ever switched on', async () => {
      const customer = aCustomer()
      const { reason } = await deliver(world(), eventFor(customer, { account_id: 99_999 }))
      await settle(world())
      expect(reason).to.equal('whatsapp_disabled')
      expect(requestsFor(world(), customer)).to.be.empty
    })

    it('records a reason that customers are not told about as skipped', async () => {
      const customer = aCustomer()
      const event = anFdrEventFor(4, 'No attempt', { customerContactNumber: customer.local })
      const { outcome, reason, message } = await deliver(world(), event)
      await settle(world())
      expect({ outcome, reason }).to.deep.equal({ outcome: 'skipped', reason: 'no_template_for_reason' })
      expect(await timelineOf(world(), message?.id)).to.include({ status: 'skipped', reason: 'no_attempt' })
      expect(requestsFor(world(), customer)).to.be.empty
    })

    it('tells about such a reason when the account maps a template to it', async () => {
      const text = 'Hello {{1}}! Your {{2}} order {{3}} of {{4}} items is late: {{5}}. We are sorry for that.'
      const template = { name: 'acme_no_attempt', language: 'en', components: [{ type: 'BODY', text }] }
      const settings = { templates: { no_attempt: { name: 'acme_no_attempt', language: 'en' } } }
      const { accountId: account_id } = await anOwnConnection(world(), { settings, templates: [template] })
      const customer = aCustomer()
      await deliver(world(), anFdrEventFor(4, 'No attempt', { customerContactNumber: customer.local, account_id }))
      await settle(world())
      const [sent] = messagesTo(world(), customer)
      expect(sent?.template).to.equal('acme_no_attempt')
      expect(sent?.text).to.include('Hello Asha Nair! Your Acme Shopify order #98079 of 1 items is late')
    })

    it('speaks Hindi to the customers of an account that chose it', async () => {
      const account_id = await anAccount(world(), { languages: ['hi'] })
      const { sent } = await aFirstMessage(world(), { account_id })
      expect((sent.body as { template: { language: object } }).template.language).to.deep.equal({ code: 'hi' })
      expect(sent.text).to.match(/^नमस्ते Asha Nair!/)
      expect(sent.buttons.map(({ title }) => title)).to.include('फिर से डिलीवरी करें')
    })

    for (const [reason, [code, description, actions]] of Object.entries(notifiedReasons)) {
      it(`tells about ${reason} with its buttons`, async () => {
        const { sent, id } = await aFirstMessage(world(), { reason: reason as NotifiedReason })
        expect(await timelineOf(world(), id)).to.include({ reason, text: sent.text })
        expect(sent.template, `${code} ${description}`).to.equal(`fdr_${reason}`)
        expect(sent.buttons.map(({ payload }) => payload.split('.').at(-1))).to.deep.equal(actions)
      })
    }

    it("sends through the platform's connection for an account without its own", async () => {
      const { id, sent } = await aFirstMessage(world())
      expect(sent.phoneNumberId).to.equal(simulatorAccount.credentials.phoneNumberId)
      expect((await timelineOf(world(), id)).route.why).to.equal("platform's default connection")
    })

    it("sends through the account's own connection when it has one", async () => {
      const own = await anOwnConnection(world())
      const { id, sent } = await aFirstMessage(world(), { account_id: own.accountId })
      const { route, status } = await timelineOf(world(), id)
      expect(sent.phoneNumberId).to.equal(own.phoneNumberId)
      expect(route).to.deep.equal({ connectionId: own.connectionId, why: "account's own connection" })
      expect(status, 'reports come back through the own webhook').to.equal('read')
    })
  })

  describe(`first message on ${storage}, with the whole installation switched off`, () => {
    it('sends nothing for anybody', () =>
      inWorld({ storage, env: { ENABLE_WHATSAPP_NOTIFICATIONS: 'false' } }, async (world) => {
        const { outcome, reason } = await deliver(world, anFdrEvent())
        await settle(world)
        expect({ outcome, reason }).to.deep.equal({ outcome: 'skipped', reason: 'notifications_disabled' })
        expect(world.provider.stats().accepted).to.equal(0)
      }))
  })
}
