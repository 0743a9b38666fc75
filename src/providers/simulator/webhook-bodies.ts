/** The bodies of Meta's webhooks. Pure. https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks */

import { digitsOf } from '../../core/contract/address.ts'
import { webhookError } from './graph-errors.ts'
import { userIdOf } from './ids.ts'
import type { Account, Template } from './inputs.ts'
import type { AcceptedMessage } from './ledger.ts'

/** Part of a webhook that is about messages: who it concerns, and a status or a message. */
export interface WebhookPart {
  readonly kind: string
  readonly contact?: object
  readonly status?: object
  readonly message?: object
}

export const seconds = (timeMs: number): string => String(Math.floor(timeMs / 1000))

export const contactOf = (waId: string, name: string): object => ({
  profile: { name },
  wa_id: waId,
  user_id: userIdOf(waId),
})

const envelope = (account: Account, field: string, value: object, time?: number): object => ({
  object: 'whatsapp_business_account',
  entry: [{ id: account.wabaId, ...(time === undefined ? {} : { time }), changes: [{ value, field }] }],
})

/** One webhook of the `messages` field with any number of parts; each contact is named once. */
export function messagesWebhook(account: Account, parts: readonly WebhookPart[]): object {
  const contacts = [
    ...new Map(parts.flatMap(({ contact }) => (contact ? [[JSON.stringify(contact), contact]] : []))).values(),
  ]
  const messages = parts.flatMap(({ message }) => message ?? [])
  const statuses = parts.flatMap(({ status }) => status ?? [])
  return envelope(account, 'messages', {
    messaging_product: 'whatsapp',
    metadata: {
      display_phone_number: digitsOf(account.displayPhoneNumber),
      phone_number_id: account.phoneNumberId,
    },
    ...(contacts.length > 0 ? { contacts } : {}),
    ...(messages.length > 0 ? { messages } : {}),
    ...(statuses.length > 0 ? { statuses } : {}),
  })
}

const pricingOf = (category: string): object =>
  category === 'service'
    ? { billable: false, pricing_model: 'PMP', type: 'free_customer_service', category }
    : { billable: true, pricing_model: 'PMP', type: 'regular', category }

export interface StatusNews {
  readonly message: AcceptedMessage
  readonly status: string
  /** Epoch milliseconds at which it happened. */
  readonly at: number
  readonly name: string
  /** With `failed`: why. */
  readonly failCode?: number
}

/** The news that a message of ours was sent, delivered, read, or failed; a failure names no contact. */
export function statusPart({ message, status, at, name, failCode }: StatusNews): WebhookPart {
  const isPriced = status === 'sent' || status === 'delivered'
  return {
    kind: status,
    ...(status === 'failed' ? {} : { contact: contactOf(message.to, name) }),
    status: {
      id: message.wamid,
      status,
      timestamp: seconds(at),
      ...(message.byUserId ? {} : { recipient_id: message.to }),
      ...(status === 'failed' && !message.byUserId ? {} : { recipient_user_id: userIdOf(message.to) }),
      ...(message.reference === undefined ? {} : { biz_opaque_callback_data: message.reference }),
      ...(isPriced ? { pricing: pricingOf(message.category) } : {}),
      ...(failCode === undefined ? {} : { errors: [webhookError(failCode)] }),
    },
  }
}

/** Any field with any value, as it stands in Meta's pages. */
export const fieldWebhook = (account: Account, field: string, value: object): object =>
  envelope(account, field, value, Math.floor(Date.now() / 1000))

/** The news that a template was reviewed; its id is a number here. */
export const templateStatusWebhook = (account: Account, template: Template): object =>
  envelope(
    account,
    'message_template_status_update',
    {
      event: template.status,
      message_template_id: Number(template.id),
      message_template_name: template.name,
      message_template_language: template.language,
      reason: 'NONE',
      message_template_category: template.category,
    },
    Math.floor(Date.now() / 1000),
  )
