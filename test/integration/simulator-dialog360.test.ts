import { expect } from 'chai'
import { request } from 'undici'
import { createSimulator, type Simulator } from '../../src/providers/simulator/simulator.ts'
import { type ScriptedServer, startScriptedServer } from '../contract/scripted-server.ts'

const channel = {
  apiKey: 'key0001_AK',
  phoneNumberId: '830000000000001',
  wabaId: '930000000000001',
  displayPhoneNumber: '+91 11 5000 0001',
}

describe('simulator of 360dialog', () => {
  let simulator: Simulator
  let receiver: ScriptedServer

  before(async () => {
    receiver = await startScriptedServer()
    simulator = await createSimulator({ statusDelaysMs: { sent: 1, delivered: 1, read: 1 } }).start()
    const answer = await request(`${simulator.url}/_sim/dialog360/channels`, {
      method: 'POST',
      body: JSON.stringify(channel),
    })
    expect(answer.statusCode, await answer.body.text()).to.equal(200)
  })
  after(async () => {
    await simulator.close()
    await receiver.close()
  })

  async function call(method: 'GET' | 'POST', path: string, body?: object, key = channel.apiKey) {
    const answer = await request(`${simulator.url}/dialog360${path}`, {
      method,
      headers: { 'd360-api-key': key },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return { status: answer.statusCode, body: (await answer.body.json()) as Record<string, unknown> }
  }

  const text = { messaging_product: 'whatsapp', to: '+919810012345', type: 'text', text: { body: 'Hello' } }
  const template = {
    name: 'visit_reminder',
    language: 'en',
    category: 'UTILITY',
    components: [{ type: 'BODY', text: 'Hello' }],
  }

  it('refuses a wrong key in words of its own, and what Meta refuses in the words of Meta', async () => {
    const wrong = await call('POST', '/messages', text, 'another')
    expect(wrong).to.deep.equal({
      status: 401,
      body: { meta: { success: false, http_code: 401, developer_message: 'Invalid api_key' } },
    })
    const { status, body } = await call('POST', '/messages', { ...text, colour: 'red' })
    expect(status).to.equal(400)
    expect(body.error).to.deep.include({ code: 100 })
    expect((await call('GET', '/nothing')).status).to.equal(404)
  })

  it("takes no key for Meta's token, and no token of Meta's for a key", async () => {
    const answer = await request(`${simulator.url}/v24.0/${channel.phoneNumberId}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${channel.apiKey}` },
      body: JSON.stringify(text),
    })
    expect(answer.statusCode).to.equal(401)
    await answer.body.dump()
  })

  it('sends webhooks unsigned, with the headers that it was told, and again until they are answered 200', async () => {
    let calls = 0
    receiver.play((response) => response.writeHead(calls++ === 0 ? 202 : 200).end())
    const webhook = { url: `${receiver.url}/hook`, headers: { Authorization: 'Basic dTpw' } }
    expect((await call('POST', '/v1/configs/webhook', { ...webhook, colour: 'red' })).status).to.equal(400)
    expect((await call('POST', '/v1/configs/webhook', { url: 'nowhere' })).status).to.equal(400)
    expect(await call('POST', '/v1/configs/webhook', webhook)).to.deep.equal({ status: 200, body: webhook })
    expect((await call('GET', '/v1/configs/webhook')).body).to.deep.equal(webhook)

    simulator.openWindow('+919810012345')
    const { status, body } = await call('POST', '/v1/messages', { ...text, biz_opaque_callback_data: 'ours' })
    expect(status).to.equal(200)
    await simulator.idle()
    expect(receiver.seen).to.have.length(4)
    for (const { headers } of receiver.seen) {
      expect(headers).to.include({ authorization: 'Basic dTpw' })
      expect(headers).not.to.have.property('x-hub-signature-256')
    }
    const [{ id } = { id: '' }] = body.messages as { id: string }[]
    const told = JSON.parse(receiver.seen[0]?.body ?? '').entry[0].changes[0].value
    expect(told.metadata.phone_number_id).to.equal(channel.phoneNumberId)
    expect(told.statuses[0]).to.include({ id, biz_opaque_callback_data: 'ours' })
  })

  it('names number and account behind a key', async () => {
    const { body } = await call('GET', '/health_status')
    const { entities } = body.health_status as { entities: { entity_type: string; id: string }[] }
    expect(entities.map(({ entity_type, id }) => [entity_type, id])).to.deep.include.members([
      ['PHONE_NUMBER', channel.phoneNumberId],
      ['WABA', channel.wabaId],
    ])
  })

  it('registers templates as strictly as Meta, and lists them page by page', async () => {
    expect((await call('POST', '/v1/configs/templates', { ...template, name: 'Not Allowed' })).status).to.equal(400)
    for (const name of ['visit_a', 'visit_b', 'visit_c'])
      expect((await call('POST', '/v1/configs/templates', { ...template, name })).status).to.equal(201)
    const { body } = await call('GET', '/v1/configs/templates?limit=2&offset=2')
    expect(body).to.deep.include({ count: 1, total: 3, limit: 2, offset: 2 })
    expect(body.waba_templates).to.have.length(1)
    expect((body.waba_templates as object[])[0]).to.include({ name: 'visit_c', status: 'approved' })
  })

  it('tells lies in words of its own', async () => {
    simulator.addRule({ phone: '+919810012345', next: 1, error: { words: 'Internal server error', http: 500 } })
    expect((await call('POST', '/messages', text)).body.meta).to.include({ developer_message: 'Internal server error' })
  })
})
