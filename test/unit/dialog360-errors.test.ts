import { expect } from 'chai'
import type { HttpResult, OutgoingMessage } from '../../src/core/contract/provider.ts'
import { createDialog360Adapter } from '../../src/providers/360dialog/adapter.ts'

const message: OutgoingMessage = {
  phone: '+4915550001111',
  content: { type: 'text', text: 'Hello' },
  reference: 'ob_1',
}

/** What a send comes to that is answered so. */
async function outcomeOf(status: number, body: unknown) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const http = async (): Promise<HttpResult> => ({ kind: 'answer', status, headers: {}, body: text })
  const connection = { id: '1', credentials: { apiKey: 'secret-key-0001', webhookPassword: 'secret-password-0001' } }
  const outcome = await createDialog360Adapter({ http, settings: {} }).send(message, connection)
  if (outcome.outcome === 'accepted') throw new Error('was accepted')
  return { outcome: outcome.outcome, ...outcome.failure }
}

const inWords = (developer_message: string, details?: unknown) => ({
  meta: { success: false, http_code: 400, developer_message, ...(details === undefined ? {} : { details }) },
})

describe('360dialog: refusals', () => {
  const ofMeta = { message: 'Rate limit hit', code: 130429, error_data: { details: 'Too many' } }
  const cases: [label: string, status: number, body: unknown, failure: object][] = [
    ["Meta's error, by its code", 400, { error: ofMeta }, { code: 'connection_throttled', vendorCode: '130429' }],
    [
      'the same inside `detail`',
      400,
      { detail: { error: ofMeta } },
      { code: 'connection_throttled', detail: 'Too many' },
    ],
    [
      "Meta's refusal that comes with 500",
      500,
      { error: { ...ofMeta, code: 131045 } },
      { code: 'sender_not_registered' },
    ],
    [
      'a pace limit of its own, although it comes with 400',
      400,
      inWords('You have exceeded the endpoint rate limit.'),
      { code: 'connection_throttled', detail: 'HTTP 400: You have exceeded the endpoint rate limit.' },
    ],
    [
      'an unpaid invoice',
      400,
      inWords('Could not send message due to lack of payment. …'),
      { code: 'billing_problem' },
    ],
    [
      'an account that was switched off',
      400,
      inWords('Your WhatsApp for Business API has been disabled'),
      { code: 'account_restricted' },
    ],
    ['a wrong key', 401, inWords('Invalid api_key'), { code: 'credentials_invalid' }],
    [
      'a wrong key, in one word',
      401,
      { error: 'Unauthorized' },
      { code: 'credentials_invalid', detail: 'HTTP 401: Unauthorized' },
    ],
    ['a wrong key, in an error without a code', 401, { error: { message: 'no' } }, { code: 'credentials_invalid' }],
    ['a wrong key, without a word', 401, '', { code: 'credentials_invalid', detail: 'HTTP 401' }],
    ['a blocked endpoint', 403, { error: 'The endpoint is blocked' }, { code: 'permission_missing' }],
    ['429', 429, '<html>', { code: 'connection_throttled' }],
    [
      'words that are not known, with their details',
      400,
      inWords('Bad request', ['to: missing', 'type: wrong']),
      { code: 'unknown_refusal', detail: 'HTTP 400: Bad request to: missing type: wrong' },
    ],
  ]
  for (const [label, status, body, failure] of cases) {
    it(label, async () => expect(await outcomeOf(status, body)).to.deep.include({ outcome: 'refused', ...failure }))
  }

  const doubts: [label: string, status: number, body: unknown][] = [
    ['a fault of its own', 500, inWords('Internal server error')],
    ['Meta that it does not reach', 502, inWords('WhatsApp for Business API not available')],
    ['words of a pace limit with 500', 500, inWords('You have exceeded the endpoint rate limit.')],
    ['a gateway page', 504, '<html>'],
    ['408', 408, ''],
  ]
  for (const [label, status, body] of doubts) {
    it(`${label}: nobody knows whether it was taken`, async () => {
      const { outcome, code, vendorCode } = await outcomeOf(status, body)
      expect({ outcome, code, vendorCode }).to.deep.equal({
        outcome: 'in_doubt',
        code: 'provider_error',
        vendorCode: undefined,
      })
    })
  }

  it('keeps no secret, however long the words are', async () => {
    const { detail } = await outcomeOf(401, inWords(`${'x'.repeat(580)} secret-key-0001 secret-password-0001`))
    expect(detail)
      .to.have.length.at.most(600)
      .and.not.match(/secret-(key|pass)/)
  })
})
