/** What the floors take from an event, and the provider's request for it. */

import type { Snapshot } from './activity.ts'

export interface FloorEvent {
  readonly key: string
  readonly accountId: number
  /** E.164 */
  readonly phone: string
  readonly snapshot: Snapshot
}

export function eventOf(content: Buffer): FloorEvent {
  const event = JSON.parse(content.toString('utf8')) as { accountSlug: string; response_data: Record<string, string> }
  const data = event.response_data
  return {
    key: `fdr:${data.status_log_id}`,
    accountId: Number(data.account_id),
    phone: `+91${data.customerContactNumber}`,
    snapshot: {
      vendorOrderNumber: data.vendorOrderNumber ?? '',
      order_id: Number(data.order_id),
      account_id: Number(data.account_id),
      status: data.status ?? '',
      customerName: data.customerName ?? '',
      customerContactNumber: data.customerContactNumber ?? '',
      email: data.email ?? '',
      forwardTrackingID: data.trackingID ?? '',
      externalShipmentID: data.externalShipmentID ?? '',
      customerOrderNumber: data.customerOrderNumber ?? '',
      channelId: String(data.channel_id ?? ''),
      account_slug: event.accountSlug,
      brand: data.channelLabel ?? '',
    },
  }
}

/** The same request that the gateway makes of this event. */
export function templateMessage({ phone, snapshot }: FloorEvent, reference: string): string {
  const texts = [snapshot.customerName, snapshot.brand, snapshot.vendorOrderNumber, '1', 'customer unavailable']
  const parameters = texts.map((text) => ({ type: 'text', text }))
  const buttons = ['reattempt', 'reschedule', 'cancel'].map((action, index) => ({
    type: 'button',
    sub_type: 'quick_reply',
    index: String(index),
    parameters: [{ type: 'payload', payload: `v1.${reference}.${action}` }],
  }))
  return JSON.stringify({
    messaging_product: 'whatsapp',
    recipient_type: 'individual',
    to: phone,
    type: 'template',
    template: {
      name: 'fdr_customer_unavailable',
      language: { code: 'en' },
      components: [{ type: 'body', parameters }, ...buttons],
    },
    biz_opaque_callback_data: `${reference}.1`,
  })
}
