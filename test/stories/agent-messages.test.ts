import { expect } from 'chai'
import type { TemplateInput } from '../../src/providers/simulator/inputs.ts'
import { bearer } from '../support/clients.ts'
import {
  aClock,
  aCustomer,
  activityOf,
  anAccount,
  anOwnConnection,
  type Customer,
  deliver,
  http,
  inWorld,
  messagesTo,
  requestsFor,
  say,
  settle,
  sharedWorld,
  storages,
  tap,
  timelineOf,
} from '../support/stories.ts'
import { type Answer, adminKey, until, type World } from '../support/world.ts'

interface Message {
  readonly id: string
  readonly kind: string
  readonly status: string
  readonly messageId: string | null
  readonly text: string | null
  readonly createdBy: string | null
  readonly references: Readonly<Record<string, string>> | null
  readonly eta: number | null
  readonly route: { readonly connectionId: string | null; readonly why: string }
  readonly failure: { readonly code: string; readonly detail: string } | null
  /** Of a refusal. */
  readonly reason?: string
  readonly detail?: string
  readonly errors?: readonly { readonly path: string }[]
}

const driverEta: TemplateInput = {
  name: 'driver_eta',
  language: 'en',
  components: [
    { type: 'BODY', text: 'Your driver {{1}} arrives in {{2}} minutes.' },
    { type: 'BUTTONS', buttons: [{ type: 'QUICK_REPLY', text: 'Call me' }] },
  ],
}

const poValues = { supplier: 'Huerta Sol', po_number: 'PO-001', total_amount: '€100.00' }
const aTemplate = (to: string, fields: object = {}) => ({
  accountId: 379,
  to,
  type: 'template',
  template: { name: 'po_notification', language: 'en', values: poValues },
  createdBy: 'agent-7',
  references: { leaseId: 'L1', enquiryId: 'E1' },
  eta: 15,
  ...fields,
})
const aText = (to: string, fields: object = {}) => ({
  accountId: 379,
  to,
  type: 'text',
  text: 'Are you at home today?',
  createdBy: 'agent-7',
  references: { enquiryId: 'E1' },
  ...fields,
})

const ask = (world: World, body: object) => world.call<Message>('POST', '/v1/messages', body)
const asked = async (world: World, body: object): Promise<Message> => {
  const { status, body: message } = await ask(world, body)
  expect(status, JSON.stringify(message)).to.equal(202)
  return message
}
const askWithKey = async (world: World, key: string, body: object): Promise<Answer<Message> & { wait: unknown }> => {
  const { status, text, headers } = await http(world, 'POST', '/v1/messages', {
    headers: { ...bearer(adminKey), 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  })
  return { status, body: JSON.parse(text) as Message, wait: headers['retry-after'] }
}
const count = async (world: World): Promise<number> => (await world.rows('SELECT id FROM wa_outgoing_messages')).length

/** A customer who wrote a moment ago. */
async function aCustomerInTouch(world: World): Promise<Customer> {
  const customer = aCustomer()
  await say(world, customer, 'Where is my parcel?')
  return customer
}

for (const storage of storages) {
  describe(`messages of agents on ${storage}`, () => {
    const world = sharedWorld({ storage })

    it('go out by the template that is named, and show who asked, what for and the id at the provider', async () => {
      const customer = aCustomer()
      const { id } = await asked(world(), aTemplate(customer.phone))
      await settle(world())
      const [sent] = messagesTo(world(), customer)
      expect(sent).to.include({ template: 'po_notification' })
      expect(sent?.text).to.include('PO-001').and.to.include('€100.00')
      expect(await timelineOf(world(), id)).to.deep.include({
        kind: 'agent_message',
        status: 'read',
        messageId: sent?.wamid,
        createdBy: 'agent-7',
        references: { leaseId: 'L1', enquiryId: 'E1' },
        eta: 15,
        reason: null,
      })
      expect(await activityOf(world(), id)).to.include.members(['inqueue', 'sent', 'delivered', 'read'])
    })

    it('are taken in the words of older callers, with values in their order, and to any country', async () => {
      const to = '+34612345678'
      const payload = ['Huerta Sol', 'PO-002', '€7.00']
      const message = await asked(world(), { accountId: 379, to, templateType: 'po_notification', payload })
      expect(message).to.include({ eta: 0, createdBy: null }).and.to.deep.include({ references: {} })
      await settle(world())
      expect(world().provider.accepted().at(-1)).to.include({ to: '34612345678' })
      expect((await timelineOf(world(), message.id)).text).to.include('PO-002')
    })

    it("go to numbers as the account's own country writes them", async () => {
      const customer = aCustomer()
      await asked(world(), aTemplate(customer.local))
      await settle(world())
      expect(messagesTo(world(), customer)).to.have.length(1)
    })

    it('take free text for a customer who is in touch', async () => {
      const customer = await aCustomerInTouch(world())
      const { id } = await asked(world(), aText(customer.phone))
      await settle(world())
      expect(messagesTo(world(), customer).map(({ text }) => text)).to.deep.equal(['Are you at home today?'])
      expect((await timelineOf(world(), id)).status).to.equal('read')
    })

    it('refuse free text for anybody else, name the template way and write nothing', async () => {
      const before = await count(world())
      const { status, body } = await ask(world(), aText(aCustomer().phone))
      expect([status, body.reason]).to.deep.equal([422, 'window_closed'])
      expect(body.detail).to.include('"type":"template"').and.to.include('which was never')
      expect(await count(world())).to.equal(before)
    })

    it('tell the reason where they come from the other side, or were sent before', async () => {
      const cases = [
        [{ source: 'customer' }, 'from_customer_side'],
        [{ source: 'driver' }, 'from_driver_side'],
        [{ migrated: true }, 'migrated'],
      ] as const
      for (const [fields, reason] of cases) {
        const customer = aCustomer()
        const message = await asked(world(), aTemplate(customer.phone, fields))
        expect([message.status, message.failure?.code]).to.deep.equal(['skipped', reason])
        await settle(world())
        expect(requestsFor(world(), customer)).to.deep.equal([])
        const listed = await world().call<{ items: Message[] }>('GET', `/v1/messages?phone=%2B${customer.waId}`)
        expect(listed.body.items.map(({ failure }) => failure?.code)).to.deep.equal([reason])
      }
    })

    it('are only written down for an account that is switched off, or has no sender', async () => {
      const off = await anAccount(world(), { isWhatsappEnabled: false })
      const message = await asked(world(), aTemplate(aCustomer().phone, { accountId: off }))
      expect([message.status, message.failure?.code]).to.deep.equal(['skipped', 'whatsapp_disabled'])
    })

    it('become failed, with the error, where the provider refuses them', async () => {
      const customer = aCustomer()
      world().provider.addRule({ phone: customer.phone, error: { http: 400, code: 131026 } })
      const { id } = await asked(world(), aTemplate(customer.phone))
      await settle(world())
      const message = await timelineOf(world(), id)
      expect(message.status).to.equal('failed')
      expect(message.failure).to.include({ code: 'recipient_unreachable', vendorCode: '131026' })
      expect(await activityOf(world(), id)).to.include('failed')
    })

    it('hear what is answered, and answer nothing by themselves', async () => {
      const customer = aCustomer()
      const { id } = await asked(world(), aTemplate(customer.phone))
      await settle(world())
      expect(await say(world(), customer, 'Thank you')).to.deep.equal([])
      const message = await timelineOf(world(), id)
      expect(message.replies.map(({ value }) => value)).to.deep.equal(['Thank you'])
      const reply = message.activity.find(({ event }) => event.eventSubType === 'customer_reply')
      expect(reply?.event.response_data).to.include({ rootMessageId: message.messageId })
      expect(message.actions).to.deep.equal([])
    })

    it('are refused where the template, its values or the connection do not exist', async () => {
      const { connectionId: foreign } = await anOwnConnection(world())
      await world().call('POST', '/v1/connections/1/templates/sync')
      const name = 'po_notification'
      const template = (fields: object) => ({ template: { name, language: 'en', values: poValues, ...fields } })
      const cases: [object, string, string][] = [
        [template({ name: 'nobody_knows_it' }), 'template_missing', 'no template nobody_knows_it'],
        [template({ language: 'de' }), 'template_missing', 'not in the language de'],
        [template({ values: ['Huerta Sol'] }), 'template_parameters', '3, and 1 are given'],
        [template({ values: { ...poValues, more: 'x' } }), 'template_parameters', 'more is not known'],
        [template({ values: { supplier: 'Huerta Sol' } }), 'template_parameters', 'po_number, total_amount is missing'],
        [{ connectionId: foreign }, 'unknown_connection', 'there is no such connection'],
        [{ connectionId: '99999' }, 'unknown_connection', 'there is no such connection'],
        [{ to: '12' }, 'invalid_phone', 'phone number'],
      ]
      const before = await count(world())
      for (const [fields, reason, words] of cases) {
        const { status, body } = await ask(world(), aTemplate(aCustomer().phone, fields))
        expect([status, body.reason], words).to.deep.equal([422, reason])
        expect(body.detail).to.include(words)
      }
      expect(await count(world())).to.equal(before)
    })

    it('are refused by the name of each field that is wrong', async () => {
      const many = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`k${index}`, 'v']))
      const cases: [object, string][] = [
        [{ text: undefined }, 'text'],
        [{ text: '  ' }, 'text'],
        [{ type: 'template' }, 'template'],
        [{ references: many }, 'references'],
        [{ references: { enquiryId: 'x'.repeat(129) } }, 'references.enquiryId'],
        [{ createdBy: 'x'.repeat(65) }, 'createdBy'],
        [{ eta: -1 }, 'eta'],
        [{ accountId: undefined }, 'accountId'],
      ]
      for (const [fields, path] of cases) {
        const { status, body } = await ask(world(), aText(aCustomer().phone, fields))
        expect([status, body.errors?.[0]?.path], JSON.stringify(fields)).to.deep.equal([400, path])
      }
      expect((await ask(world(), aText(aCustomer().phone, { conectionId: '1' }))).status).to.equal(400)
    })

    it("take a template of one's own with as many values as it has, through the connection that is asked for", async () => {
      const { accountId, connectionId } = await anOwnConnection(world(), { templates: [driverEta] })
      const customer = aCustomer()
      await world().call('POST', `/v1/connections/${connectionId}/templates/sync`)
      const template = { name: 'driver_eta', language: 'en', values: { driver: 'Ravi', minutes: 10 } }
      const { id } = await asked(world(), aTemplate(customer.phone, { accountId, connectionId, template }))
      await settle(world())
      const [sent] = messagesTo(world(), customer)
      expect(sent?.text).to.equal('Your driver Ravi arrives in 10 minutes.')
      expect((await timelineOf(world(), id)).route.why).to.equal('the connection that was asked for')
      expect(await tap(world(), sent, 'Call me')).to.deep.equal([])
      expect((await timelineOf(world(), id)).replies.map(({ value }) => value)).to.deep.equal(['Call me'])
      const short = { ...template, values: ['Ravi'] }
      const { body } = await ask(world(), aTemplate(customer.phone, { accountId, template: short }))
      expect(body.reason).to.equal('template_parameters')
    })

    it("may leave through the platform's connection, when it is asked for", async () => {
      const { accountId } = await anOwnConnection(world())
      const message = await asked(world(), aTemplate(aCustomer().phone, { accountId, connectionId: '1' }))
      expect(message.route).to.deep.equal({ connectionId: '1', why: 'the connection that was asked for' })
    })

    it('are found by who asked for them', async () => {
      const { accountId } = await anOwnConnection(world())
      const mine = aTemplate(aCustomer().phone, { accountId, createdBy: 'agent-9' })
      await asked(world(), mine)
      await asked(world(), { ...mine, to: aCustomer().phone, createdBy: 'agent-10' })
      await asked(world(), { ...mine, to: aCustomer().phone })
      const { body } = await world().call<{ items: Message[] }>('GET', '/v1/messages?createdBy=agent-9')
      expect(body.items.map(({ createdBy }) => createdBy)).to.deep.equal(['agent-9', 'agent-9'])
    })

    describe('as events', () => {
      const anEvent = (body: { type?: unknown }, fields: object = {}) => {
        const { type: _, ...message } = body
        return { ...message, type: 'message.requested', ...fields }
      }

      it('lead to one message, however often they are delivered', async () => {
        const customer = aCustomer()
        const named = anEvent(aTemplate(customer.phone), { messageId: 'M-1' })
        const first = await deliver(world(), named)
        const second = await deliver(world(), { ...named, sentAgain: true })
        expect([first.outcome, second.outcome]).to.deep.equal(['queued', 'duplicate'])
        await settle(world())
        expect(messagesTo(world(), customer)).to.have.length(1)
      })

      it('are a message with each request where they have no id: the same words may be meant twice', async () => {
        const customer = aCustomer()
        const event = anEvent(aTemplate(customer.phone))
        const told = [await deliver(world(), event), await deliver(world(), event)]
        expect(told.map(({ outcome }) => outcome)).to.deep.equal(['queued', 'queued'])
        await settle(world())
        expect(messagesTo(world(), customer)).to.have.length(2)
      })

      it('are written down with the reason where the window is closed', async () => {
        const customer = aCustomer()
        const told = await deliver(world(), anEvent(aText(customer.phone)))
        expect([told.outcome, told.reason]).to.deep.equal(['skipped', 'window_closed'])
        expect(told.message?.status).to.equal('skipped')
      })

      it('are parked where they cannot be read', async () => {
        const { status, body } = await world().call<Message>('POST', '/v1/events', anEvent(aText('', {})))
        expect([status, body.reason]).to.deep.equal([422, 'invalid_to'])
      })
    })

    describe('under a key of the caller', () => {
      it('are sent once and answered the same, however often they are asked for', async () => {
        const customer = aCustomer()
        const body = aTemplate(customer.phone)
        const first = await askWithKey(world(), 'order-1', body)
        await settle(world())
        const again = await askWithKey(world(), 'order-1', body)
        expect(first.status).to.equal(202)
        expect(again).to.deep.equal(first)
        await settle(world())
        expect(messagesTo(world(), customer)).to.have.length(1)
        const other = await askWithKey(world(), 'order-1', { ...body, eta: 20 })
        expect(other.status).to.equal(422)
        expect(other.body.detail).to.include('another request')
      })

      it('are refused the same, although they could be sent by now', async () => {
        const customer = aCustomer()
        const first = await askWithKey(world(), 'order-2', aText(customer.phone))
        await say(world(), customer, 'Hello')
        const again = await askWithKey(world(), 'order-2', aText(customer.phone))
        expect(first.body.reason).to.equal('window_closed')
        expect(again).to.deep.equal(first)
      })

      it('belong to their account: another one may use the same key', async () => {
        const { accountId } = await anOwnConnection(world())
        const [mine, theirs] = [aCustomer(), aCustomer()]
        expect((await askWithKey(world(), 'order-3', aTemplate(mine.phone))).status).to.equal(202)
        expect((await askWithKey(world(), 'order-3', aTemplate(theirs.phone, { accountId }))).status).to.equal(202)
      })

      it('wait while somebody works on them, and are taken up where their process vanished', async () => {
        const customer = aCustomer()
        const body = aTemplate(customer.phone)
        const first = await askWithKey(world(), 'order-4', body)
        const unanswered = async (heldUntil: string) =>
          world().database.write(
            `UPDATE idempotent_requests SET status = NULL, answer = NULL, held_until = $1 WHERE id = (
               SELECT id FROM (SELECT MAX(id) AS id FROM idempotent_requests) AS newest)`,
            [heldUntil],
          )
        await unanswered('2099-01-01 00:00:00.000')
        const meanwhile = await askWithKey(world(), 'order-4', body)
        expect([meanwhile.status, Number(meanwhile.wait) > 0]).to.deep.equal([409, true])
        await unanswered('2020-01-01 00:00:00.000')
        const taken = await askWithKey(world(), 'order-4', body)
        expect([taken.status, taken.body.id]).to.deep.equal([202, first.body.id])
        await settle(world())
        expect(messagesTo(world(), customer)).to.have.length(1)
      })

      it('are another message once the key is forgotten and used again, and the same one where they are the same', async () => {
        const customer = aCustomer()
        const body = aTemplate(customer.phone)
        const first = await askWithKey(world(), 'order-6', body)
        await world().database.write('DELETE FROM idempotent_requests')
        const same = await askWithKey(world(), 'order-6', body)
        expect(same.body.id).to.equal(first.body.id)
        await world().database.write('DELETE FROM idempotent_requests')
        const other = await askWithKey(world(), 'order-6', { ...body, eta: 20 })
        expect([other.status, other.body.eta]).to.deep.equal([202, 20])
        await settle(world())
        expect(messagesTo(world(), customer)).to.have.length(2)
      })

      it('are not done again where the answer was cleared, and say so', async () => {
        const customer = aCustomer()
        const body = aTemplate(customer.phone)
        await askWithKey(world(), 'order-7', body)
        await settle(world())
        await world().database.write('UPDATE idempotent_requests SET answer = NULL WHERE status IS NOT NULL')
        const again = await askWithKey(world(), 'order-7', body)
        expect([again.status, again.body.detail]).to.deep.equal([
          410,
          'this was done before; the answer told of a person and was cleared since',
        ])
        expect(messagesTo(world(), customer)).to.have.length(1)
      })

      it('are one message when they are asked for at the same time', async () => {
        const customer = aCustomer()
        const body = aTemplate(customer.phone)
        const all = await Promise.all(Array.from({ length: 8 }, () => askWithKey(world(), 'order-5', body)))
        expect(all.map(({ status }) => status).every((status) => status === 202 || status === 409)).to.equal(true)
        await until('it is answered', async () => (await askWithKey(world(), 'order-5', body)).status === 202)
        await settle(world())
        expect(messagesTo(world(), customer)).to.have.length(1)
      })
    })
  })

  describe(`free text that waits, on ${storage}`, () => {
    const afterHours = (hours: number) => {
      const clock = aClock('2026-06-20T06:00:00Z')
      let status = ''
      return inWorld({ storage, now: clock.now }, async (world) => {
        const customer = await aCustomerInTouch(world)
        world.provider.addRule({ phone: customer.phone, next: 1, error: { http: 400, code: 131056 } })
        const { id } = await asked(world, aText(customer.phone))
        await settle(world)
        clock.advance(hours * 60)
        status = await until('it ended', async () => {
          const message = await timelineOf(world, id)
          return message.status === 'queued' ? undefined : message.status
        })
        expect(messagesTo(world, customer)).to.have.length(status === 'expired' ? 0 : 1)
      }).then(() => status)
    }

    it('is of use until the window closes, longer than a template', async () => {
      expect(await afterHours(13)).not.to.be.oneOf(['expired', 'failed'])
    })

    it('is not called once the window is closed', async () => {
      expect(await afterHours(24)).to.equal('expired')
    })
  })
}
