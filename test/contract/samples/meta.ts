import { createHmac } from 'node:crypto'
import type { ProviderSamples } from './provider-samples.ts'

const graphError = (code: number, message: string) => ({
  error: { message, type: 'OAuthException', code, fbtrace_id: 'AbCdEfGh123' },
})

const webhook = (value: Readonly<Record<string, unknown>>): Buffer => {
  const metadata = { display_phone_number: '4930555001', phone_number_id: '810000000000001' }
  const change = { field: 'messages', value: { messaging_product: 'whatsapp', metadata, ...value } }
  const body = { object: 'whatsapp_business_account', entry: [{ id: '910000000000001', changes: [change] }] }
  return Buffer.from(JSON.stringify(body))
}

const report = { id: 'wamid.OUT1', status: 'delivered', timestamp: '1700000102', recipient_id: '4915550001111' }
const reply = { from: '4915550001111', id: 'wamid.IN1', timestamp: '1700000300', type: 'text', text: { body: 'Yes' } }

export const samples: ProviderSamples = {
  settings: (baseUrl) => ({ baseUrl }),
  credentials: {
    phoneNumberId: '810000000000001',
    wabaId: '910000000000001',
    accessToken: 'EAAsecretaccesstoken0001',
    appSecret: 'secret_app_secret_0001',
    previousAppSecret: 'secret_app_secret_0000',
  },
  content: { type: 'text', text: 'Your parcel leaves today.' },
  accepted: {
    status: 200,
    body: { messaging_product: 'whatsapp', contacts: [{ wa_id: '4915550001111' }], messages: [{ id: 'wamid.OUT1' }] },
    messageId: 'wamid.OUT1',
  },
  acceptedWithoutId: { status: 200, body: { messaging_product: 'whatsapp', messages: [] } },
  throttled: {
    status: 400,
    body: graphError(130429, 'Rate limit hit'),
    headers: { 'retry-after': '7' },
    code: 'connection_throttled',
  },
  credentialsRefused: { status: 401, body: graphError(190, 'Session has expired') },
  serverError: { status: 500, body: graphError(131000, 'Something went wrong') },
  refusalThatRepeats: (text) => ({ status: 401, body: graphError(190, `Malformed access token ${text}`) }),
  webhook: webhook({ statuses: [report], messages: [reply] }),
  unknownStatus: webhook({ statuses: [{ ...report, status: 'teleported' }] }),
  unknownType: webhook({ messages: [{ ...reply, type: 'hologram', hologram: { id: 'h1' } }] }),
  oneBad: webhook({ statuses: [{ status: 'sent' }, report] }),
  sign: (body, secret) => ({
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  }),
  secretFields: ['appSecret', 'previousAppSecret'],
}
