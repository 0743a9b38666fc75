import { bulkIdOf, signedReference } from '../../../src/providers/twin24/reference.ts'
import { type ProviderSamples, reference } from './provider-samples.ts'

const connection = {
  signingSecret: 'secret_signing_0001',
  templates: { 'fdr_otp_cancellation.en': { chatId: 'b1f0-chat', botId: 'c2e1-bot' } },
}

/** A JWT that lives until 2100. */
const token = `head.${Buffer.from('{"exp":4102444800.5}').toString('base64url')}.tail`

const signed = signedReference(reference, { id: '1', credentials: {}, ...connection })

const item = {
  id: '5f5e1e9c-0000-4000-8000-000000000001',
  bulkId: '5f5e1e9c-0000-4000-8000-00000000000b',
  groupId: null,
  flowId: '5f5e1e9c-0000-4000-8000-00000000000f',
  status: 'CREATED',
  channel: 'CHAT',
  error: null,
}

const callback = {
  id: item.id,
  bulkId: item.bulkId,
  oldStatus: 'PENDING',
  newStatus: 'DELIVERED',
  oldStatusCode: 2,
  newStatusCode: 6,
  price: 0,
  partCount: 1,
  callbackData: signed,
}

const webhook = (...elements: object[]): Buffer => Buffer.from(JSON.stringify(elements))
const reportOf = (newStatus: string) => webhook({ ...callback, newStatus })

export const samples: ProviderSamples = {
  settings: (baseUrl) => ({
    iamUrl: `${baseUrl}/iam`,
    notifyUrl: `${baseUrl}/notify`,
    analyseUrl: `${baseUrl}/analyse`,
  }),
  credentials: { email: 'gateway@example.com', password: 'secret-password-0001' },
  connection,
  requests: [
    {
      content: {
        type: 'template',
        template: { name: 'fdr_otp_cancellation', language: 'en' },
        values: { customer: 'Asha Nair' },
        buttons: [],
      },
      path: '/notify/messages',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: {
        bulkId: bulkIdOf(reference),
        messages: [
          {
            channels: {
              chat: {
                chatId: 'b1f0-chat',
                botId: 'c2e1-bot',
                messengerType: 'WHATSAPP',
                chatSessionName: signed,
                provider: 'TWIN',
              },
            },
            groupId: bulkIdOf(reference),
            callbackUrl: 'https://gateway.example.com/webhooks/any/key',
            callbackData: signed,
            destinations: [
              {
                phone: '4915550001111',
                messengerUserId: '4915550001111',
                variables: { customer: 'Asha Nair', ref: signed },
              },
            ],
          },
        ],
      },
    },
  ],
  login: { path: '/iam/auth/login', answer: { status: 200, body: { token, refreshToken: 'refresh' } } },
  accepted: { status: 200, body: [item], messageId: item.id },
  acceptedWithoutId: { status: 201, body: [{ ...item, id: null }] },
  throttled: {
    status: 429,
    body: { error: 'Too many requests' },
    headers: { 'retry-after': '7' },
    code: 'connection_throttled',
  },
  credentialsRefused: { status: 401, body: { error: 'Token is expired.' } },
  serverError: { status: 500, body: { error: 'Internal error' } },
  itemError: { status: 200, body: [{ ...item, id: null, error: { message: 'Message rejected', trace: [] } }] },
  refusalThatRepeats: (text) => ({ status: 422, body: { error: { message: `Bad value ${text}`, trace: [] } } }),
  webhook: webhook(callback, { ref: signed, action: 'REATTEMPT' }),
  reports: {
    sent: reportOf('SENT'),
    delivered: reportOf('DELIVERED'),
    read: reportOf('READ'),
    failed: reportOf('UNDELIVERED'),
  },
  unknownStatus: reportOf('teleported'),
  forged: [
    webhook({ ...callback, callbackData: signed.replace(/.{22}$/, (mac) => [...mac].reverse().join('')) }),
    webhook({ ref: signed.replace('0123', '3210'), action: 'CANCEL' }),
    webhook({ ref: reference, action: 'CANCEL' }),
  ],
  oneBad: webhook({ newStatus: 'DELIVERED' }, callback),
  secretFields: [],
}
