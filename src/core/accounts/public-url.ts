/** URLs that a client may name: shown to its customers, never fetched by us. */

import { z } from 'zod'

/** Names that mean something else inside a network than outside of it. */
const innerNames = /\.(localhost|local|internal|intranet|lan|home|corp|private|home\.arpa|in-addr\.arpa|ip6\.arpa)\.?$/i

/** `https`, a public name, nothing before it and no port: what looks like the portal is the portal. */
export const publicUrl = z
  .url({ protocol: /^https$/, hostname: z.regexes.domain, error: 'must be an https URL with a public name' })
  .refine(
    (text) => URL.canParse(text) && isPublic(new URL(text)),
    'must be an https URL with a public name, no user and no port',
  )

function isPublic({ hostname, username, password, port }: URL): boolean {
  return username === '' && password === '' && port === '' && !innerNames.test(hostname)
}
