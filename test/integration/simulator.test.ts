import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Agent, request } from 'undici'
import type { AccountInput } from '../../src/providers/simulator/inputs.ts'
import { createRandom, shuffled } from '../../src/providers/simulator/random.ts'
import { metaJson, signature } from '../../src/providers/simulator/signed-json.ts'
import { createSimulator, type Simulator, type SimulatorOptions } from '../../src/providers/simulator/simulator.ts'

const phone = '+919810012345'
const waId = '919810012345'
const phoneNumberId = '810000000000001'
const wabaId = '910000000000001'
const token = 'a-test-token'
const appSecret = 'test_app_secret_0001'

const visitTemplate = {
  name: 'visit_reminder',
  language: 'en',
  components: [
    { type: 'BODY', text: 'Hello {{1}}, your visit is on {{2}}. Does it suit you?' },
    {
      type: 'BUTTONS',
      buttons: [
        { type: 'QUICK_REPLY', text: 'Yes' },
        { type: 'QUICK_REPLY', text: 'No' },
        { type: 'URL', text: 'Details', url: 'https://example.com/v/{{1}}' },
      ],
    },
  ],
}
const namedTemplate = {
  name: 'named',
  language: 'en',
  parameter_format: 'NAMED',
  components: [{ type: 'BODY', text: 'Hello {{first_name}}, welcome to us.' }],
}
const pausedTemplate = { ...namedTemplate, name: 'paused', status: 'PAUSED' }
const headerTemplate = {
  name: 'with_header',
  language: 'en',
  components: [
    { type: 'HEADER', format: 'IMAGE' },
    { type: 'BODY', text: 'Nothing to fill in here.' },
  ],
}

interface Received {
  readonly body: string
  readonly signature: string
  readonly value: Record<string, unknown>
  readonly statuses: Record<string, unknown>[]
  readonly messages: Record<string, unknown>[]
}

interface Receiver {
  readonly url: string
  readonly received: Received[]
  /** HTTP statuses of the next answers; 200 when empty. */
  readonly answers: number[]
  onRequest: () => void
  close(): Promise<unknown>
}

const readAll = async (incoming: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const chunk of incoming) text += String(chunk)
  return text
}

const startReceiver = async (): Promise<Receiver> => {
  const received: Received[] = []
  const answers: number[] = []
  const server: Server = createServer(async (incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://localhost')
    if (incoming.method === 'GET') {
      const matches = url.searchParams.get('hub.verify_token') === 'verify-me'
      return response.writeHead(matches ? 200 : 403).end(matches ? url.searchParams.get('hub.challenge') : 'no')
    }
    const body = await readAll(incoming)
    const value = JSON.parse(body).entry[0].changes[0].value
    receiver.onRequest()
    const header = String(incoming.headers['x-hub-signature-256'])
    received.push({ body, signature: header, value, statuses: value.statuses ?? [], messages: value.messages ?? [] })
    return response.writeHead(answers.shift() ?? 200).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    answers,
    onRequest: () => undefined,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
  return receiver
}

const account = (webhookUrl?: string): AccountInput => ({
  phoneNumberId,
  wabaId,
  displayPhoneNumber: '+91 11 4000 1234',
  accessToken: token,
  appSecret,
  verifyToken: 'verify-me',
  templates: [visitTemplate, namedTemplate, pausedTemplate, headerTemplate],
  ...(webhookUrl ? { webhookUrl } : {}),
})

const quickReply = (index: number, payload: string) => ({
  type: 'button',
  sub_type: 'quick_reply',
  index: String(index),
  parameters: [{ type: 'payload', payload }],
})
const bodyOf = (...texts: string[]) => ({ type: 'body', parameters: texts.map((text) => ({ type: 'text', text })) })
const urlButton = { type: 'button', sub_type: 'url', index: '2', parameters: [{ type: 'text', text: '8812' }] }
const rightComponents = [bodyOf('Anna', 'Tuesday'), quickReply(0, 'v:1:yes'), quickReply(1, 'v:1:no'), urlButton]

const aTemplate = (components: unknown[] = rightComponents, name = 'visit_reminder', more: object = {}) => ({
  messaging_product: 'whatsapp',
  to: phone,
  type: 'template',
  template: { name, language: { code: 'en' }, components },
  biz_opaque_callback_data: 'ref-1',
  ...more,
})
const aText = (body: unknown = 'Hello', more: object = {}) => ({
  messaging_product: 'whatsapp',
  to: phone,
  type: 'text',
  text: { body },
  ...more,
})
const anInteractive = (interactive: object) => ({
  messaging_product: 'whatsapp',
  to: phone,
  type: 'interactive',
  interactive,
})
const reply = (id: string, title: string) => ({ type: 'reply', reply: { id, title } })
const someButtons = (...buttons: object[]) =>
  anInteractive({ type: 'button', body: { text: 'Which day?' }, action: { buttons } })
const aLink = (url: string, title = 'Open') =>
  anInteractive({
    type: 'cta_url',
    body: { text: 'Your order' },
    action: { name: 'cta_url', parameters: { display_text: title, url } },
  })
const aList = (rows: object[], more: object = {}) =>
  anInteractive({ type: 'list', body: { text: 'Pick' }, action: { button: 'Slots', sections: [{ rows }], ...more } })

describe('simulator', () => {
  let simulator: Simulator
  let receiver: Receiver
  const agent = new Agent({ connections: 20 })

  const start = async (options: SimulatorOptions = {}) => {
    receiver = await startReceiver()
    simulator = createSimulator({ accounts: [account(receiver.url)], ...options })
    await simulator.start()
  }
  const stop = async () => {
    await simulator.close()
    await receiver.close()
  }

  const call = async (
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
    bearer: string | null = token,
  ) => {
    const response = await request(`${simulator.url}${path}`, {
      method,
      dispatcher: agent,
      headers: { 'content-type': 'application/json', ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.body.text()
    const isJson = String(response.headers['content-type']).startsWith('application/json')
    return { status: response.statusCode, text, json: isJson && text ? parsed(text) : {}, headers: response.headers }
  }
  const parsed = (text: string) => {
    try {
      return JSON.parse(text)
    } catch {
      return {}
    }
  }
  const send = (body: unknown) => call('POST', `/v24.0/${phoneNumberId}/messages`, body)
  const statusesOf = () => receiver.received.flatMap(({ statuses }) => statuses.map(({ status }) => status))
  const inboundOf = () => receiver.received.flatMap(({ messages }) => messages)

  afterEach(stop)
  after(() => agent.close())

  describe('signature', () => {
    beforeEach(() => start())

    const value = {
      messaging_product: 'whatsapp',
      metadata: { display_phone_number: '4930555001', phone_number_id: phoneNumberId },
      contacts: [{ profile: { name: 'Jürgen' }, wa_id: '4915550001111' }],
      messages: [
        {
          from: '4915550001111',
          id: 'wamid.TESTVECTOR0001',
          timestamp: '1790000000',
          text: { body: 'Grüße https://example.com/a' },
          type: 'text',
        },
      ],
    }
    const webhook = {
      object: 'whatsapp_business_account',
      entry: [{ id: wabaId, changes: [{ value, field: 'messages' }] }],
    }

    it('serialises and signs the test vector as Meta does, not as JSON.stringify does', () => {
      const body = metaJson(webhook)
      expect(Buffer.byteLength(body)).to.equal(468)
      expect(signature(body, appSecret)).to.equal(
        'sha256=3028c3dc33db0d81c51ed69d68aa888b09c8137afbf58ebe0e3c785459455fc7',
      )
      expect(signature(JSON.stringify(webhook), appSecret)).to.not.equal(signature(body, appSecret))
      expect(JSON.parse(body)).to.deep.equal(webhook)
    })

    it('signs what goes over the wire, escaped', async () => {
      await simulator.say(phone, 'Grüße / 👍')
      const [first] = receiver.received
      expect(first?.body).to.contain('Gr\\u00fc\\u00dfe \\/ \\ud83d\\udc4d')
      const expected = createHmac('sha256', appSecret)
        .update(Buffer.from(first?.body ?? ''))
        .digest('hex')
      expect(first?.signature).to.equal(`sha256=${expected}`)
    })
  })

  describe('messages', () => {
    beforeEach(() => start({ statusDelaysMs: { sent: null, delivered: null, read: null } }))

    it('answers a template as Meta does', async () => {
      const { status, json } = await send(aTemplate())
      expect(status).to.equal(200)
      expect(json.messages[0].id).to.match(/^wamid\.[A-Za-z0-9+/]{28}=*$/)
      expect(json).to.deep.equal({
        messaging_product: 'whatsapp',
        contacts: [{ input: phone, wa_id: waId }],
        messages: [{ id: json.messages[0].id, message_status: 'accepted' }],
      })
    })

    const fine: [string, object][] = [
      ['text of 4096 characters', aText('x'.repeat(4096))],
      ['text of 4096 emoji', aText('👍'.repeat(4096))],
      ['to with spaces and brackets', aText('hi', { to: '+91 (98100) 123-45' })],
      ['no type is text', { messaging_product: 'whatsapp', to: phone, text: { body: 'hi' } }],
      [
        'named parameters',
        aTemplate([{ type: 'body', parameters: [{ type: 'text', parameter_name: 'first_name', text: 'A' }] }], 'named'),
      ],
      ['quick replies without payload', aTemplate([bodyOf('a', 'b'), urlButton])],
      ['index as number', aTemplate([bodyOf('a', 'b'), { ...quickReply(0, 'p'), index: 0 }, urlButton])],
      ['four spaces', aTemplate([bodyOf('a    b', 'b'), urlButton])],
      ['payload of 128', aTemplate([bodyOf('a', 'b'), quickReply(0, 'p'.repeat(128)), urlButton])],
      [
        'image header',
        aTemplate([{ type: 'header', parameters: [{ type: 'image', image: { id: '1' } }] }], 'with_header'),
      ],
      ['three buttons', someButtons(reply('1', 'A'), reply('2', 'B'), reply('3', 'C'.repeat(20)))],
      ['link', aLink('https://example.com/t/91')],
      ['list', aList([{ id: 's:1', title: '10:00', description: 'Main office' }])],
      ['context', aText('hi', { context: { message_id: 'wamid.X' } })],
      ['reference of 256', aText('hi', { biz_opaque_callback_data: 'r'.repeat(256) })],
      ['image by link', { ...aText(), type: 'image', image: { link: 'https://example.com/a.jpg', caption: 'A' } }],
      ['reaction', { ...aText(), type: 'reaction', reaction: { message_id: 'wamid.X', emoji: '' } }],
    ]
    for (const [label, body] of fine) {
      it(`takes: ${label}`, async () => {
        const { status, json } = await send(body)
        expect(json.error, JSON.stringify(json)).to.equal(undefined)
        expect(status).to.equal(200)
      })
    }

    const wrong: [string, number, number, object][] = [
      ['no messaging_product', 400, 100, { to: phone, type: 'text', text: { body: 'hi' } }],
      ['other messaging_product', 400, 100, aText('hi', { messaging_product: 'sms' })],
      ['unknown top-level field', 400, 100, aText('hi', { receipient: 'x' })],
      ['bad recipient_type', 400, 100, aText('hi', { recipient_type: 'many' })],
      ['no to', 400, 100, aText('hi', { to: undefined })],
      ['to as number', 400, 100, aText('hi', { to: 919810012345 })],
      ['to with letters', 400, 131009, aText('hi', { to: '+91981abc' })],
      ['to too short', 400, 131009, aText('hi', { to: '12345' })],
      ['to too long', 400, 131009, aText('hi', { to: '+1234567890123456' })],
      ['to is the sender', 400, 131021, aText('hi', { to: '+91 1140001234' })],
      ['unknown type', 400, 100, aText('hi', { type: 'fax' })],
      ['type of the prototype', 400, 100, aText('hi', { type: 'toString' })],
      ['no text object', 400, 131008, { messaging_product: 'whatsapp', to: phone, type: 'text' }],
      ['no body', 400, 131008, aText('', { text: {} })],
      ['empty body', 400, 100, aText('')],
      ['body of 4097', 400, 100, aText('x'.repeat(4097))],
      ['unknown field in text', 400, 100, aText('hi', { text: { body: 'a', html: true } })],
      ['reference of 257', 400, 100, aText('hi', { biz_opaque_callback_data: 'r'.repeat(257) })],
      ['reference no string', 400, 100, aText('hi', { biz_opaque_callback_data: 5 })],
      ['empty context', 400, 100, aText('hi', { context: {} })],
      ['template unknown', 404, 132001, aTemplate(rightComponents, 'nobody')],
      [
        'other language',
        404,
        132001,
        { ...aTemplate(), template: { name: 'visit_reminder', language: { code: 'hi' } } },
      ],
      ['no language', 400, 131008, { ...aTemplate(), template: { name: 'visit_reminder' } }],
      ['paused template', 400, 132015, aTemplate([], 'paused')],
      ['too few parameters', 400, 132000, aTemplate([bodyOf('Anna'), urlButton])],
      ['too many parameters', 400, 132000, aTemplate([bodyOf('a', 'b', 'c'), urlButton])],
      ['no body component', 400, 132000, aTemplate([urlButton])],
      ['positional for named', 400, 132000, aTemplate([bodyOf('a')], 'named')],
      [
        'parameter of another type',
        400,
        132012,
        aTemplate([{ type: 'body', parameters: [{ type: 'image' }, { type: 'text', text: 'b' }] }, urlButton]),
      ],
      [
        'wrong header',
        400,
        132012,
        aTemplate([{ type: 'header', parameters: [{ type: 'text', text: 'x' }] }], 'with_header'),
      ],
      ['empty parameter', 400, 132018, aTemplate([bodyOf('', 'b'), urlButton])],
      ['newline', 400, 132018, aTemplate([bodyOf('a\nb', 'b'), urlButton])],
      ['tab', 400, 132018, aTemplate([bodyOf('a\tb', 'b'), urlButton])],
      ['five spaces', 400, 132018, aTemplate([bodyOf('a     b', 'b'), urlButton])],
      ['filled body over 1024', 400, 132005, aTemplate([bodyOf('a'.repeat(1000), 'b'), urlButton])],
      ['payload of 129', 400, 100, aTemplate([bodyOf('a', 'b'), quickReply(0, 'p'.repeat(129)), urlButton])],
      ['button out of range', 400, 132018, aTemplate([bodyOf('a', 'b'), quickReply(5, 'p'), urlButton])],
      ['button of another kind', 400, 132018, aTemplate([bodyOf('a', 'b'), quickReply(2, 'p')])],
      [
        'same index twice',
        400,
        132018,
        aTemplate([bodyOf('a', 'b'), quickReply(0, 'p'), quickReply(0, 'q'), urlButton]),
      ],
      ['no index', 400, 131008, aTemplate([bodyOf('a', 'b'), { ...quickReply(0, 'p'), index: undefined }, urlButton])],
      [
        'unknown sub_type',
        400,
        100,
        aTemplate([bodyOf('a', 'b'), { ...quickReply(0, 'p'), sub_type: 'tap' }, urlButton]),
      ],
      ['missing url parameter', 400, 131008, aTemplate([bodyOf('a', 'b')])],
      ['no buttons', 400, 131009, someButtons()],
      ['four buttons', 400, 131009, someButtons(reply('1', 'A'), reply('2', 'B'), reply('3', 'C'), reply('4', 'D'))],
      ['title of 21', 400, 100, someButtons(reply('1', 'x'.repeat(21)))],
      ['same title', 400, 131009, someButtons(reply('1', 'A'), reply('2', 'A'))],
      ['same id', 400, 131009, someButtons(reply('1', 'A'), reply('1', 'B'))],
      ['id of 257', 400, 100, someButtons(reply('x'.repeat(257), 'A'))],
      ['empty id', 400, 100, someButtons(reply('', 'A'))],
      [
        'interactive body over 1024',
        400,
        100,
        anInteractive({ type: 'button', body: { text: 'x'.repeat(1025) }, action: { buttons: [reply('1', 'A')] } }),
      ],
      ['link without url', 400, 131009, aLink('example.com')],
      ['link title of 21', 400, 100, aLink('https://example.com', 'x'.repeat(21))],
      ['list of 11 rows', 400, 131009, aList(Array.from({ length: 11 }, (_, id) => ({ id: String(id), title: 'x' })))],
      ['list row title of 25', 400, 100, aList([{ id: '1', title: 'x'.repeat(25) }])],
      ['list without opener', 400, 131008, aList([{ id: '1', title: 'x' }], { button: undefined })],
      [
        'image with id and link',
        400,
        100,
        { ...aText(), type: 'image', image: { id: '1', link: 'https://example.com' } },
      ],
    ]
    for (const [label, status, code, body] of wrong) {
      it(`refuses with ${code}: ${label}`, async () => {
        const answer = await send(body)
        expect([answer.status, answer.json.error?.code], answer.text).to.deep.equal([status, code])
        expect(answer.json.error.message).to.be.a('string')
        expect(answer.json.error.type).to.equal('OAuthException')
        expect(answer.json.error.error_data.messaging_product).to.equal('whatsapp')
        expect(answer.json.error.fbtrace_id).to.be.a('string')
        expect(simulator.stats().refused).to.deep.equal({ [code]: 1 })
        expect(simulator.accepted()).to.have.length(0)
      })
    }

    it('refuses a wrong token with 190 and none with 104', async () => {
      const path = `/v24.0/${phoneNumberId}/messages`
      const bad = await call('POST', path, aText(), 'wrong')
      const none = await call('POST', path, aText(), null)
      expect([bad.status, bad.json.error.code, none.json.error.code]).to.deep.equal([401, 190, 104])
    })

    it('does not know foreign objects: 100 with subcode 33', async () => {
      simulator.addAccount({
        ...account(),
        phoneNumberId: '820000000000001',
        wabaId: '920000000000001',
        accessToken: 'other',
      })
      for (const path of ['/v24.0/123/messages', '/v24.0/820000000000001/messages']) {
        const { status, json } = await call('POST', path, aText())
        expect([status, json.error.code, json.error.error_subcode]).to.deep.equal([400, 100, 33])
      }
    })

    it('takes unknown templates where the account is not strict', async () => {
      simulator.addAccount({ ...account(), strictTemplates: false })
      expect((await send(aTemplate([bodyOf('a')], 'nobody'))).status).to.equal(200)
    })

    it('reaches a customer by user id', async () => {
      const { json } = await send(aText('hi', { to: undefined, recipient: 'IN.00000919810012345' }))
      expect(json.contacts).to.deep.equal([{ input: 'IN.00000919810012345', user_id: 'IN.00000919810012345' }])
      expect(simulator.accepted()[0]?.to).to.equal(waId)
    })

    it('marks as read', async () => {
      const { json } = await send({ messaging_product: 'whatsapp', status: 'read', message_id: 'wamid.X' })
      expect(json).to.deep.equal({ success: true })
      expect(simulator.stats().accepted).to.equal(0)
    })

    it('keeps the record by which it is judged', async () => {
      await send(aTemplate())
      await send(aTemplate())
      await send(aText(''))
      const [first] = simulator.accepted()
      expect(first).to.include({ to: waId, reference: 'ref-1', phoneNumberId, template: 'visit_reminder' })
      expect(first?.text).to.equal('Hello Anna, your visit is on Tuesday. Does it suit you?')
      expect(first?.body).to.deep.equal(aTemplate())
      expect(simulator.requests().map(({ verdict }) => verdict)).to.deep.equal(['accepted', 'accepted', 'refused 100'])
      const { json } = await call('GET', '/_sim/stats')
      expect(json).to.deep.include({ requests: 3, accepted: 2, maxAcceptedPerRecipient: 2, maxAcceptedPerReference: 2 })
      expect((await call('GET', '/_sim/accepted?limit=1')).json.items).to.have.length(1)
      expect(JSON.stringify((await call('GET', '/_sim/requests')).json)).to.not.contain(token)
    })
  })

  describe('statuses', () => {
    it('tells sent, delivered, read with reference, price and contact', async () => {
      await start()
      const { json } = await send(aTemplate())
      await simulator.idle()
      expect(statusesOf()).to.deep.equal(['sent', 'delivered', 'read'])
      const [sent, , read] = receiver.received
      const { timestamp, ...status } = sent?.statuses[0] ?? {}
      expect(timestamp).to.match(/^\d{10}$/)
      expect(status).to.deep.equal({
        id: json.messages[0].id,
        status: 'sent',
        recipient_id: waId,
        recipient_user_id: 'IN.00000919810012345',
        biz_opaque_callback_data: 'ref-1',
        pricing: { billable: true, pricing_model: 'PMP', type: 'regular', category: 'utility' },
      })
      expect(sent?.value.metadata).to.deep.equal({
        display_phone_number: '911140001234',
        phone_number_id: phoneNumberId,
      })
      expect(sent?.value.contacts).to.deep.equal([
        { profile: { name: 'Asha Nair' }, wa_id: waId, user_id: 'IN.00000919810012345' },
      ])
      expect(read?.statuses[0]).to.not.have.property('pricing')
    })

    it('leaves out what is switched off, and batches', async () => {
      await start({ statusDelaysMs: { read: null }, webhooks: { batchSize: 50, batchWaitMs: 60 } })
      await Promise.all(Array.from({ length: 4 }, () => send(aTemplate())))
      await simulator.idle()
      expect(receiver.received).to.have.length(1)
      expect(statusesOf().sort()).to.deep.equal([...Array(4).fill('delivered'), ...Array(4).fill('sent')])
      expect(receiver.received[0]?.value.contacts).to.have.length(1)
    })

    it('delivers again until it is answered 200', async () => {
      await start({ statusDelaysMs: { delivered: null, read: null }, webhooks: { retryBaseMs: 5 } })
      receiver.answers.push(503, 401, 202)
      await send(aTemplate())
      await simulator.idle()
      expect(statusesOf()).to.deep.equal(['sent', 'sent', 'sent', 'sent'])
      expect(simulator.stats().webhooks).to.deep.equal({ sent: 1, failed: 0, pending: 0, attempts: 4 })
      expect(simulator.webhooks().map(({ status, attempt }) => [attempt, status])).to.deep.equal([
        [1, 503],
        [2, 401],
        [3, 202],
        [4, 200],
      ])
    })

    it('gives up after the configured number of deliveries', async () => {
      await start({ statusDelaysMs: { delivered: null, read: null }, webhooks: { retryBaseMs: 1, attempts: 3 } })
      simulator.addAccount(account('http://127.0.0.1:9/hook'))
      await send(aTemplate())
      await simulator.idle()
      expect(simulator.stats().webhooks).to.deep.equal({ sent: 0, failed: 1, pending: 0, attempts: 3 })
    })

    it('keeps deliveries in flight within the limit', async () => {
      await start({ webhooks: { concurrency: 2 } })
      let most = 0
      let open = 0
      const server = createServer(async (_incoming, response) => {
        most = Math.max(most, ++open)
        await sleep(5)
        open--
        response.end()
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      simulator.addAccount(account(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
      await Promise.all(Array.from({ length: 10 }, () => send(aTemplate())))
      await simulator.idle()
      server.closeAllConnections()
      server.close()
      expect(most).to.equal(2)
    })

    it('tells nothing without a subscription', async () => {
      await start()
      expect((await call('GET', `/v24.0/${wabaId}/subscribed_apps`)).json.data).to.have.length(1)
      await call('DELETE', `/v24.0/${wabaId}/subscribed_apps`)
      expect((await call('GET', `/v24.0/${wabaId}/subscribed_apps`)).json.data).to.have.length(0)
      await send(aTemplate())
      await simulator.idle()
      expect(receiver.received).to.have.length(0)
    })

    it('takes free text outside the 24-hour window and fails it later with 131047', async () => {
      await start()
      expect((await send(aText())).status).to.equal(200)
      await simulator.idle()
      const [failed] = receiver.received
      expect(failed?.statuses[0]).to.include({ status: 'failed', recipient_id: waId })
      expect(failed?.statuses[0]?.errors).to.have.deep.nested.property('[0].code', 131047)
      expect(failed?.value).to.not.have.property('contacts')
    })

    it('lets free text through after the customer wrote', async () => {
      await start()
      await simulator.say(phone, 'Hello')
      await send(aText())
      await simulator.idle()
      expect(statusesOf()).to.deep.equal(['sent', 'delivered', 'read'])
    })
  })

  describe('lies', () => {
    beforeEach(() => start())

    it('refuses with any error, for one recipient, for the next N requests', async () => {
      simulator.addRule({ phone, next: 2, error: { code: 130429, http: 429, details: 'slow down', retryAfterS: 7 } })
      const other = await send(aTemplate(rightComponents, 'visit_reminder', { to: '+919810099999' }))
      const answers = [await send(aTemplate()), await send(aTemplate()), await send(aTemplate())]
      expect(other.status).to.equal(200)
      expect(answers.map(({ status }) => status)).to.deep.equal([429, 429, 200])
      expect(answers[0]?.json.error).to.deep.include({ code: 130429, message: '(#130429) Rate limit hit' })
      expect(answers[0]?.json.error.error_data.details).to.equal('slow down')
      expect(answers[0]?.headers['retry-after']).to.equal('7')
      expect(simulator.stats()).to.deep.include({ accepted: 2, refused: { 130429: 2 } })
    })

    const errors: [object, number, number | undefined][] = [
      [{ code: 131056 }, 400, 131056],
      [{ code: 190, subcode: 463 }, 401, 190],
      [{ code: 131000 }, 500, 131000],
      [{ http: 503 }, 503, undefined],
    ]
    for (const [error, status, code] of errors) {
      it(`refuses with ${status}/${code ?? 'html'}`, async () => {
        simulator.addRule({ error })
        const answer = await send(aTemplate())
        expect([answer.status, answer.json.error?.code]).to.deep.equal([status, code])
        if (code === undefined) expect(answer.text).to.match(/^<html>/)
        expect(simulator.stats().accepted).to.equal(0)
      })
    }

    it('answers late', async () => {
      simulator.addRule({ delayMs: 80 })
      const startedAt = performance.now()
      expect((await send(aTemplate())).status).to.equal(200)
      expect(performance.now() - startedAt).to.be.greaterThan(75)
    })

    it('takes the message and answers 502; its reports flow', async () => {
      simulator.addRule({ answer: 'bad_gateway' })
      const answer = await send(aTemplate())
      await simulator.idle()
      expect(answer.status).to.equal(502)
      expect(answer.text).to.match(/^<html>/)
      expect(statusesOf()).to.deep.equal(['sent', 'delivered', 'read'])
      expect(simulator.requests()[0]?.verdict).to.equal('accepted, lie bad_gateway')
    })

    it('takes the message and answers an error of its own', async () => {
      simulator.addRule({ error: { code: 131000 }, accept: true })
      expect((await send(aTemplate())).status).to.equal(500)
      expect(simulator.stats().accepted).to.equal(1)
    })

    it('takes the message and resets the connection; or does not take it', async () => {
      simulator.addRule({ answer: 'reset', next: 1 })
      simulator.addRule({ answer: 'reset', accept: false })
      const outcomes = [await send(aTemplate()).catch(codeOf), await send(aTemplate()).catch(codeOf)]
      await simulator.idle()
      expect(outcomes).to.deep.equal(['ECONNRESET', 'ECONNRESET'])
      expect(simulator.stats().accepted).to.equal(1)
      expect(statusesOf()).to.have.length(3)
    })

    it('takes the message and never answers', async () => {
      simulator.addRule({ answer: 'hang' })
      const waited = request(`${simulator.url}/v24.0/${phoneNumberId}/messages`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify(aTemplate()),
        signal: AbortSignal.timeout(150),
      })
      expect(await waited.catch(({ name }: Error) => name)).to.equal('TimeoutError')
      expect(simulator.stats().accepted).to.equal(1)
    })

    it('answers 200 without an id, and 200 that is no JSON', async () => {
      simulator.addRule({ answer: 'no_id', next: 1 })
      simulator.addRule({ answer: 'garbage' })
      const [empty, garbage] = [await send(aTemplate()), await send(aTemplate())]
      expect([empty.status, empty.json.messages]).to.deep.equal([200, []])
      expect(garbage.status).to.equal(200)
      expect(() => JSON.parse(garbage.text)).to.throw(SyntaxError)
      expect(simulator.stats().accepted).to.equal(2)
    })

    it('sends each webhook several times', async () => {
      simulator.addRule({ webhooks: { duplicates: 2 } })
      await send(aTemplate())
      await simulator.idle()
      expect(statusesOf().sort()).to.deep.equal([
        ...Array(3).fill('delivered'),
        ...Array(3).fill('read'),
        ...Array(3).fill('sent'),
      ])
    })

    it('tells out of order', async () => {
      simulator.addRule({ webhooks: { shuffle: true, delaysMs: { sent: 20, delivered: 20, read: 20 } } })
      await send(aTemplate())
      await simulator.idle()
      expect(statusesOf()).to.have.members(['sent', 'delivered', 'read'])
      expect(statusesOf()).to.not.deep.equal(['sent', 'delivered', 'read'])
    })

    it('never shuffles into the natural order, nor always alike', () => {
      const orders = Array.from({ length: 100 }, (_, seed) => shuffled(['a', 'b', 'c'], createRandom(seed)).join(''))
      expect(new Set(orders)).to.not.include('abc')
      expect(new Set(orders).size).to.be.greaterThan(2)
      expect(shuffled(['a'], createRandom(1))).to.deep.equal(['a'])
    })

    it('tells before it answers', async () => {
      simulator.addRule({ webhooks: { beforeAnswer: true } })
      let answered = false
      let toldAfterAnswer: boolean | undefined
      receiver.onRequest = () => {
        toldAfterAnswer ??= answered
      }
      await send(aTemplate())
      answered = true
      await simulator.idle()
      expect(toldAfterAnswer).to.equal(false)
      expect(statusesOf()).to.deep.equal(['sent', 'delivered', 'read'])
    })

    it('suppresses a status', async () => {
      simulator.addRule({ webhooks: { suppress: ['sent', 'read'] } })
      await send(aTemplate())
      await simulator.idle()
      expect(statusesOf()).to.deep.equal(['delivered'])
    })

    it('fails a message that it took', async () => {
      simulator.addRule({ webhooks: { failCode: 131026 } })
      expect((await send(aTemplate())).status).to.equal(200)
      await simulator.idle()
      expect(statusesOf()).to.deep.equal(['failed'])
      expect(receiver.received[0]?.statuses[0]).to.have.nested.property('errors[0].title', 'Message undeliverable')
    })

    it('draws the same chances from the same seed', async () => {
      const drawn = async (seed: number) => {
        const other = createSimulator({ accounts: [account()], seed })
        await other.start()
        other.addRule({ probability: 0.5, error: { code: 131000 } })
        const path = `${other.url}/v24.0/${phoneNumberId}/messages`
        const verdicts: number[] = []
        for (let count = 0; count < 20; count++) {
          const options = {
            method: 'POST',
            headers: { authorization: `Bearer ${token}` },
            body: JSON.stringify(aTemplate()),
          } as const
          const { statusCode, body } = await request(path, options)
          await body.dump()
          verdicts.push(statusCode)
        }
        await other.close()
        return verdicts
      }
      const first = await drawn(7)
      expect(first).to.include.members([200, 500])
      expect(await drawn(7)).to.deep.equal(first)
      expect(await drawn(8)).to.not.deep.equal(first)
    })
  })

  describe('customers', () => {
    beforeEach(() => start())

    it('tap a template button, exactly as in a webhook of Meta', async () => {
      simulator.addCustomer({ when: 'visit_reminder', tap: 'Yes', name: 'Jürgen' })
      const { json } = await send(aTemplate())
      await simulator.idle()
      const [{ id, timestamp, ...message } = {}] = inboundOf()
      expect(id).to.match(/^wamid\./)
      expect(timestamp).to.match(/^\d{10}$/)
      expect(message).to.deep.equal({
        context: { from: '911140001234', id: json.messages[0].id },
        from: waId,
        from_user_id: 'IN.00000919810012345',
        type: 'button',
        button: { payload: 'v:1:yes', text: 'Yes' },
      })
      await send(aText('Thanks'))
      await simulator.idle()
      expect(statusesOf()).to.not.include('failed')
    })

    it('answer by payload, and only messages that have the button', async () => {
      simulator.addCustomer({ phone, tap: 'day:2', on: 'read' })
      simulator.addCustomer({ phone: '+911111111111', text: 'never' })
      simulator.openWindow(phone)
      await send(aText('no button'))
      await send(someButtons(reply('day:1', '23 June 2026'), reply('day:2', '24 June 2026')))
      await simulator.idle()
      expect(inboundOf()).to.have.length(1)
      expect(inboundOf()[0]?.interactive).to.deep.equal({
        type: 'button_reply',
        button_reply: { id: 'day:2', title: '24 June 2026' },
      })
    })

    it('say several texts, and as often as the rule allows', async () => {
      simulator.addCustomer({ when: 'template', text: ['One', 'Two'], afterMs: 3, next: 1 })
      await send(aTemplate())
      await send(aTemplate())
      await simulator.idle()
      expect(inboundOf().map(({ text }) => text)).to.deep.equal([{ body: 'One' }, { body: 'Two' }])
    })

    it('do not answer what failed', async () => {
      simulator.addCustomer({ text: 'Hello' })
      simulator.addRule({ webhooks: { failCode: 131026 } })
      await send(aTemplate())
      await simulator.idle()
      expect(inboundOf()).to.have.length(0)
    })

    it('tap when they are told to: by index, title, payload; without context; twice', async () => {
      const { json } = await send(aTemplate())
      const wamid = json.messages[0].id
      const first = await simulator.tap(wamid, { index: 1 })
      await simulator.tap(wamid, { title: 'yes' }, { withoutContext: true })
      await simulator.tap(wamid, { payload: ':no' }, { times: 2 })
      expect(first).to.deep.equal([inboundOf()[0]?.id])
      expect(inboundOf().map(({ button }) => (button as { text: string }).text)).to.deep.equal([
        'No',
        'Yes',
        'No',
        'No',
      ])
      expect(inboundOf().map(({ context }) => context !== undefined)).to.deep.equal([true, false, true, true])
      expect(new Set(inboundOf().map(({ id }) => id)).size).to.equal(4)
      expect(await simulator.tap(wamid, { title: 'Maybe' }).catch(({ message }: Error) => message)).to.match(
        /no such button/,
      )
    })

    it('pick from a list', async () => {
      simulator.openWindow(phone)
      const { json } = await send(aList([{ id: 's:1', title: '10:00', description: 'Main office' }]))
      await simulator.tap(json.messages[0].id, { index: 0 })
      expect(inboundOf()[0]?.interactive).to.deep.equal({
        type: 'list_reply',
        list_reply: { id: 's:1', title: '10:00', description: 'Main office' },
      })
    })

    it('open a link, which reaches the portal', async () => {
      const clicks: object[] = []
      simulator.subscribe(({ type, data }) => type === 'click' && clicks.push(data))
      simulator.openWindow(phone)
      const { json } = await send(aLink(`${simulator.url}/portal/track?src=whatsapp`))
      await simulator.tap(json.messages[0].id, { index: 0 })
      expect(clicks).to.deep.equal([{ path: '/portal/track', query: { src: 'whatsapp' } }])
    })

    it('send anything else', async () => {
      const location = { latitude: 52.5163, longitude: 13.3777, name: 'Gate' }
      await simulator.send(phone, { type: 'location', location })
      await simulator.send(phone, { type: 'reaction', reaction: { message_id: 'wamid.X', emoji: '👍' } })
      await simulator.send(phone, { type: 'system', system: { type: 'user_changed_number', wa_id: '1' } })
      expect(inboundOf().map(({ type }) => type)).to.deep.equal(['location', 'reaction', 'system'])
      expect(inboundOf()[0]).to.deep.include({ from: waId, location })
      expect(receiver.received[2]?.value).to.not.have.property('contacts')
    })
  })

  describe('set-up endpoints', () => {
    beforeEach(() => start())

    it('lists templates by page and by filter', async () => {
      const path = `/v24.0/${wabaId}/message_templates`
      const first = await call('GET', `${path}?limit=3`)
      expect(first.json.data.map(({ name }: { name: string }) => name)).to.deep.equal([
        'visit_reminder',
        'named',
        'paused',
      ])
      const next = new URL(first.json.paging.next)
      const second = await call('GET', `${next.pathname}${next.search}`)
      expect(second.json.data).to.have.length(1)
      expect(second.json.paging).to.not.have.property('next')
      const named = await call('GET', `${path}?name=named&language=en&status=APPROVED`)
      expect(named.json.data[0]).to.deep.include({ name: 'named', parameter_format: 'NAMED', category: 'UTILITY' })
      expect((await call('GET', `${path}?status=REJECTED`)).json).to.deep.equal({ data: [] })
    })

    const aNewTemplate = (text: string, buttons: object[] = [], more: object = {}) => {
      const variables = (text.match(/\{\{/g) ?? []).map(() => 'x')
      const body = { type: 'BODY', text, ...(variables.length ? { example: { body_text: [variables] } } : {}) }
      const components = buttons.length ? [body, { type: 'BUTTONS', buttons }] : [body]
      return { name: 'new_one', language: 'en', category: 'utility', components, ...more }
    }
    const create = (body: object) => call('POST', `/v24.0/${wabaId}/message_templates`, body)
    const quick = (text: string) => ({ type: 'QUICK_REPLY', text })

    it('creates a template that can be sent at once', async () => {
      const { json } = await create(aNewTemplate('Hello {{1}}, this is good news.', [quick('Yes')]))
      expect(json).to.deep.include({ status: 'APPROVED', category: 'UTILITY' })
      expect(json.id).to.match(/^\d{15}$/)
      expect((await send(aTemplate([bodyOf('Anna'), quickReply(0, 'p')], 'new_one'))).status).to.equal(200)
      const again = await create(aNewTemplate('Hello {{1}}, this is good news.'))
      expect(again.json.error).to.include({ code: 100, error_subcode: 2388024 })
    })

    it('approves after a delay and tells it', async () => {
      await stop()
      await start({ templateApprovalMs: 30 })
      expect((await create(aNewTemplate('Hello there, this is good news.'))).json.status).to.equal('PENDING')
      expect((await send(aTemplate([], 'new_one'))).json.error.code).to.equal(132001)
      await simulator.idle()
      expect(receiver.received[0]?.value).to.include({ event: 'APPROVED', message_template_name: 'new_one' })
      expect((await send(aTemplate([], 'new_one'))).status).to.equal(200)
    })

    const badTemplates: [string, object, number | undefined][] = [
      ['name', aNewTemplate('Hello there.', [], { name: 'New One' }), undefined],
      ['language', aNewTemplate('Hello there.', [], { language: 'English' }), undefined],
      ['category', aNewTemplate('Hello there.', [], { category: 'NEWS' }), undefined],
      ['no body', aNewTemplate('Hello there.', [], { components: [] }), 2388072],
      ['body too long', aNewTemplate('x'.repeat(1025)), 2388040],
      ['variable first', aNewTemplate('{{1}} is what we have to say.'), 2388299],
      ['variable last', aNewTemplate('What we have to say is {{1}}'), 2388299],
      ['adjacent variables', aNewTemplate('We say {{1}} {{2}} to you, dear customer of ours.'), 2388072],
      ['variables out of order', aNewTemplate('We say {{2}} and {{1}} to you, dear customer.'), 2388072],
      ['too few words', aNewTemplate('Hi {{1}}.'), 2388293],
      [
        'no example',
        aNewTemplate('', [], { components: [{ type: 'BODY', text: 'Hello {{1}}, this is good news.' }] }),
        2388072,
      ],
      [
        'footer too long',
        aNewTemplate('', [], {
          components: [
            { type: 'BODY', text: 'Hello.' },
            { type: 'FOOTER', text: 'x'.repeat(61) },
          ],
        }),
        2388073,
      ],
      [
        'header with two variables',
        aNewTemplate('', [], {
          components: [
            { type: 'HEADER', format: 'TEXT', text: '{{1}} {{2}}' },
            { type: 'BODY', text: 'Hello.' },
          ],
        }),
        2388047,
      ],
      ['button text of 26', aNewTemplate('Hello there.', [quick('x'.repeat(26))]), undefined],
      ['same button twice', aNewTemplate('Hello there.', [quick('A'), quick('A')]), undefined],
      [
        'eleven buttons',
        aNewTemplate(
          'Hello there.',
          Array.from({ length: 11 }, (_, index) => quick(String(index))),
        ),
        undefined,
      ],
      [
        'mixed buttons',
        aNewTemplate('Hello there.', [quick('A'), { type: 'URL', text: 'B', url: 'https://example.com' }, quick('C')]),
        undefined,
      ],
      [
        'variable inside a url',
        aNewTemplate('Hello there.', [{ type: 'URL', text: 'B', url: 'https://example.com/{{1}}/x' }]),
        undefined,
      ],
    ]
    for (const [label, body, subcode] of badTemplates) {
      it(`does not create a template: ${label}`, async () => {
        const { status, json } = await create(body)
        expect([status, json.error?.code, json.error?.error_subcode]).to.deep.equal([400, 100, subcode])
        expect(json.error.error_user_msg).to.be.a('string')
      })
    }

    it('shows the phone number, its fields, and the numbers of the WABA', async () => {
      simulator.addAccount({ ...account(receiver.url), phoneFields: { status: 'DISCONNECTED' } })
      const { json } = await call('GET', `/v24.0/${phoneNumberId}?fields=display_phone_number,status,throughput`)
      expect(json).to.deep.equal({
        display_phone_number: '+91 11 4000 1234',
        status: 'DISCONNECTED',
        throughput: { level: 'STANDARD' },
        id: phoneNumberId,
      })
      expect((await call('GET', `/v24.0/${phoneNumberId}?fields=colour`)).json.error.code).to.equal(100)
      const list = await call('GET', `/v24.0/${wabaId}/phone_numbers`)
      expect(list.json.data[0].id).to.equal(phoneNumberId)
    })

    it('describes tokens', async () => {
      const good = await call('GET', `/debug_token?input_token=${token}`, undefined, `940000000000001|${appSecret}`)
      const bad = await call('GET', '/v24.0/debug_token?input_token=nobody')
      expect(good.json.data).to.deep.include({ is_valid: true, expires_at: 0, type: 'SYSTEM_USER' })
      expect(good.json.data.scopes).to.include('whatsapp_business_messaging')
      expect(bad.json.data.is_valid).to.equal(false)
    })

    it('checks appsecret_proof where it is given', async () => {
      const proof = createHmac('sha256', appSecret).update(token).digest('hex')
      expect((await call('GET', `/${phoneNumberId}?appsecret_proof=${proof}`)).status).to.equal(200)
      expect((await call('GET', `/${phoneNumberId}?appsecret_proof=00`)).json.error.code).to.equal(100)
    })

    it('verifies a callback URL when it is set', async () => {
      const good = await call('POST', '/_sim/accounts', account(receiver.url))
      const bad = await call('POST', '/_sim/accounts', { ...account(receiver.url), verifyToken: 'wrong' })
      expect(good.json.verification).to.deep.equal({ ok: true, detail: 'HTTP 200, challenge echoed' })
      expect(bad.json.verification).to.deep.equal({ ok: false, detail: 'HTTP 403, challenge not echoed' })
    })

    it('overrides the callback URL only if it is verified', async () => {
      const override = (verify_token: string) =>
        call('POST', `/v24.0/${wabaId}/subscribed_apps`, { override_callback_uri: receiver.url, verify_token })
      simulator.addAccount(account())
      expect((await override('wrong')).json.error.code).to.equal(100)
      expect((await override('verify-me')).json).to.deep.equal({ success: true })
      await send(aTemplate())
      await simulator.idle()
      expect(receiver.received).to.have.length(3)
    })
  })

  describe('control endpoints', () => {
    beforeEach(() => start())

    it('set rules and customers, tap, say, and reset', async () => {
      await call('POST', '/_sim/rules', { next: 1, error: { code: 131056 } })
      await call('POST', '/_sim/customers', [{ tap: 1 }])
      expect((await send(aTemplate())).json.error.code).to.equal(131056)
      const { json } = await send(aTemplate())
      await simulator.idle()
      const tapped = await call('POST', '/_sim/tap', { messageId: json.messages[0].id, title: 'Yes' })
      const said = await call('POST', '/_sim/say', { phone, text: 'Hi', contextMessageId: json.messages[0].id })
      expect(inboundOf().map(({ type }) => type)).to.deep.equal(['button', 'button', 'text'])
      expect(inboundOf()[1]?.id).to.equal(tapped.json.messageIds[0])
      expect(inboundOf()[2]).to.deep.include({
        id: said.json.messageId,
        context: { from: '911140001234', id: json.messages[0].id },
      })
      await call('DELETE', '/_sim/customers')
      await call('POST', '/_sim/reset')
      expect((await call('GET', '/_sim/stats')).json).to.deep.include({ accepted: 0, requests: 0 })
      expect((await send(aTemplate())).status).to.equal(200)
    })

    it('send a webhook of any field, signed, in the name of the account', async () => {
      const value = { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: 'DISABLE' } }
      expect((await call('POST', '/_sim/news', { field: 'account_update', value })).status).to.equal(200)
      const [news] = receiver.received
      const { entry } = JSON.parse(news?.body ?? '')
      expect(entry[0]).to.deep.include({ id: wabaId, changes: [{ field: 'account_update', value }] })
      expect(entry[0].time).to.be.closeTo(Date.now() / 1000, 60)
      expect((await call('POST', '/_sim/news', { field: 'x', value: {}, phoneNumberId: '1' })).status).to.equal(400)
    })

    it('refuse what they do not understand', async () => {
      const misspelled = await call('POST', '/_sim/rules', { eror: { code: 1 } })
      expect([misspelled.status, misspelled.json.error]).to.satisfy(
        ([status, error]: [number, string]) => status === 400 && error.includes('eror'),
      )
      expect((await call('POST', '/_sim/tap', { messageId: 'wamid.X', index: 0 })).status).to.equal(400)
      expect((await call('POST', '/_sim/nothing')).status).to.equal(404)
    })

    it('stream what happens', async () => {
      const { body } = await request(`${simulator.url}/_sim/events`)
      const seen = new Promise<string>((resolve) => {
        let text = ''
        body.on('data', (chunk) => {
          text += String(chunk)
          if (text.includes('event: webhook')) resolve(text)
        })
      })
      await send(aTemplate())
      const text = await seen
      expect(text).to.contain('event: accepted\ndata: {"at":')
      expect(text).to.contain('"text":"Hello Anna, your visit is on Tuesday. Does it suit you?"')
      body.destroy()
    })
  })

  describe('platform', () => {
    beforeEach(() => start())

    const decision = { idempotencyKey: 'k-1', source: 'whatsapp', shipmentId: 17148471, action: 'reattempt' }
    const notify = (body: object = decision) => call('POST', '/_ah/ESB/v1/ndrNotification', body, null)

    it('takes a decision once, however often it is told', async () => {
      const [first, second] = [await notify(), await notify()]
      expect([first.json.duplicate, second.json.duplicate]).to.deep.equal([false, true])
      const { json } = await call('GET', '/_sim/ndr')
      expect(json.items).to.have.length(1)
      expect(json.items[0]).to.deep.include({ idempotencyKey: 'k-1', calls: 2, body: decision })
    })

    it('refuses what is not complete', async () => {
      expect((await notify({ action: 'reattempt' })).status).to.equal(400)
      expect((await notify({ ...decision, action: 'dance' })).status).to.equal(400)
      expect((await notify({ ...decision, action: 'reschedule' })).status).to.equal(400)
      expect((await notify({ ...decision, action: 'reschedule', deferredDate: '24-06-2026' })).status).to.equal(200)
    })

    it('is down, refuses, loses its answer, hangs', async () => {
      await call('POST', '/_sim/ndr', { mode: 'down', next: 2 })
      expect([(await notify()).status, (await notify()).status, (await notify()).status]).to.deep.equal([503, 503, 200])
      simulator.scriptNdr({ mode: 'refuse', next: 1 })
      expect((await notify({ ...decision, idempotencyKey: 'k-2' })).status).to.equal(422)
      simulator.scriptNdr({ mode: 'lost', next: 1 })
      expect((await notify({ ...decision, idempotencyKey: 'k-3' })).status).to.equal(502)
      expect(simulator.ndr().map(({ idempotencyKey }) => idempotencyKey)).to.deep.equal(['k-1', 'k-3'])
      simulator.scriptNdr({ mode: 'hang' })
      const url = `${simulator.url}/_ah/ESB/v1/ndrNotification`
      const waited = request(url, { method: 'POST', body: '{}', signal: AbortSignal.timeout(100) })
      expect(await waited.catch(({ name }: Error) => name)).to.equal('TimeoutError')
    })

    it('shows a portal page that does not trust its address', async () => {
      const { status, text } = await call('GET', '/portal/track?order=%3Cscript%3E', undefined, null)
      expect(status).to.equal(200)
      expect(text).to.contain('&#60;script&#62;').and.not.contain('<script>')
    })
  })
})

const codeOf = (error: { code?: string }): string | undefined => error.code
