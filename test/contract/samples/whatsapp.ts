/** What all hosts of WhatsApp's API have in common: requests, answers and webhooks. */

import type { Content } from '../../../src/core/contract/content.ts'
import { type ProviderSamples, reference, type SampleRequest } from './provider-samples.ts'

/** The business number and account that webhooks name. */
export const ids = { phoneNumberId: '810000000000001', wabaId: '910000000000001' } as const

/** A refusal by Meta. */
export const graphError = (code: number, message: string) => ({
  error: { message, type: 'OAuthException', code, fbtrace_id: 'AbCdEfGh123' },
})

const envelope = (value: Readonly<Record<string, unknown>>): Buffer => {
  const metadata = { display_phone_number: '4930555001', phone_number_id: ids.phoneNumberId }
  const change = { field: 'messages', value: { messaging_product: 'whatsapp', metadata, ...value } }
  const body = { object: 'whatsapp_business_account', entry: [{ id: ids.wabaId, changes: [change] }] }
  return Buffer.from(JSON.stringify(body))
}

const report = {
  id: 'wamid.OUT1',
  status: 'delivered',
  timestamp: '1700000102',
  recipient_id: '4915550001111',
  biz_opaque_callback_data: reference,
}
const reply = { from: '4915550001111', id: 'wamid.IN1', timestamp: '1700000300', type: 'text', text: { body: 'Yes' } }
const reportOf = (status: string, more: object = {}) => envelope({ statuses: [{ ...report, status, ...more }] })

export const webhooks = {
  webhook: envelope({ statuses: [report], messages: [reply] }),
  reports: {
    sent: reportOf('sent'),
    delivered: reportOf('delivered'),
    read: reportOf('read'),
    failed: reportOf('failed', { errors: [{ code: 131026, title: 'Message undeliverable' }] }),
  },
  unknownStatus: reportOf('teleported'),
  unknownType: envelope({ messages: [{ ...reply, type: 'hologram', hologram: { id: 'h1' } }] }),
  oneBad: envelope({ statuses: [{ status: 'sent' }, report] }),
}

export const accepted = {
  status: 200,
  body: { messaging_product: 'whatsapp', contacts: [{ wa_id: '4915550001111' }], messages: [{ id: 'wamid.OUT1' }] },
  messageId: 'wamid.OUT1',
}
export const acceptedWithoutId = { status: 200, body: { messaging_product: 'whatsapp', messages: [] } }

type Pair = readonly [content: Content, body: object]

const contents: readonly [Pair, ...Pair[]] = [
  [
    { type: 'text', text: 'Your parcel leaves today.' },
    { type: 'text', text: { preview_url: false, body: 'Your parcel leaves today.' } },
  ],
  [
    {
      type: 'template',
      template: { name: 'visit_reminder', language: 'en' },
      values: { customer: 'Asha Nair', order: '#98079' },
      buttons: ['g1.x.reattempt'],
    },
    {
      type: 'template',
      template: {
        name: 'visit_reminder',
        language: { code: 'en' },
        components: [
          {
            type: 'body',
            parameters: [
              { type: 'text', text: 'Asha Nair' },
              { type: 'text', text: '#98079' },
            ],
          },
          {
            type: 'button',
            sub_type: 'quick_reply',
            index: '0',
            parameters: [{ type: 'payload', payload: 'g1.x.reattempt' }],
          },
        ],
      },
    },
  ],
  [
    { type: 'buttons', text: 'Which day?', buttons: [{ id: 'd:2026-06-23', title: '23 June 2026' }] },
    {
      type: 'interactive',
      interactive: {
        type: 'button',
        body: { text: 'Which day?' },
        action: { buttons: [{ type: 'reply', reply: { id: 'd:2026-06-23', title: '23 June 2026' } }] },
      },
    },
  ],
  [
    { type: 'link', text: 'Your address', title: 'Update', url: 'https://example.com/t/91' },
    {
      type: 'interactive',
      interactive: {
        type: 'cta_url',
        body: { text: 'Your address' },
        action: { name: 'cta_url', parameters: { display_text: 'Update', url: 'https://example.com/t/91' } },
      },
    },
  ],
]

/** One request for each kind of content. */
export function requests(call: Pick<SampleRequest, 'path' | 'headers'>): ProviderSamples['requests'] {
  const requestOf = ([content, body]: Pair): SampleRequest => ({
    content,
    ...call,
    body: {
      messaging_product: 'whatsapp',
      recipient_type: 'individual',
      to: '+4915550001111',
      ...body,
      biz_opaque_callback_data: reference,
    },
  })
  const [first, ...others] = contents
  return [requestOf(first), ...others.map(requestOf)]
}
