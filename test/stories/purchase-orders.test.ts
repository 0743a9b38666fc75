import { expect } from 'chai'
import type { TemplateInput } from '../../src/providers/simulator/inputs.ts'
import { aPurchaseOrder } from '../support/fixtures.ts'
import {
  activityOf,
  anAccount,
  anOwnConnection,
  asAdmin,
  builtInTemplates,
  type Customer,
  type Delivered,
  decisionsOf,
  deliver,
  eventFor,
  messagesTo,
  requestsFor,
  say,
  settle,
  sharedWorld,
  storages,
  tap,
  timelineOf,
} from '../support/stories.ts'
import type { World } from '../support/world.ts'

let nextLocal = 612_300_000
/** A supplier in Spain. */
function aSupplier(): Customer {
  const local = String(nextLocal++)
  return { local, phone: `+34${local}`, waId: `34${local}` }
}

let nextOrder = 1
/** An approved order of a number of its own. */
const orderFor = ({ phone }: Customer, changes: object = {}) =>
  aPurchaseOrder({ supplier: { name: 'Huerta Sol', phone }, po_number: `PO-${nextOrder++}`, ...changes })

/** Tells a supplier of an order; resolves with our id of the message and what the provider took. */
async function aToldOrder(world: World, supplier: Customer, changes: object = {}) {
  const { outcome, message } = await deliver(world, orderFor(supplier, changes))
  await settle(world)
  const [sent, ...others] = messagesTo(world, supplier)
  expect(others).to.be.empty
  return { outcome, id: message?.id ?? '', sent }
}

const languageOf = (sent: { readonly body?: unknown } | undefined) =>
  (sent?.body as { template: { language: { code: string } } } | undefined)?.template.language.code

const ownText = 'Hola {{1}}: el pedido {{2}} por un total de {{3}} ha sido aprobado. Gracias por prepararlo pronto.'
const ownTemplate = (changes: Partial<TemplateInput> = {}): TemplateInput => ({
  name: 'pedido_aprobado',
  language: 'es',
  components: [{ type: 'BODY', text: ownText }],
  ...changes,
})
const ownSettings = { templates: { purchase_order: { name: 'pedido_aprobado', language: 'es' } } }

for (const storage of storages) {
  describe(`purchase orders on ${storage}`, () => {
    const world = sharedWorld({ storage })

    it('tell the supplier number and amount, in one request that the provider takes', async () => {
      const supplier = aSupplier()
      const { outcome, id, sent } = await aToldOrder(world(), supplier, { po_number: 'PO-7001' })
      expect(outcome).to.equal('queued')
      expect(requestsFor(world(), supplier)).to.have.length(1)
      expect(sent).to.include({ template: 'po_notification' })
      expect(sent?.text).to.equal(
        'Hello Huerta Sol! The purchase order PO-7001 with a total amount of €100.00 has been approved. Please process it at your earliest convenience.',
      )
      expect(sent?.buttons).to.deep.equal([])
      expect(await timelineOf(world(), id)).to.deep.include({
        kind: 'purchase_order',
        reason: 'purchase_order',
        status: 'read',
        customerPhone: supplier.phone,
        text: sent?.text,
        subject: { type: 'purchase_order', id: 'PO-7001' },
        details: { tenant_id: 'b3b4', po_number: 'PO-7001' },
      })
    })

    it('are found by their number', async () => {
      const { id } = await aToldOrder(world(), aSupplier(), { po_number: 'PO-7002' })
      const list = (query: string) => world().call<{ items: { id: string }[] }>('GET', `/v1/messages?${query}`)
      expect((await list('subjectId=PO-7002')).body.items.map((item) => item.id)).to.deep.equal([id])
      expect((await list('subjectId=PO-7002&kind=fdr')).body.items).to.deep.equal([])
    })

    it('are told once per tenant, however often and however many at a time they come', async () => {
      const supplier = aSupplier()
      const order = orderFor(supplier)
      const results = await Promise.all(Array.from({ length: 12 }, () => deliver(world(), order)))
      results.push(await deliver(world(), { ...order, total_amount: '€120.00' }))
      await settle(world())
      expect(results.filter(({ outcome }) => outcome === 'queued')).to.have.length(1)
      expect(new Set(results.map(({ message }) => message?.id))).to.have.property('size', 1)
      expect(requestsFor(world(), supplier)).to.have.length(1)
      await deliver(world(), { ...order, tenant_id: 'another-tenant' })
      await settle(world())
      expect(messagesTo(world(), supplier)).to.have.length(2)
    })

    it('leave activity events that name tenant and number, and no order of a customer', async () => {
      const { id } = await aToldOrder(world(), aSupplier(), { po_number: 'PO-7003' })
      const { activity } = await timelineOf(world(), id)
      expect(activity.map(({ event }) => event.eventSubType)).to.have.members(['inqueue', 'sent', 'delivered', 'read'])
      for (const { event } of activity) {
        expect(event).to.include({ accountSlug: 'acme-store', actor: 'Huerta Sol' })
        expect(event.response_data).to.include({
          tenant_id: 'b3b4',
          po_number: 'PO-7003',
          status: 'approved',
          vendorOrderNumber: '',
          order_id: null,
          forwardTrackingID: '',
          isRootMessage: 1,
        })
      }
    })

    it('reach any country, whatever the account calls home', async () => {
      for (const defaultCountry of ['IN', 'US']) {
        const supplier = aSupplier()
        const account_id = await anAccount(world(), { defaultCountry })
        expect((await aToldOrder(world(), supplier, { account_id })).sent).to.include({ to: supplier.waId })
      }
    })

    it('write an amount with its currency as the supplier does', async () => {
      const amount = { amount: 1234567.5, currency: 'INR' }
      const phone = '+919810077001'
      const indian = { local: '9810077001', phone, waId: phone.slice(1) }
      const { sent } = await aToldOrder(world(), indian, { total_amount: amount })
      expect(sent?.text).to.include('total amount of ₹12,34,567.50 has')
    })

    for (const name of ['株式会社さくら', 'شركة النور', 'सूर्य फार्म']) {
      it(`greet ${name} by name`, async () => {
        const supplier = aSupplier()
        const { sent } = await aToldOrder(world(), supplier, { supplier: { name, phone: supplier.phone } })
        expect(sent?.text).to.match(new RegExp(`^Hello ${name}! `))
      })
    }

    describe('speak', () => {
      const spoken: readonly [label: string, languages: readonly string[], wish: string | undefined, code: string][] = [
        ['the language that the event asks for', ['en'], 'hi', 'hi'],
        ['its base language, where the region is not written', ['en'], 'hi-IN', 'hi'],
        ["the account's first language, where the event's is not written", ['hi', 'en'], 'ta_IN', 'hi'],
        ["the account's second language, where its first is not written", ['ta', 'hi'], undefined, 'hi'],
        ['English, where nothing else is written', ['ta', 'te'], 'kn', 'en'],
      ]
      for (const [label, languages, language, code] of spoken) {
        it(label, async () => {
          const account_id = await anAccount(world(), { languages })
          expect(languageOf((await aToldOrder(world(), aSupplier(), { account_id, language })).sent)).to.equal(code)
        })
      }

      it("the next language, where the provider's list has the template in that one only", async () => {
        const credentials = {
          phoneNumberId: '840000000000001',
          wabaId: '940000000000001',
          accessToken: 'EAAenglishonly',
          appSecret: 'secret_of_english_only',
        }
        const templates = (await builtInTemplates(world())).filter(({ language }) => language === 'en')
        world().provider.addAccount({ ...credentials, displayPhoneNumber: '+911140008401', templates })
        const account_id = await anAccount(world())
        const draft = { accountId: account_id, provider: 'meta', name: 'English only', businessPhone: '+911140008401' }
        const { body } = await world().call<{ id: string }>('POST', '/v1/connections', { ...draft, credentials })
        const settings = { isWhatsappEnabled: true, whatsappSenderConnectionId: body.id, languages: ['hi'] }
        await world().call('PUT', `/v1/accounts/${account_id}/settings`, settings)
        await world().call('POST', `/v1/connections/${body.id}/templates/sync`)
        expect(languageOf((await aToldOrder(world(), aSupplier(), { account_id })).sent)).to.equal('en')
      })

      it('the next language, where the provider has not approved the template in the first', async () => {
        const hindi = (await builtInTemplates(world())).find(
          ({ name, language }) => name === 'po_notification' && language === 'hi',
        )
        const pending = { ...hindi, name: 'po_notification', language: 'hi', status: 'PENDING' } as TemplateInput
        const own = await anOwnConnection(world(), { templates: [pending], settings: { languages: ['hi'] } })
        await world().call('POST', `/v1/connections/${own.connectionId}/templates/sync`)
        const account_id = own.accountId
        expect(languageOf((await aToldOrder(world(), aSupplier(), { account_id })).sent)).to.equal('en')
      })
    })

    it("are told by the account's own template, which is verified like that of any reason", async () => {
      const own = await anOwnConnection(world(), {
        templates: [
          ownTemplate(),
          ownTemplate({ name: 'corto', components: [{ type: 'BODY', text: 'Hola {{1}} y adiós.' }] }),
        ],
      })
      const put = (templates: object) =>
        world().call<{ errors: { path: string; message: string }[] }>('PUT', `/v1/accounts/${own.accountId}/settings`, {
          isWhatsappEnabled: true,
          whatsappSenderConnectionId: own.connectionId,
          templates,
        })
      const wrong = await put({ purchase_order: { name: 'corto', language: 'es' } })
      expect(wrong.status).to.equal(422)
      expect(wrong.body.errors[0]?.message).to.include('the message gives 3: supplier, po_number, total_amount')
      expect((await put(ownSettings.templates)).status).to.equal(200)
      const { sent } = await aToldOrder(world(), aSupplier(), { account_id: own.accountId, po_number: 'PO-7004' })
      expect(sent?.text).to.match(/^Hola Huerta Sol: el pedido PO-7004 por un total de €100\.00 ha/)
    })

    it('are not told where the account is switched off', async () => {
      const supplier = aSupplier()
      const account_id = await anAccount(world(), { isWhatsappEnabled: false })
      const { outcome, reason, message } = await deliver(world(), orderFor(supplier, { account_id }))
      expect({ outcome, reason }).to.deep.equal({ outcome: 'skipped', reason: 'whatsapp_disabled' })
      expect(await timelineOf(world(), message?.id)).to.deep.include({
        status: 'skipped',
        details: { tenant_id: 'b3b4', po_number: `PO-${nextOrder - 1}` },
      })
      expect(requestsFor(world(), supplier)).to.be.empty
    })

    it('that are only drafted, changed or cancelled are nobody’s business', async () => {
      const supplier = aSupplier()
      const before = await world().rows('SELECT id FROM rejected_events')
      const { outcome, reason } = await deliver(world(), orderFor(supplier, { type: 'purchase_order.created' }))
      expect({ outcome, reason }).to.deep.equal({ outcome: 'skipped', reason: 'no_notification_for_event' })
      expect(await world().rows('SELECT id FROM rejected_events')).to.deep.equal(before)
      expect(requestsFor(world(), supplier)).to.be.empty
    })

    describe('that cannot be used are parked', () => {
      const post = async (event: object) => {
        const { status, text } = await asAdmin(world(), 'POST', '/v1/events', JSON.stringify(event))
        return { status, problem: JSON.parse(text) as { detail: string; rejectedEventId: string } }
      }
      const parked = async (id: string) =>
        (await world().rows(`SELECT account_id, reason, state FROM rejected_events WHERE id = ${id}`))[0]

      for (const [reason, changes] of [
        ['missing_tenant_id', { tenant_id: '' }],
        ['missing_supplier_phone', { supplier: { name: 'Huerta Sol' } }],
        ['missing_total_amount', { total_amount: null }],
        ['invalid_phone', { supplier: { name: 'Huerta Sol', phone: '+34 12' } }],
      ] as const) {
        it(`as ${reason}, for the account to see`, async () => {
          const { status, problem } = await post(orderFor(aSupplier(), changes))
          expect(status).to.equal(422)
          expect(await parked(problem.rejectedEventId)).to.deep.equal({ account_id: 379, reason, state: 'parked' })
        })
      }

      it('and told once the cause is gone and they are replayed', async () => {
        const supplier = aSupplier()
        const account_id = await anAccount(world())
        const event = orderFor(supplier, { account_id, supplier: { name: 'Huerta Sol', phone: supplier.local } })
        const { status, problem } = await post(event)
        expect(status).to.equal(422)
        await world().call('PUT', `/v1/accounts/${account_id}/settings`, {
          isWhatsappEnabled: true,
          defaultCountry: 'ES',
        })
        const replayed = await world().call<Delivered>('POST', `/v1/rejected-events/${problem.rejectedEventId}/replay`)
        await settle(world())
        expect(replayed.body.outcome).to.equal('queued')
        expect(messagesTo(world(), supplier)).to.have.length(1)
      })
    })

    describe('and what suppliers answer', () => {
      it('is recorded and passed on, and neither answered nor taken for a decision', async () => {
        const supplier = aSupplier()
        const { id, sent } = await aToldOrder(world(), supplier)
        expect(await say(world(), supplier, 'Se envía mañana')).to.be.empty
        expect(await say(world(), supplier, '¿A qué almacén?')).to.be.empty
        const { replies, actions, activity, followUps, conversation } = await timelineOf(world(), id)
        expect(replies.map(({ value }) => value)).to.deep.equal(['Se envía mañana', '¿A qué almacén?'])
        expect({ actions, followUps, decision: conversation?.decision }).to.deep.equal({
          actions: [],
          followUps: [],
          decision: null,
        })
        const told = activity.filter(({ event }) => event.eventSubType === 'customer_reply')
        expect(told).to.have.length(2)
        for (const { event } of told) {
          expect(event.response_data).to.include({ rootMessageId: sent?.wamid, tenant_id: 'b3b4', from: supplier.waId })
        }
        expect(decisionsOf(world(), supplier)).to.be.empty
      })

      it("is the same for a button of the account's own template", async () => {
        const components = [
          { type: 'BODY', text: ownText },
          { type: 'BUTTONS', buttons: [{ type: 'QUICK_REPLY', text: 'Reattempt' }] },
        ]
        const own = await anOwnConnection(world(), { templates: [ownTemplate({ components })] })
        await world().call('PUT', `/v1/accounts/${own.accountId}/settings?verify=false`, {
          isWhatsappEnabled: true,
          whatsappSenderConnectionId: own.connectionId,
          ...ownSettings,
        })
        const supplier = aSupplier()
        const { id, sent } = await aToldOrder(world(), supplier, { account_id: own.accountId })
        expect(await tap(world(), sent, 'Reattempt')).to.be.empty
        expect(await activityOf(world(), id)).to.have.members([
          'inqueue',
          'sent',
          'delivered',
          'read',
          'customer_reply',
        ])
        expect(decisionsOf(world(), supplier)).to.be.empty
      })

      it('leaves a parcel that is on its way to the same phone alone', async () => {
        const phone = '+919810077002'
        const both = { local: '9810077002', phone, waId: phone.slice(1) }
        await deliver(world(), eventFor(both, { reason: 'customer_unavailable' }))
        await settle(world())
        const [parcel] = messagesTo(world(), both)
        const { message } = await deliver(world(), orderFor(both))
        await settle(world())
        expect(await say(world(), both, 'thanks')).to.be.empty
        expect((await timelineOf(world(), message?.id)).replies.map(({ value }) => value)).to.deep.equal(['thanks'])
        const [thanks] = await tap(world(), parcel, 'Reattempt')
        expect(thanks?.text).to.match(/attempt the delivery of your order again/)
        expect(decisionsOf(world(), both)).to.have.length(1)
      })
    })
  })
}
