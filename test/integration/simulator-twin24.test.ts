import { expect } from 'chai'
import { request } from 'undici'
import { createSimulator, type Simulator } from '../../src/providers/simulator/simulator.ts'

const company = { email: 'gateway@example.com', password: 'twin-password-0001', chats: { 'chat-1': ['bot-1'] } }
const bulkId = 'f0a1b2c3-0000-4000-8000-00000000000b'

describe('simulator of TWIN', () => {
  let simulator: Simulator
  let token: string

  before(async () => {
    simulator = await createSimulator().start()
    expect(await call('POST', '/_sim/twin24/companies', company)).to.include({ status: 200 })
    const { body } = await call('POST', '/twin24/iam/auth/login', { email: company.email, password: company.password })
    token = String(body.token)
  })
  after(() => simulator.close())

  async function call(method: 'GET' | 'POST', path: string, body?: object, bearer = token) {
    const answer = await request(simulator.url + path, {
      method,
      headers: { authorization: `Bearer ${bearer}` },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return { status: answer.statusCode, body: (await answer.body.json()) as Record<string, unknown> }
  }

  const chat = { chatId: 'chat-1', botId: 'bot-1', messengerType: 'WHATSAPP', chatSessionName: 'ours' }
  const aMessage = (changes: object = {}) => ({
    channels: { chat },
    callbackData: 'data',
    destinations: [{ phone: '919810012345', messengerUserId: '919810012345', variables: { name: 'Asha' } }],
    ...changes,
  })
  const create = (message: object, envelope: object = {}) =>
    call('POST', '/twin24/notify/messages', { messages: [message], ...envelope })

  it('gives no token for a wrong password, and nothing for no token', async () => {
    const wrong = { email: company.email, password: 'wrong' }
    expect(await call('POST', '/twin24/iam/auth/login', wrong)).to.include({ status: 401 })
    const { status, body } = await call('GET', '/twin24/notify/messages', undefined, 'none')
    expect({ status, error: body.error }).to.deep.equal({ status: 401, error: 'Token is expired.' })
  })

  it('takes a message, finds it by the id that was given with it, and shows it in the statistics', async () => {
    const { status, body } = await create(aMessage(), { bulkId })
    const [item] = body as unknown as { id: string }[]
    expect(status).to.equal(200)
    expect(item).to.deep.include({ bulkId, status: 'CREATED', error: null })
    await simulator.idle()
    const found = await call('GET', `/twin24/notify/messages?bulkId=${bulkId}`)
    expect(found.body).to.include({ count: 1 })
    const other = await call('GET', '/twin24/notify/messages?bulkId=f0a1b2c3-0000-4000-8000-000000000000')
    expect(other.body).to.deep.equal({ count: 0, items: [] })
    const window = 'from=2020-01-01T00%3A00%3A00%2B00%3A00&to=2099-01-01T00%3A00%3A00%2B00%3A00'
    const path = '/twin24/analyse/statistics/messaging/messages'
    const statistics = await call('GET', `${path}?${window}&channel=CHAT&fields=id,providerMessageId,status`)
    expect((statistics.body.items as object[])[0]).to.include({ id: item?.id, status: 'DELIVERED' })
    // A plus that was not encoded is a blank.
    const plain = window.replaceAll('%2B', '+')
    expect(await call('GET', `${path}?${plain}&channel=CHAT&fields=id`)).to.include({ status: 400 })
  })

  const faults: [label: string, message: object, envelope: object, error: RegExp][] = [
    ['a phone with +', aMessage({ destinations: [{ phone: '+919810012345' }] }), {}, /without \+/],
    ['nobody to send to', aMessage({ destinations: [] }), {}, /destinations/],
    [
      'a variable that is a list',
      aMessage({ destinations: [{ phone: '919810012345', variables: { a: [] } }] }),
      {},
      /variable a/,
    ],
    ['another messenger', aMessage({ channels: { chat: { ...chat, messengerType: 'SMOKE' } } }), {}, /messengerType/],
    ['no bot', aMessage({ channels: { chat: { ...chat, botId: '' } } }), {}, /botId/],
    ['a field of a chat that is not known', aMessage({ channels: { chat: { ...chat, colour: 1 } } }), {}, /colour/],
    ['a field of a message that is not known', aMessage({ bulkId }), {}, /bulkId/],
    ['callback data that are no text', aMessage({ callbackData: { a: 1 } }), {}, /callbackData/],
    ['a bulk id that is no UUID', aMessage(), { bulkId: 'ours' }, /bulkId/],
    ['a group id that is no UUID', aMessage({ groupId: 'ours' }), {}, /groupId/],
  ]
  for (const [label, message, envelope, error] of faults) {
    it(`refuses ${label}`, async () => {
      const { status, body } = await create(message, envelope)
      expect(status).to.equal(422)
      expect(body.error).to.match(error)
    })
  }

  it('tells of a bot that it does not know in the item, inside a success', async () => {
    const { status, body } = await create(aMessage({ channels: { chat: { ...chat, botId: 'bot-9' } } }))
    expect(status).to.equal(200)
    expect((body as unknown as { id: null; error: { message: string } }[])[0]).to.deep.include({ id: null })
  })

  it('refuses a misspelled lie', async () => {
    expect(await call('POST', '/_sim/twin24/rules', { anwser: 'hang' })).to.include({ status: 400 })
    expect(await call('POST', '/_sim/twin24/rules', { phone: '+49', answer: 'hang' })).to.include({ status: 200 })
  })
})
