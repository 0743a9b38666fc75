import type { CredentialField } from '../../core/contract/provider.ts'
import { defaultApiVersion } from './defaults.ts'

const digits = /^\d{5,20}$/
const printable = /^[\x21-\x7e]+$/

/** What a connection at Meta is entered with. */
export const credentialFields = [
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
] as const satisfies readonly CredentialField[]
