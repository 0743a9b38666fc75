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

/** Words of ours, of the database's schema, of addresses of servers. */
const harmless = /^[a-z_][a-z0-9_.-]*$/
const quoted = /'([^']*)'|"([^"]*)"/g
/** Phone numbers, however they are written. */
const longNumber = /\+?\d[\d ()-]{5,}\d/g
const mailAddress = /[^\s@'"<>]+@[^\s@'"<>]+/g

/** An error's words without what they quote, which is somebody's data: a value of a row, a piece of a body. */
export const withoutQuotes = (words: string): string =>
  words
    .replace(quoted, (whole, one?: string, two?: string) => (harmless.test(one ?? two ?? '') ? whole : '…'))
    .replace(mailAddress, '…')
    .replace(longNumber, '…')
