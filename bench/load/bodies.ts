/** What is sent to the gateway: events as the WMS publishes them, delivery reports as Meta signs them. */

import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Taken } from '../provider/provider.ts'
import { appSecret, senderOf, senderOfNumber } from '../provider/senders.ts'

const fixture = JSON.stringify(
  JSON.parse(readFileSync(new URL('../../test/fixtures/fdr-event.json', import.meta.url), 'utf8')),
)

export interface EventBody {
  /** E.164, by which the provider's side is recognised. */
  readonly phone: string
  readonly bytes: Buffer
}

const firstPhone = 7_000_000_000
let made = 0

/**
 * Events that differ in status log and phone, as real ones do.
 * @param senders accounts whose events they are, in turn
 */
export const makeEvents = (count: number, senders: number): EventBody[] =>
  Array.from({ length: count }, (_, index) => makeEvent(index % senders))

/** @param index of the sender whose event it is */
export function makeEvent(index: number): EventBody {
  const number = made++
  const phone = String(firstPhone + number)
  const { accountId, accountSlug } = senderOf(index)
  const text = fixture
    .replace(/"status_log_id":"?\d+"?/, `"status_log_id":"${800_000_000 + number}"`)
    .replace(/"customerContactNumber":"\d+"/, `"customerContactNumber":"${phone}"`)
    .replace(/"account_id":379/, `"account_id":${accountId}`)
    .replaceAll('"acme-store"', `"${accountSlug}"`)
  return { phone: `+91${phone}`, bytes: Buffer.from(text) }
}

export interface WebhookBody {
  /** Of the message that it is about. */
  readonly phoneNumberId: string
  readonly bytes: Buffer
  readonly signature: string
}

/** One webhook with one report about each message. */
export const makeWebhooks = (messages: readonly Taken[], status: string): WebhookBody[] =>
  messages.map((message) => {
    const bytes = Buffer.from(JSON.stringify(webhook(message, status)))
    const signature = `sha256=${createHmac('sha256', appSecret).update(bytes).digest('hex')}`
    return { phoneNumberId: message.phoneNumberId, bytes, signature }
  })

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status */
function webhook({ messageId, reference, to, phoneNumberId }: Taken, status: string): object {
  const sender = senderOfNumber(phoneNumberId)
  const waId = to.replace('+', '')
  const report = {
    id: messageId,
    status,
    timestamp: String(Math.floor(Date.now() / 1000)),
    recipient_id: waId,
    recipient_user_id: `IN.${waId}`,
    biz_opaque_callback_data: reference,
    pricing: { billable: true, pricing_model: 'PMP', type: 'regular', category: 'utility' },
  }
  const value = {
    messaging_product: 'whatsapp',
    metadata: { display_phone_number: sender.businessPhone.slice(1), phone_number_id: phoneNumberId },
    contacts: [{ profile: { name: 'Asha Nair' }, wa_id: waId, user_id: `IN.${waId}` }],
    statuses: [report],
  }
  const entry = [{ id: sender.credentials.wabaId, changes: [{ value, field: 'messages' }] }]
  return { object: 'whatsapp_business_account', entry }
}
