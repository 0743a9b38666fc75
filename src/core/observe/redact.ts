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

/** `+919810012345` -> `…2345`: enough to recognise, not enough to call. */
export const maskPhone = (phone: string | undefined): string | undefined => phone && `…${phone.slice(-4)}`

/** A secret as the API shows it: its last four characters. */
export const maskSecret = (secret: string): string => `…${secret.length >= 12 ? secret.slice(-4) : ''}`
