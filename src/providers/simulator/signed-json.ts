/** The bytes that Meta puts on the wire, and the signature over them. */

import { createHmac } from 'node:crypto'

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/**
 * Serialises as Meta does: non-ASCII as lower-case `\uXXXX`, `/` as `\/`. A receiver that parses and serialises again
 * gets other bytes. https://developers.facebook.com/docs/graph-api/webhooks/getting-started
 */
export const metaJson = (value: unknown): string =>
  JSON.stringify(value)
    .replaceAll('/', '\\/')
    .replace(/[\u007f-\uffff]/g, escaped)

/** The headers of Meta's webhooks. */
export const signedHeaders = (body: string, appSecret: string): Record<string, string> => ({
  'user-agent': 'facebookexternalua',
  'x-hub-signature-256': signature(body, appSecret),
})

/** The value of `X-Hub-Signature-256` for a body. */
export const signature = (body: string | Buffer, appSecret: string): string =>
  `sha256=${createHmac('sha256', appSecret).update(body).digest('hex')}`
