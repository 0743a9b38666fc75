import type { ProviderDefinition } from '../../core/contract/provider.ts'
import { defaultLimits, messageLifetimeMs, pairLimit, serviceWindowMs } from '../whatsapp/limits.ts'
import { createDialog360Adapter } from './adapter.ts'
import { defaultBaseUrl } from './api.ts'
import { credentialFields } from './credentials.ts'

/** WhatsApp through 360dialog, which hosts Meta's Cloud API under keys and webhooks of its own. */
export const dialog360 = {
  id: '360dialog',
  name: '360dialog',
  capabilities: {
    echoesReference: true,
    readReceipts: true,
    freeForm: true,
    serviceWindowMs,
    // https://docs.360dialog.com/docs/messaging/webhook/webhook-reference
    retriesWebhooks: true,
    webhookProof: 'url',
    templates: 'registered',
    looksUp: false,
    dialogue: 'gateway',
  },
  credentialFields,
  senderIdField: 'phoneNumberId',
  // The key alone says which number sends: that a message was taken says nothing about the id that was entered.
  numberProof: ['check'],
  vendorAccountIdField: 'wabaId',
  messageLifetimeMs,
  environment: {
    settings: {
      baseUrl: { variable: 'DIALOG360_BASE_URL', help: "360dialog's Messaging API", default: defaultBaseUrl },
    },
  },
  defaultLimits,
  pairLimit,
  createAdapter: createDialog360Adapter,
} as const satisfies ProviderDefinition
