/** Secrets at rest: AES-256-GCM, a key id in every value so that keys can be rotated, and bound to their place. */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

export interface SecretBox {
  /** Seals a secret for one place (e.g. `account/379/connection/<key>/accessToken`); it opens nowhere else. */
  seal(secret: string, place: string): string
  /**
   * Opens what {@link SecretBox.seal} made.
   * @throws {Error} when the key is unknown, the value was changed, or it was moved to another place
   */
  open(sealed: string, place: string): string
  /** Was it sealed with the key that seals now? */
  isCurrent(sealed: string): boolean
  /** Id of the key that seals now. */
  readonly sealingKeyId: string
}

const version = 'v1'

/**
 * @param keyRing `<keyId>:<base64 of 32 bytes>[,...]`; the first key seals, every key opens
 * @throws {Error} when the ring is empty or a key has the wrong form
 */
export function createSecretBox(keyRing: string): SecretBox {
  const keys = parseKeyRing(keyRing)
  const [sealingId = ''] = keys.keys()
  return {
    sealingKeyId: sealingId,
    isCurrent: (sealed) => sealed.startsWith(`${version}:${sealingId}:`),
    seal(secret, place) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', keyOf(keys, sealingId), nonce).setAAD(Buffer.from(place))
      const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return [version, sealingId, ...[nonce, sealed, cipher.getAuthTag()].map((part) => part.toString('base64'))].join(
        ':',
      )
    },
    open(text, place) {
      const [format, keyId, nonce = '', sealed = '', tag = ''] = text.split(':')
      if (format !== version) throw new Error('sealed value of an unknown format')
      const decipher = createDecipheriv('aes-256-gcm', keyOf(keys, keyId), Buffer.from(nonce, 'base64'), {
        authTagLength: 16,
      })
        .setAAD(Buffer.from(place))
        .setAuthTag(Buffer.from(tag, 'base64'))
      return decipher.update(Buffer.from(sealed, 'base64'), undefined, 'utf8') + decipher.final('utf8')
    },
  }
}

/** A new ring with one key, for an installation that starts by itself. */
export const newKeyRing = (): string => `k1:${randomBytes(32).toString('base64')}`

/** 32 bytes are 43 characters; Node skips what is not base64, which would make some other key of it. */
const entryPattern = /^([\w-]{1,32}):([A-Za-z0-9+/]{43}=?)$/

function parseKeyRing(ring: string): Map<string, Buffer> {
  const entries = ring.split(',').map((entry) => entryPattern.exec(entry.trim()) ?? [])
  const keys = new Map(entries.map(([, id = '', key = '']) => [id, Buffer.from(key, 'base64')]))
  if (keys.has('')) throw new Error('SECRETS_KEYS must be <keyId>:<base64 of 32 bytes>[,<keyId>:<base64>...]')
  if (keys.size < entries.length) throw new Error('SECRETS_KEYS has two keys of the same id')
  return keys
}

function keyOf(keys: Map<string, Buffer>, id: string | undefined): Buffer {
  const key = id === undefined ? undefined : keys.get(id)
  if (!key) throw new Error(`no key ${id} in the key ring`)
  return key
}
