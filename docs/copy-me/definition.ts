import type { ProviderDefinition } from '../../src/core/contract/provider.ts'
import { createCopyMeAdapter } from './adapter.ts'
import { defaultBaseUrl } from './api.ts'
import { credentialFields } from './credentials.ts'

/** Fill in: one sentence about the vendor, and a link to its documentation. */
export const copyMe = {
  id: 'copy-me',
  name: 'Copy Me',
  // Fill in: each flag by docs/add-a-provider.md, with a link to the vendor's page that says so. Where no page does, take
  // the cautious value and write it into the README's assumptions.
  capabilities: {
    echoesReference: true,
    readReceipts: true,
    freeForm: true,
    serviceWindowMs: 24 * 3_600_000,
    retriesWebhooks: true,
    webhookProof: 'signature',
    templates: 'registered',
    looksUp: false,
    dialogue: 'gateway',
  },
  credentialFields,
  senderIdField: 'senderId',
  // Fill in: how long the vendor tries to deliver a message.
  messageLifetimeMs: 24 * 3_600_000,
  environment: {
    settings: {
      baseUrl: { variable: 'COPY_ME_BASE_URL', help: 'API of Copy Me', default: defaultBaseUrl },
    },
  },
  // Fill in: what a new account may send. Too low costs time, too high costs refusals.
  defaultLimits: { messagesPerSecond: 10, concurrency: 10 },
  pairLimit: { everyMs: 6_000, burst: 10 },
  createAdapter: createCopyMeAdapter,
} as const satisfies ProviderDefinition
