import { createHmac } from 'node:crypto'
import type { Content } from '../../src/core/contract/content.ts'
import { type ProviderSamples, reference, type SampleRequest } from '../../test/contract/samples/provider-samples.ts'

// Fill in: everything here as the vendor writes it, from its pages or from a recorded call; no real data.

const errorBody = (code: string, message: string) => ({ error: { code, message } })

const webhook = (...events: object[]): Buffer => Buffer.from(JSON.stringify({ senderId: 'sender-1', events }))

const report = {
  event: 'status',
  messageId: 'm-1',
  reference,
  status: 'delivered',
  to: '4915550001111',
  at: '2026-06-24T10:00:00Z',
}
const reply = { event: 'message', id: 'in-1', type: 'text', from: '4915550001111', text: 'Yes', at: report.at }

const reportOf = (status: string, more: object = {}) => webhook({ ...report, status, ...more })

/** The request that a message with this content must become, compared whole. */
const requestFor = (content: Content, said: object): SampleRequest => ({
  content,
  path: '/v1/messages',
  headers: { authorization: 'Bearer secret-api-key-0001', 'content-type': 'application/json' },
  body: { from: 'sender-1', to: '4915550001111', reference, ...said },
})

const template = { name: 'visit_reminder', language: 'en' }
const buttons = [{ id: 'd:2026-06-23', title: '23 June 2026' }]
const link = { title: 'Update', url: 'https://example.com/t/91' }

export const samples: ProviderSamples = {
  settings: (baseUrl) => ({ baseUrl }),
  credentials: {
    senderId: 'sender-1',
    apiKey: 'secret-api-key-0001',
    webhookSecret: 'secret-webhook-0001',
    previousWebhookSecret: 'secret-webhook-0000',
  },
  requests: [
    requestFor({ type: 'text', text: 'Your parcel leaves today.' }, { text: 'Your parcel leaves today.' }),
    requestFor(
      { type: 'template', template, values: { customer: 'Asha Nair' }, buttons: ['g1.x.reattempt'] },
      { template: { ...template, variables: ['Asha Nair'], buttonPayloads: ['g1.x.reattempt'] } },
    ),
    requestFor({ type: 'buttons', text: 'Which day?', buttons }, { text: 'Which day?', buttons }),
    requestFor({ type: 'link', text: 'Your address', ...link }, { text: 'Your address', link }),
  ],
  accepted: { status: 201, body: { id: 'm-1', status: 'queued' }, messageId: 'm-1' },
  acceptedWithoutId: { status: 201, body: { status: 'queued' } },
  throttled: {
    status: 429,
    body: errorBody('RATE_LIMITED', 'Slow down'),
    headers: { 'retry-after': '7' },
    code: 'connection_throttled',
  },
  credentialsRefused: { status: 401, body: errorBody('INVALID_KEY', 'No such key') },
  serverError: { status: 500, body: errorBody('INTERNAL', 'Something went wrong') },
  refusalThatRepeats: (text) => ({ status: 400, body: errorBody('BAD_REQUEST', `Bad value ${text}`) }),
  webhook: webhook(report, reply),
  reports: {
    sent: reportOf('sent'),
    delivered: reportOf('delivered'),
    read: reportOf('read'),
    failed: reportOf('failed', { error: { code: 'NOT_ON_WHATSAPP' } }),
  },
  unknownStatus: reportOf('teleported'),
  unknownType: webhook({ ...reply, type: 'hologram' }),
  oneBad: webhook({ event: 'status', status: 'sent' }, report),
  sign: (body, secret) => ({
    'x-copy-me-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  }),
  secretFields: ['webhookSecret', 'previousWebhookSecret'],
}
