/** Meta's handshake with a callback URL: does it echo the challenge? */

import { randomInt } from 'node:crypto'
import { request } from 'undici'

export interface Verification {
  readonly ok: boolean
  readonly detail: string
}

/** https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests */
export async function verifyWebhook(url: string, verifyToken: string): Promise<Verification> {
  const challenge = String(randomInt(1_000_000_000, 2_000_000_000))
  try {
    const target = new URL(url)
    const asked = { 'hub.mode': 'subscribe', 'hub.challenge': challenge, 'hub.verify_token': verifyToken }
    for (const [key, value] of Object.entries(asked)) target.searchParams.set(key, value)
    const { statusCode, body } = await request(target, { headersTimeout: 10_000 })
    const echoed = (await body.text()) === challenge
    return { ok: statusCode === 200 && echoed, detail: `HTTP ${statusCode}, challenge ${echoed ? '' : 'not '}echoed` }
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) }
  }
}
