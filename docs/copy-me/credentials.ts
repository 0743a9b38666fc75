import type { CredentialField } from '../../src/core/contract/provider.ts'

const printable = /^[\x21-\x7e]+$/

/**
 * What a connection at Copy Me is entered with. This one list checks what clients enter, decides what is masked in
 * answers, logs and errors, and is the table in docs/providers.md.
 */
export const credentialFields = [
  // Fill in: one entry for each thing that the vendor gives a client. `help` says where to find it, for somebody who
  // has never seen the vendor's site. `pattern` catches what is pasted wrong; when in doubt, let it pass.
  {
    name: 'senderId',
    label: 'Sender ID',
    help: 'Shown beside the phone number at the vendor. Not the phone number itself.',
    required: true,
    sensitive: false,
    pattern: /^[\w-]{1,64}$/,
  },
  {
    name: 'apiKey',
    label: 'API key',
    help: 'Settings, API keys; with the right to send.',
    required: true,
    sensitive: true,
    pattern: printable,
  },
  {
    name: 'webhookSecret',
    label: 'Webhook secret',
    help: 'Settings, Webhooks. Every webhook is verified with it.',
    required: true,
    sensitive: true,
    pattern: printable,
  },
  {
    name: 'previousWebhookSecret',
    label: 'Previous webhook secret',
    help: 'Only while the webhook secret is being changed: both are accepted.',
    required: false,
    sensitive: true,
    pattern: printable,
  },
] as const satisfies readonly CredentialField[]
