/** What is sent to the gateway: events as the WMS publishes them, delivery reports as Meta signs them. */

import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { account, type Taken } from '../provider/provider.ts'

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

/** Events that differ in status log and phone, as real ones do. */
export const makeEvents = (count: number): EventBody[] => Array.from({ length: count }, makeEvent)

function makeEvent(): EventBody {
  const number = made++
  const phone = String(firstPhone + number)
  const text = fixture
    .replace(/"status_log_id":"?\d+"?/, `"status_log_id":"${800_000_000 + number}"`)
    .replace(/"customerContactNumber":"\d+"/, `"customerContactNumber":"${phone}"`)
  return { phone: `+91${phone}`, bytes: Buffer.from(text) }
}

export interface WebhookBody {
  readonly bytes: Buffer
  readonly signature: string
}

/** One webhook with one report about each message. */
export const makeWebhooks = (messages: readonly Taken[], status: string): WebhookBody[] =>
  messages.map((message) => {
    const bytes = Buffer.from(JSON.stringify(webhook(message, status)))
    return { bytes, signature: `sha256=${createHmac('sha256', account.appSecret).update(bytes).digest('hex')}` }
  })

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status */
function webhook({ messageId, reference, to }: Taken, status: string): object {
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
    metadata: { display_phone_number: '911140000777', phone_number_id: account.phoneNumberId },
    contacts: [{ profile: { name: 'Asha Nair' }, wa_id: waId, user_id: `IN.${waId}` }],
    statuses: [report],
  }
  const entry = [{ id: account.wabaId, changes: [{ value, field: 'messages' }] }]
  return { object: 'whatsapp_business_account', entry }
}
