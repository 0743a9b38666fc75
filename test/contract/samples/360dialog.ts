import type { ProviderSamples } from './provider-samples.ts'
import { accepted, acceptedWithoutId, ids, requests, webhooks } from './whatsapp.ts'

/** A refusal in 360dialog's own words. */
const inWords = (http_code: number, developer_message: string) => ({
  status: http_code,
  body: { meta: { success: false, http_code, developer_message } },
})

export const samples: ProviderSamples = {
  ...webhooks,
  settings: (baseUrl) => ({ baseUrl }),
  credentials: {
    ...ids,
    apiKey: 'secretApiKey0001_AK',
    webhookUser: 'gateway',
    webhookPassword: 'secret-webhook-password-0001',
  },
  requests: requests({
    path: '/messages',
    headers: { 'd360-api-key': 'secretApiKey0001_AK', 'content-type': 'application/json' },
  }),
  accepted,
  acceptedWithoutId,
  throttled: {
    ...inWords(400, 'You have exceeded the endpoint rate limit.'),
    headers: { 'retry-after': '7' },
    code: 'connection_throttled',
  },
  credentialsRefused: inWords(401, 'Invalid api_key'),
  serverError: inWords(500, 'Internal server error'),
  refusalThatRepeats: (text) => inWords(401, `Invalid api_key ${text}`),
  webhookHeaders: {
    authorization: `Basic ${Buffer.from('gateway:secret-webhook-password-0001').toString('base64')}`,
  },
  secretFields: [],
}
