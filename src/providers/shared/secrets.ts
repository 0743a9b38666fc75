import { createHash, timingSafeEqual } from 'node:crypto'
import type { CredentialField, ProviderConnection } from '../../core/contract/provider.ts'

/** A text of a vendor's without these secrets: it is stored and shown, and vendors repeat what they were sent. */
const withoutSecrets = (text: string, secrets: readonly (string | undefined)[]): string =>
  secrets.reduce<string>((masked, secret) => (secret ? masked.replaceAll(secret, '***') : masked), text)

/** The same for all that is secret in a connection, by its provider's fields. */
export function secretsMask(fields: readonly CredentialField[]) {
  const names = fields.filter(({ sensitive }) => sensitive).map(({ name }) => name)
  return (text: string, { credentials, signingSecret }: ProviderConnection): string => {
    const secrets = [...names.map((name) => credentials[name] ?? ''), signingSecret ?? '']
    // The longest first: one may be part of another.
    return withoutSecrets(
      text,
      secrets.sort((a, b) => b.length - a.length),
    )
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Compares without telling by time how much agrees; digests, since lengths may differ. */
export const isSameSecret = (given: string, expected: string): boolean =>
  timingSafeEqual(digest(given), digest(expected))
