import type { ProviderDefinition } from '../../core/contract/provider.ts'
import { createMetaAdapter } from './adapter.ts'
import { defaultApiVersion, defaultBaseUrl } from './graph.ts'

const digits = /^\d{5,20}$/
const printable = /^[\x21-\x7e]+$/

/** WhatsApp Cloud API of Meta. */
export const meta = {
  id: 'meta',
  name: 'Meta WhatsApp Cloud API',
  capabilities: {
    echoesReference: true,
    readReceipts: true,
    freeForm: true,
    // https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages#customer-service-windows
    serviceWindowMs: 24 * 3_600_000,
    retriesWebhooks: true,
    webhookProof: 'signature',
    templates: 'registered',
    looksUp: false,
    dialogue: 'gateway',
  },
  credentialFields: [
    {
      name: 'phoneNumberId',
      label: 'Phone number ID',
      help: 'WhatsApp Manager, Phone numbers, or the API setup page of the app. Not the phone number itself.',
      required: true,
      sensitive: false,
      pattern: digits,
    },
    {
      name: 'wabaId',
      label: 'WhatsApp Business Account ID',
      help: 'Shown beside the phone number ID; templates belong to it.',
      required: true,
      sensitive: false,
      pattern: digits,
    },
    {
      name: 'accessToken',
      label: 'Access token',
      help: 'Of a system user, never expiring, with whatsapp_business_messaging and whatsapp_business_management.',
      required: true,
      sensitive: true,
      pattern: printable,
    },
    {
      name: 'appSecret',
      label: 'App secret',
      help: 'Meta app, App settings, Basic. Every webhook is verified with it.',
      required: true,
      sensitive: true,
      pattern: printable,
    },
    {
      name: 'previousAppSecret',
      label: 'Previous app secret',
      help: 'Only while the app secret is being changed: both are accepted.',
      required: false,
      sensitive: true,
      pattern: printable,
    },
    {
      name: 'apiVersion',
      label: 'Graph API version',
      help: 'A version lives about two years; Meta serves an expired one with the oldest that still lives.',
      required: false,
      sensitive: false,
      pattern: /^v\d{1,3}\.\d$/,
      default: defaultApiVersion,
    },
  ],
  senderIdField: 'phoneNumberId',
  vendorAccountIdField: 'wabaId',
  // https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/time-to-live
  messageLifetimeMs: 30 * 24 * 3_600_000,
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
  // https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput and .../about-the-platform
  defaultLimits: { messagesPerSecond: 80, concurrency: 40 },
  pairLimit: { everyMs: 6_000, burst: 45 },
  createAdapter: createMetaAdapter,
} as const satisfies ProviderDefinition
