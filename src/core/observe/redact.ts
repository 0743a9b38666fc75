/** What never appears in a log line. */

/** What carries a secret under our own names, or names a person. */
const alwaysRedacted = [
  'authorization',
  'token',
  'credentials',
  'phone',
  'customerPhone',
  'customerName',
  'email',
  'text',
  'body',
]

/**
 * Paths for the logger, at the depths that occur.
 * @param secretNames names of the sensitive credentials of all providers
 */
export const redactedPaths = (secretNames: readonly string[]): string[] =>
  [...new Set([...alwaysRedacted, ...secretNames])].flatMap((name) => [name, `*.${name}`, `*.*.${name}`])

/** A secret as the API shows it: its last four characters. */
export const maskSecret = (secret: string): string => `…${secret.length >= 12 ? secret.slice(-4) : ''}`
