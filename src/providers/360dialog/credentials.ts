import type { CredentialField } from '../../core/contract/provider.ts'

const digits = /^\d{5,20}$/
const printable = /^[\x21-\x7e]{1,255}$/

/** What a connection at 360dialog is entered with. */
export const credentialFields = [
  {
    name: 'apiKey',
    label: 'API key',
    help: '360dialog Hub, the number, API keys. One key for each number.',
    required: true,
    sensitive: true,
    pattern: printable,
  },
  {
    name: 'phoneNumberId',
    label: 'Phone number ID',
    help: 'Of Meta, not the phone number itself: GET /health_status names it, and so does every webhook.',
    required: true,
    sensitive: false,
    pattern: digits,
  },
  {
    name: 'wabaId',
    label: 'WhatsApp Business Account ID',
    help: 'Named beside it. Without it, news about templates and restrictions cannot be told to be of this connection.',
    required: false,
    sensitive: false,
    pattern: digits,
  },
  {
    name: 'webhookUser',
    label: 'User of the webhook',
    help: 'With the password: what 360dialog has to send along as Authorization (Basic). No colon.',
    required: false,
    sensitive: false,
    pattern: /^[\x21-\x39\x3b-\x7e]{1,128}$/,
    togetherWith: 'webhookPassword',
  },
  {
    name: 'webhookPassword',
    label: 'Password of the webhook',
    help: 'With the user: webhooks that do not bring both are refused. At least 16 characters.',
    required: false,
    sensitive: true,
    pattern: /^[\x21-\x7e]{16,255}$/,
    togetherWith: 'webhookUser',
  },
] as const satisfies readonly CredentialField[]
