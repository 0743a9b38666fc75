/**
 * Our reference as it travels through TWIN: signed, because TWIN's calls carry no signature. The same text goes out as
 * `callbackData`, as the variable `ref` and as the name of the chat session.
 */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { ProviderConnection } from '../../core/contract/provider.ts'

const macBytes = 16
const pattern = /^v1\.([\w.-]{1,64})\.([\w-]{22})$/

/** `v1.<reference>.<HMAC>`. @throws {TypeError} when the connection has nothing to sign with */
export function signedReference(reference: string, { signingSecret }: ProviderConnection): string {
  if (!signingSecret) throw new TypeError('the connection has no secret to sign with')
  return `v1.${reference}.${macOf(reference, signingSecret).toString('base64url')}`
}

/** The reference, if one of the connections signed it. */
export function readSignedReference(text: string, connections: readonly ProviderConnection[]): string | undefined {
  const [, reference, mac] = pattern.exec(text) ?? []
  if (!reference || !mac) return undefined
  const given = Buffer.from(mac, 'base64url')
  const isOurs = connections
    .flatMap(({ signingSecret }) => signingSecret || [])
    .map((secret) => timingSafeEqual(macOf(reference, secret), given))
    .includes(true)
  return isOurs ? reference : undefined
}

const macOf = (reference: string, secret: string): Buffer =>
  createHmac('sha256', secret).update(`reference/${reference}`).digest().subarray(0, macBytes)

/**
 * The reference as a UUID (version 8, made from its hash): the form in which TWIN shows every `bulkId`, by which a
 * message is found again.
 */
export function bulkIdOf(reference: string): string {
  const bytes = createHash('sha256').update(reference).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
