import { expect } from 'chai'
import { createLogger } from '../../src/core/observe/logger.ts'
import { secretNames } from '../../src/providers/index.ts'
import {
  aCustomer,
  aFirstMessage,
  asAdmin,
  aWebhook,
  type Customer,
  eventFor,
  postWebhook,
  say,
  settle,
  storages,
  tap,
} from '../support/stories.ts'
import { startWorld, until, type World } from '../support/world.ts'

const person = {
  customerName: 'Canaria Zwitscher',
  email: 'canaria.zwitscher@example.com',
  shippingAddress: { address1: '17 Kanarienvogelweg', city: 'Zeisigstadt', zip: '560095' },
}
const typed = 'Bitte beim Nachbarn Gimpel abgeben'
const words = ['Canaria', 'Zwitscher', 'Kanarienvogel', 'Zeisigstadt', 'Gimpel', 'example.com']

for (const storage of storages) {
  describe(`what is logged about people, whatever happens, on ${storage}`, function () {
    this.timeout(120_000)
    let world: World
    const log: string[] = []
    const customers: Customer[] = []

    before(async () => {
      world = await startWorld({
        storage,
        log: createLogger('debug', { stream: { write: (line: string) => void log.push(line) }, secretNames }),
      })
    })
    after(() => world?.close())
    afterEach(() => {
      world.provider.clearRules()
      world.provider.scriptNdr({ mode: 'ok' })
    })

    function someone(): Customer {
      const customer = aCustomer()
      customers.push(customer)
      world.provider.addCustomer({ phone: customer.phone, name: person.customerName, when: 'nothing' })
      return customer
    }
    const everything = ({ local, phone, waId }: Customer) =>
      `${Object.values(person).join(' ')} ${local} ${phone} ${waId}`
    const telling = (customer: Customer, fields: object = {}) => eventFor(customer, { ...person, ...fields })
    const post = (event: object) => world.call('POST', '/v1/events', event)

    it('a conversation goes well', async () => {
      const { customer, sent } = await aFirstMessage(world, { customer: someone(), ...person })
      await say(world, customer, typed)
      const [dates] = await tap(world, sent, 'Select new delivery date')
      await tap(world, dates, dates ? 'Talk to us' : '').catch(() => [])
      await post(telling(customer))
      expect(log.join(''))
        .to.contain('event taken in')
        .and.to.contain('reply applied')
        .and.to.contain('message accepted')
    })

    const lies = [
      { error: { code: 131_026, details: 'PERSON' } },
      { error: { code: 100, details: 'PERSON' } },
      { error: { http: 500 } },
      { answer: 'garbage' as const },
      { answer: 'no_id' as const },
      { answer: 'reset' as const, accept: false },
      { webhooks: { failCode: 131_026 } },
    ]
    for (const lie of lies)
      it(`the provider answers with ${JSON.stringify(lie)}`, async () => {
        const customer = someone()
        const rule = JSON.parse(JSON.stringify(lie).replace('PERSON', everything(customer))) as object
        world.provider.addRule({ ...rule, phone: customer.phone, next: 1 })
        expect((await post(telling(customer))).status).to.equal(202)
        await settle(world)
      })

    it('the courier side refuses a decision', async () => {
      world.provider.scriptNdr({ mode: 'refuse' })
      const { sent } = await aFirstMessage(world, { customer: someone(), reason: 'rejected_by_customer', ...person })
      await tap(world, sent, 'Cancel my order')
      await until('it is refused', () => log.some((line) => line.includes('decision refused')))
    })

    it('events and requests are nonsense', async () => {
      const customer = someone()
      for (const event of [
        telling(customer, { account_id: 'none' }),
        telling(customer, { customerContactNumber: everything(customer) }),
        { ...telling(customer), response_data: everything(customer) },
      ])
        await post(event)
      for (const text of [`{"name": ${everything(customer)}`, everything(customer), `"${everything(customer)}`]) {
        await asAdmin(world, 'POST', '/v1/events', text)
        await asAdmin(world, 'PUT', '/v1/accounts/379/settings', text)
      }
      await asAdmin(world, 'GET', `/v1/contacts/${encodeURIComponent(customer.phone)}?accountId=379`)
    })

    it('webhooks are nonsense', async () => {
      const customer = someone()
      const contact = { profile: { name: person.customerName }, wa_id: customer.waId }
      for (const messages of [[everything(customer)], [{ from: customer.waId, text: { body: typed }, contact }]]) {
        await postWebhook(world, aWebhook({ messages, statuses: [everything(customer)] }))
        await postWebhook(world, aWebhook({ messages }, everything(customer)))
      }
      await postWebhook(world, everything(customer))
      await postWebhook(world, everything(customer), { signature: `sha256=${everything(customer)}` })
    })

    for (const table of ['wa_contacts', 'activity_events', 'wa_conversations'])
      it(`the table ${table} is away for a while`, async () => {
        const { customer, sent } = await aFirstMessage(world, { customer: someone(), ...person })
        const lines = log.length
        await world.database.write(`ALTER TABLE ${table} RENAME TO away_table`)
        await world.provider.tap(sent.wamid, { title: 'Select new delivery date' })
        await world.provider.say(customer.phone, typed)
        await post(telling(someone()))
        const isTrouble = (line: string) => (JSON.parse(line) as { level: number }).level >= 40
        await until('somebody notices', () => log.slice(lines).some(isTrouble))
        await world.database.write(`ALTER TABLE away_table RENAME TO ${table}`)
      })

    it('and nothing of them stands in any line', () => {
      expect(log.length).to.be.above(50)
      const numbers = customers.flatMap(({ local, waId }) => [local, Buffer.from(waId).toString('base64').slice(0, -4)])
      const found = [...words, ...numbers].flatMap((trace) => log.filter((line) => line.includes(trace)))
      expect([...new Set(found)]).to.deep.equal([])
    })
  })
}
