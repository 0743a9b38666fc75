/**
 * Our content as the body of the vendor's `POST /messages`.
 * Fill in: a link to the vendor's page of that request.
 */

import { digitsOf } from '../../src/core/contract/address.ts'
import type { Content } from '../../src/core/contract/content.ts'
import type { OutgoingMessage, ProviderConnection } from '../../src/core/contract/provider.ts'

/** The request body for a message to a phone. Our reference goes with it: it is how a doubt is resolved. */
export const messageBody = (message: OutgoingMessage, phone: string, { credentials }: ProviderConnection) => ({
  from: credentials.senderId,
  // Fill in: how the vendor writes phones; most want the digits alone.
  to: digitsOf(phone),
  reference: message.reference,
  ...(message.contextMessageId && { answers: message.contextMessageId }),
  ...contentOf(message.content),
})

// Fill in: the vendor's shape of each kind. Without `freeForm` only the first one is ever asked for.
function contentOf(content: Content): Record<string, unknown> {
  switch (content.type) {
    case 'template': {
      const { template, values, buttons } = content
      return { template: { ...template, variables: Object.values(values), buttonPayloads: buttons } }
    }
    case 'text':
      return { text: content.text }
    case 'buttons':
      return { text: content.text, buttons: content.buttons }
    case 'link':
      return { text: content.text, link: { title: content.title, url: content.url } }
  }
}
