import { createHmac, timingSafeEqual } from 'node:crypto'

const sha256Hex = /^[0-9a-f]{64}$/

/**
 * Is `signature` (64 lower-case hex digits) the HMAC-SHA256 of exactly these bytes under one of the secrets?
 * Every secret is tried in constant time, so that the duration tells neither how much fitted nor which one.
 * Empty secrets are left out: anybody could sign with them.
 */
export function isSignedWithAny(body: Buffer, signature: string, secrets: Iterable<string>): boolean {
  if (!sha256Hex.test(signature)) return false
  const given = Buffer.from(signature, 'hex')
  return [...secrets]
    .filter((secret) => secret !== '')
    .map((secret) => timingSafeEqual(createHmac('sha256', secret).update(body).digest(), given))
    .includes(true)
}
