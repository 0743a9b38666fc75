import type { ProviderDefinition } from '../../core/contract/provider.ts'
import { defaultLimits, messageLifetimeMs, pairLimit, serviceWindowMs } from '../whatsapp/limits.ts'
import { createMetaAdapter } from './adapter.ts'
import { credentialFields } from './credentials.ts'
import { defaultApiVersion, defaultBaseUrl } from './defaults.ts'

/** WhatsApp Cloud API of Meta. */
export const meta = {
  id: 'meta',
  name: 'Meta WhatsApp Cloud API',
  capabilities: {
    echoesReference: true,
    readReceipts: true,
    freeForm: true,
    serviceWindowMs,
    retriesWebhooks: true,
    webhookProof: 'signature',
    templates: 'registered',
    managesTemplates: true,
    subscribes: true,
    looksUp: false,
    dialogue: 'gateway',
  },
  credentialFields,
  senderIdField: 'phoneNumberId',
  numberProof: ['check', 'send'],
  vendorAccountIdField: 'wabaId',
  messageLifetimeMs,
  environment: {
    settings: {
      baseUrl: { variable: 'META_BASE_URL', help: 'Meta Graph API', default: defaultBaseUrl },
      apiVersion: {
        variable: 'META_API_VERSION',
        help: 'Its version, where a connection names none',
        default: defaultApiVersion,
        pattern: /^v\d+\.\d+$/,
      },
    },
    platform: {
      credentials: {
        phoneNumberId: 'WHATSAPP_PHONE_NUMBER_ID',
        wabaId: 'WHATSAPP_BUSINESS_ACCOUNT_ID',
        accessToken: 'WHATSAPP_ACCESS_TOKEN',
        appSecret: 'WHATSAPP_APP_SECRET',
        apiVersion: 'WHATSAPP_API_VERSION',
      },
      businessPhone: 'WHATSAPP_BUSINESS_PHONE',
      verifyToken: 'WHATSAPP_WEBHOOK_VERIFY_TOKEN',
    },
    webhookAliases: ['/api/v1/whatsapp/webhook'],
  },
  defaultLimits,
  pairLimit,
  createAdapter: createMetaAdapter,
} as const satisfies ProviderDefinition
