import { expect } from 'chai'
import nock from 'nock'
import type { OutgoingMessage, SendOutcome } from '../../src/core/contract/provider.ts'
import { retryAfterMs } from '../../src/core/contract/retry-after.ts'
import { createMetaAdapter } from '../../src/providers/meta/adapter.ts'
import { createHttpClient } from '../../src/providers/shared/http-client.ts'
import { messageBody } from '../../src/providers/whatsapp/payload.ts'
import { samples } from './samples/meta.ts'

const host = 'https://graph.facebook.com'
const path = '/v24.0/810000000000001/messages'
const http = createHttpClient({ connectMs: 5000, totalMs: 30_000, maxBytes: 1_048_576 })
const message: OutgoingMessage = {
  phone: '+4915550001111',
  content: { type: 'text', text: 'Hello' },
  reference: 'ob_1',
}

const send = (settings = {}, credentials = {}): Promise<SendOutcome> =>
  createMetaAdapter({ http, settings }).send(message, {
    id: '1',
    credentials: { ...samples.credentials, ...credentials },
  })

describe('meta: one message to Meta', () => {
  before(() => {
    if (!nock.isActive()) nock.activate()
    nock.disableNetConnect()
  })
  afterEach(() => {
    expect(nock.pendingMocks()).to.deep.equal([])
    nock.cleanAll()
  })
  after(() => {
    nock.enableNetConnect()
    nock.restore()
  })

  it('goes to the number with token and body, by default to Meta itself', async () => {
    nock(host, { reqheaders: { authorization: 'Bearer EAAsecretaccesstoken0001', 'content-type': 'application/json' } })
      .post(path, messageBody(message) as nock.DataMatcherMap)
      .reply(200, samples.accepted.body as nock.Body)
    const recipientId = '4915550001111'
    expect(await send()).to.deep.equal({ outcome: 'accepted', messageId: 'wamid.OUT1', recipientId })
  })

  it('takes host and version from the settings, and rather the version of the connection', async () => {
    const settings = { baseUrl: 'http://127.0.0.1:9/graph/', apiVersion: 'v25.0' }
    const answer = samples.accepted.body as nock.Body
    nock('http://127.0.0.1:9').post('/graph/v25.0/810000000000001/messages').reply(200, answer)
    expect((await send(settings)).outcome).to.equal('accepted')
    nock('http://127.0.0.1:9').post('/graph/v26.0/810000000000001/messages').reply(200, answer)
    expect((await send(settings, { apiVersion: 'v26.0' })).outcome).to.equal('accepted')
  })

  it('notes a template that is held back, and a recipient known by user id only', async () => {
    const contacts = [{ input: 'DE.2', user_id: 'DE.20000000000000001' }]
    const messages = [{ id: 'wamid.OUT2', message_status: 'held_for_quality_assessment' }]
    nock(host).post(path).reply(200, { messaging_product: 'whatsapp', contacts, messages })
    const note = 'held_for_quality_assessment'
    const recipientId = 'DE.20000000000000001'
    expect(await send()).to.deep.equal({ outcome: 'accepted', messageId: 'wamid.OUT2', recipientId, note })
  })

  it("does not note Meta's plain `accepted`", async () => {
    nock(host)
      .post(path)
      .reply(200, { messages: [{ id: 'wamid.OUT3', message_status: 'accepted' }] })
    expect(await send()).to.deep.equal({ outcome: 'accepted', messageId: 'wamid.OUT3' })
  })

  const refusals: [label: string, status: number, error: object, failure: object, outcome?: string][] = [
    [
      'details and trace id of the error',
      400,
      {
        message: '(#131009) x',
        code: 131009,
        error_data: { details: 'Parameter value is invalid' },
        fbtrace_id: 'Ab1',
      },
      { code: 'request_invalid', vendorCode: '131009', detail: '[fbtrace_id Ab1] Parameter value is invalid' },
    ],
    [
      'code as text, data as text, subcode',
      400,
      { message: 'x', code: '100', error_subcode: 33, error_data: 'Object does not exist' },
      { code: 'permission_missing', vendorCode: '100/33', detail: 'Object does not exist' },
    ],
    [
      'HTTP 500 that is a refusal',
      500,
      { message: 'Not registered', code: 131045 },
      { code: 'sender_not_registered', vendorCode: '131045', detail: 'Not registered' },
    ],
    [
      'HTTP 400 that is a fault of Meta',
      400,
      { message: 'Unknown', code: 1 },
      { code: 'provider_error', vendorCode: '1', detail: 'Unknown', transient: true },
      'in_doubt',
    ],
    [
      'a documented wait',
      500,
      { message: 'Maintenance', code: 131057 },
      { code: 'provider_error', vendorCode: '131057', detail: 'Maintenance', retryAfterMs: 60_000, transient: true },
      'in_doubt',
    ],
    ['no error object', 403, {}, { code: 'unknown_refusal', detail: 'HTTP 403' }],
  ]
  for (const [label, status, error, failure, outcome = 'refused'] of refusals) {
    it(`reads ${label}`, async () => {
      nock(host).post(path).reply(status, { error })
      expect(await send()).to.deep.equal({ outcome, failure })
    })
  }

  it('refuses a message without a recipient without asking Meta', async () => {
    const { phone: _, ...toNobody } = message
    const outcome = await createMetaAdapter({ http, settings: {} }).send(toNobody, { id: '1', credentials: {} })
    expect(outcome).to.deep.include({ outcome: 'refused' })
  })

  it('finds number and token in order, and a missing app secret', async () => {
    const scopes = ['whatsapp_business_messaging', 'whatsapp_business_management']
    const token = { app_id: '940000000000001', type: 'SYSTEM_USER', is_valid: true, expires_at: 0, scopes }
    const app = { whatsapp_business_api_data: { id: '940000000000001' } }
    const number = { id: '810000000000001', display_phone_number: '+49 30 555001', status: 'PENDING' }
    nock(host).get('/v24.0/debug_token').query(true).reply(200, { data: token })
    nock(host).get('/v24.0/810000000000001').query(true).twice().reply(200, number)
    nock(host)
      .get('/v24.0/910000000000001/phone_numbers')
      .query(true)
      .reply(200, { data: [number] })
    nock(host)
      .get('/v24.0/910000000000001/subscribed_apps')
      .reply(200, { data: [app] })
    const credentials = { ...samples.credentials, appSecret: '' }
    const checks = await createMetaAdapter({ http, settings: {} }).check({ id: '1', credentials })
    expect(checks.map(({ name, ok }) => `${name}: ${ok}`)).to.deep.equal([
      'access token: true',
      'token type: true',
      'token scopes: true',
      'token expiry: true',
      'phone number: true',
      'registration: false',
      'quality: true',
      'business account: true',
      'subscription: true',
      'app secret: false',
    ])
  })
})

describe('Retry-After', () => {
  const now = new Date('2026-11-20T12:00:00Z')
  const cases: [header: string | undefined, ms: number | undefined][] = [
    ['7', 7000],
    [' 0 ', 0],
    ['Fri, 20 Nov 2026 12:00:30 GMT', 30_000],
    ['Fri, 20 Nov 2026 11:00:00 GMT', 0],
    ['999999999', 86_400_000],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ]
  for (const [header, ms] of cases) {
    it(`${JSON.stringify(header)} is ${ms} ms`, () => expect(retryAfterMs(header, now)).to.equal(ms))
  }
})
