import { createHmac } from 'node:crypto'
import type { ProviderSamples } from '../../test/contract/samples/provider-samples.ts'

// Fill in: everything here as the vendor writes it, from its pages or from a recorded call; no real data.

const errorBody = (code: string, message: string) => ({ error: { code, message } })

const webhook = (...events: object[]): Buffer => Buffer.from(JSON.stringify({ senderId: 'sender-1', events }))

const report = {
  event: 'status',
  messageId: 'm-1',
  reference: 'ref-0123456789abcdef',
  status: 'delivered',
  to: '4915550001111',
  at: '2026-06-24T10:00:00Z',
}
const reply = { event: 'message', id: 'in-1', type: 'text', from: '4915550001111', text: 'Yes', at: report.at }

export const samples: ProviderSamples = {
  settings: (baseUrl) => ({ baseUrl }),
  credentials: {
    senderId: 'sender-1',
    apiKey: 'secret-api-key-0001',
    webhookSecret: 'secret-webhook-0001',
    previousWebhookSecret: 'secret-webhook-0000',
  },
  content: { type: 'text', text: 'Your parcel leaves today.' },
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
  unknownStatus: webhook({ ...report, status: 'teleported' }),
  unknownType: webhook({ ...reply, type: 'hologram' }),
  oneBad: webhook({ event: 'status', status: 'sent' }, report),
  sign: (body, secret) => ({
    'x-copy-me-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  }),
  secretFields: ['webhookSecret', 'previousWebhookSecret'],
}
