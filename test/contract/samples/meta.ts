import { createHmac } from 'node:crypto'
import type { ProviderSamples } from './provider-samples.ts'
import { accepted, acceptedWithoutId, graphError, ids, requests, webhooks } from './whatsapp.ts'

export const samples: ProviderSamples = {
  ...webhooks,
  settings: (baseUrl) => ({ baseUrl }),
  credentials: {
    ...ids,
    accessToken: 'EAAsecretaccesstoken0001',
    appSecret: 'secret_app_secret_0001',
    previousAppSecret: 'secret_app_secret_0000',
  },
  requests: requests({
    path: `/v24.0/${ids.phoneNumberId}/messages`,
    headers: { authorization: 'Bearer EAAsecretaccesstoken0001', 'content-type': 'application/json' },
  }),
  accepted,
  acceptedWithoutId,
  throttled: {
    status: 400,
    body: graphError(130429, 'Rate limit hit'),
    headers: { 'retry-after': '7' },
    code: 'connection_throttled',
  },
  credentialsRefused: { status: 401, body: graphError(190, 'Session has expired') },
  serverError: { status: 500, body: graphError(131000, 'Something went wrong') },
  refusalThatRepeats: (text) => ({ status: 401, body: graphError(190, `Malformed access token ${text}`) }),
  sign: (body, secret) => ({
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  }),
  secretFields: ['appSecret', 'previousAppSecret'],
}
