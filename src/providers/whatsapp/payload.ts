/**
 * Our content as the body of `POST …/messages`.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
 */

import { digitsOf } from '../../core/contract/address.ts'
import type { ButtonsContent, Content, LinkContent, TemplateContent, TextContent } from '../../core/contract/content.ts'
import type { OutgoingMessage } from '../../core/contract/provider.ts'

/** The request body. @throws {TypeError} when the message has neither phone nor user id */
export const messageBody = (message: OutgoingMessage): Record<string, unknown> => ({
  messaging_product: 'whatsapp',
  recipient_type: 'individual',
  ...recipientOf(message),
  type: vendorType[message.content.type],
  ...(message.contextMessageId && { context: { message_id: message.contextMessageId } }),
  ...contentOf(message.content),
  biz_opaque_callback_data: message.reference,
})

/** Without `+` WhatsApp may put the country code of the business number in front and write to a stranger. */
function recipientOf({ phone, userId }: OutgoingMessage): Record<string, string> {
  if (phone) return { to: `+${digitsOf(phone)}` }
  if (userId) return { recipient: userId }
  throw new TypeError('a message needs a phone or a user id')
}

const vendorType = { template: 'template', text: 'text', buttons: 'interactive', link: 'interactive' } as const

function contentOf(content: Content): Record<string, unknown> {
  switch (content.type) {
    case 'template':
      return { template: templateOf(content) }
    case 'text':
      return { text: textOf(content) }
    case 'buttons':
      return { interactive: buttonsOf(content) }
    case 'link':
      return { interactive: linkOf(content) }
  }
}

function templateOf({ template, values, buttons }: TemplateContent) {
  const parameters = Object.values(values).map((value) => ({ type: 'text', text: parameterText(value) }))
  const components = [
    ...(parameters.length > 0 ? [{ type: 'body', parameters }] : []),
    ...buttons.map((payload, index) => ({
      type: 'button',
      sub_type: 'quick_reply',
      index: String(index),
      parameters: [{ type: 'payload', payload }],
    })),
  ]
  const language = { code: template.language }
  return { name: template.name, language, ...(components.length > 0 && { components }) }
}

/** WhatsApp refuses a parameter with a newline, a tab or more than four spaces in a row. */
const parameterText = (value: string): string => value.replace(/[\r\n\t]+/g, ' ').replace(/ {5,}/g, '    ')

const textOf = ({ text }: TextContent) => ({ preview_url: false, body: text })

const buttonsOf = ({ text, buttons }: ButtonsContent) => ({
  type: 'button',
  body: { text },
  action: { buttons: buttons.map(({ id, title }) => ({ type: 'reply', reply: { id, title } })) },
})

const linkOf = ({ text, title, url }: LinkContent) => ({
  type: 'cta_url',
  body: { text },
  action: { name: 'cta_url', parameters: { display_text: title, url } },
})
