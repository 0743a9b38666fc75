/** The phone number object, as Meta shows it to who asks. */

import type { Account } from './inputs.ts'

const defaultFields = ['verified_name', 'display_phone_number', 'quality_rating', 'id']

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/phone-numbers */
const everyField = (account: Account): Readonly<Record<string, unknown>> => ({
  id: account.phoneNumberId,
  display_phone_number: account.displayPhoneNumber,
  verified_name: 'Simulated Business',
  quality_rating: 'GREEN',
  status: 'CONNECTED',
  name_status: 'APPROVED',
  code_verification_status: 'VERIFIED',
  platform_type: 'CLOUD_API',
  throughput: { level: 'STANDARD' },
  account_mode: 'LIVE',
  is_official_business_account: false,
  is_on_biz_app: false,
  whatsapp_business_manager_messaging_limit: 'TIER_2K',
  webhook_configuration: account.webhookUrl === undefined ? {} : { application: account.webhookUrl },
  health_status: {
    can_send_message: 'AVAILABLE',
    entities: [
      { entity_type: 'PHONE_NUMBER', id: account.phoneNumberId, can_send_message: 'AVAILABLE' },
      { entity_type: 'WABA', id: account.wabaId, can_send_message: 'AVAILABLE' },
      { entity_type: 'APP', id: account.appId, can_send_message: 'AVAILABLE' },
    ],
  },
  ...account.phoneFields,
})

/**
 * The fields asked for, always with `id`.
 * @param fields comma-separated names; null for Meta's own choice
 */
export function phoneNumber(account: Account, fields: string | null): { value: object } | { unknownField: string } {
  const known = everyField(account)
  const asked = fields ? [...new Set([...fields.split(','), 'id'])] : defaultFields
  const unknownField = asked.find((field) => !Object.hasOwn(known, field))
  if (unknownField !== undefined) return { unknownField }
  return { value: Object.fromEntries(asked.map((field) => [field, known[field]])) }
}
