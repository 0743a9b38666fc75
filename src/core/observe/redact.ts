/** What never appears in a log line. */

/** Paths for the logger: whatever is called like a secret or names a person, at the depths that occur. */
export const redactedPaths: string[] = [
  'authorization',
  'password',
  'accessToken',
  'appSecret',
  'token',
  'credentials',
  'phone',
  'customerPhone',
  'customerName',
  'email',
  'text',
  'body',
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`])

/** A secret as the API shows it: its last four characters. */
export const maskSecret = (secret: string): string => `…${secret.length >= 12 ? secret.slice(-4) : ''}`
