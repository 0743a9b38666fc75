import type { ProviderDefinition } from '../../core/contract/provider.ts'
import { createTwin24Adapter } from './adapter.ts'
import { defaults } from './api.ts'
import { credentialFields, vendorId } from './credentials.ts'

/** Published nowhere: a cautious start, raised per connection by its limits. */
const defaultLimits = { messagesPerSecond: 5, concurrency: 4 }

/** TWIN (twin24.ai): WhatsApp through a bot scenario that carries the whole dialogue. */
export const twin24 = {
  id: 'twin24',
  name: 'TWIN (twin24.ai)',
  capabilities: {
    echoesReference: true,
    readReceipts: false,
    freeForm: false,
    retriesWebhooks: false,
    webhookProof: 'url',
    templates: 'mapped',
    looksUp: true,
    dialogue: 'provider',
  },
  credentialFields,
  templateFields: [
    {
      name: 'chatId',
      label: 'Chat ID',
      help: 'The WhatsApp chat (sender) in TWIN, from the address of its page.',
      required: true,
      sensitive: false,
      pattern: vendorId,
    },
    {
      name: 'botId',
      label: 'Bot ID',
      help: 'The scenario whose first block has the approved WhatsApp template attached, in this language.',
      required: true,
      sensitive: false,
      pattern: vendorId,
    },
  ],
  webhookSubpaths: ['actions'],
  // The longest validity of a message: 2880 minutes.
  messageLifetimeMs: 2 * 24 * 3_600_000,
  environment: {
    settings: {
      iamUrl: { variable: 'TWIN24_IAM_URL', help: "TWIN's login service", default: defaults.iamUrl },
      notifyUrl: { variable: 'TWIN24_NOTIFY_URL', help: "TWIN's notification service", default: defaults.notifyUrl },
      analyseUrl: { variable: 'TWIN24_ANALYSE_URL', help: "TWIN's statistics", default: defaults.analyseUrl },
    },
  },
  defaultLimits,
  pairLimit: { everyMs: 0, burst: 1 },
  createAdapter: createTwin24Adapter,
} as const satisfies ProviderDefinition
