import { expect } from 'chai'
import type { HttpRequest, HttpResult, OutgoingMessage, ProviderConnection } from '../../src/core/contract/provider.ts'
import { createTwin24Adapter } from '../../src/providers/twin24/adapter.ts'
import { bulkIdOf, readSignedReference, signedReference } from '../../src/providers/twin24/reference.ts'

const connection: ProviderConnection = {
  id: '1',
  credentials: { email: 'gateway@example.com', password: 'secret-password-0001' },
  signingSecret: 'signing-secret-0001',
  templates: { 'fdr_otp_cancellation.hi': { chatId: 'chat-1', botId: 'bot-hi' } },
}
const message: OutgoingMessage = {
  phone: '+91 98100-12345',
  content: {
    type: 'template',
    template: { name: 'fdr_otp_cancellation', language: 'hi' },
    values: { customer: 'आशा', order: '#98079' },
    buttons: ['g1.x.reattempt'],
  },
  reference: 'AAAAAAAAAAAAAAAAAAAAAA.1',
  reportUrl: 'https://gateway.example.com/webhooks/twin24/key',
}
const answer = (status: number, body: unknown): HttpResult => ({
  kind: 'answer',
  status,
  headers: {},
  body: JSON.stringify(body),
})

async function send(result: HttpResult, changes: Partial<OutgoingMessage> = {}, owner = connection) {
  const seen: HttpRequest[] = []
  const http = async (request: HttpRequest) => {
    if (request.url.endsWith('/auth/login')) return answer(200, { token: 'token' })
    seen.push(request)
    return result
  }
  const outcome = await createTwin24Adapter({ http, settings: {} }).send({ ...message, ...changes }, owner)
  return { outcome, seen }
}

const item = { id: 'm-1', bulkId: bulkIdOf(message.reference), status: 'CREATED', error: null }

describe('TWIN: one message', () => {
  it('names chat and bot of its template, carries our reference signed, and the values as variables', async () => {
    const { seen } = await send(answer(200, [item]))
    const ref = signedReference(message.reference, connection)
    expect(JSON.parse(seen[0]?.body ?? '')).to.deep.equal({
      bulkId: bulkIdOf(message.reference),
      messages: [
        {
          channels: {
            chat: {
              chatId: 'chat-1',
              botId: 'bot-hi',
              messengerType: 'WHATSAPP',
              chatSessionName: ref,
              provider: 'TWIN',
            },
          },
          groupId: bulkIdOf(message.reference),
          callbackUrl: message.reportUrl,
          callbackData: ref,
          destinations: [
            {
              phone: '919810012345',
              messengerUserId: '919810012345',
              variables: { customer: 'आशा', order: '#98079', ref },
            },
          ],
        },
      ],
    })
  })

  const outcomes: [label: string, result: HttpResult, outcome: object][] = [
    ['taken', answer(200, [item]), { outcome: 'accepted', messageId: 'm-1', isReferenceKept: true }],
    ['taken with 201', answer(201, [item]), { outcome: 'accepted', messageId: 'm-1', isReferenceKept: true }],
    [
      'taken, with an id of their own for the bulk',
      answer(200, [{ ...item, bulkId: 'other' }]),
      { outcome: 'accepted', messageId: 'm-1', isReferenceKept: false },
    ],
    [
      'taken, and already on its way',
      answer(200, [{ id: 'm-1', status: 'PENDING' }]),
      { outcome: 'accepted', messageId: 'm-1', note: 'PENDING' },
    ],
    [
      'an item that failed inside a success',
      answer(200, [{ id: null, status: null, error: { message: 'Bad phone', file: '/srv/a.php', trace: ['x'] } }]),
      { outcome: 'refused', failure: { code: 'unknown_refusal', detail: 'Bad phone' } },
    ],
    [
      'an item that failed although it has an id',
      answer(200, [{ ...item, error: { message: 'No bot' } }]),
      { outcome: 'refused', failure: { code: 'unknown_refusal', detail: 'No bot' } },
    ],
    [
      'an object instead of a list',
      answer(200, item),
      { outcome: 'in_doubt', failure: { code: 'answer_unreadable', detail: 'HTTP 200 without a message id' } },
    ],
    [
      'a bad request, with details',
      answer(422, { error: 'Validation failed', details: { phone: ['wrong'] } }),
      {
        outcome: 'refused',
        failure: { code: 'request_invalid', detail: 'HTTP 422: Validation failed {"phone":["wrong"]}' },
      },
    ],
    ['no money', answer(402, {}), { outcome: 'refused', failure: { code: 'billing_problem', detail: 'HTTP 402' } }],
    ['no right', answer(403, {}), { outcome: 'refused', failure: { code: 'permission_missing', detail: 'HTTP 403' } }],
    [
      'too fast, without a wait',
      answer(429, {}),
      { outcome: 'refused', failure: { code: 'connection_throttled', detail: 'HTTP 429', retryAfterMs: 30_000 } },
    ],
    [
      'a server error',
      answer(503, { error: 'Bad gateway' }),
      { outcome: 'in_doubt', failure: { code: 'provider_error', detail: 'HTTP 503: Bad gateway' } },
    ],
    [
      'a time-out',
      { kind: 'lost', reason: 'slow' },
      { outcome: 'in_doubt', failure: { code: 'no_answer', detail: 'slow' } },
    ],
  ]
  for (const [label, result, expected] of outcomes) {
    it(label, async () => expect((await send(result)).outcome).to.deep.equal(expected))
  }

  const unsendable: [
    label: string,
    changes: Partial<OutgoingMessage>,
    owner: Partial<ProviderConnection>,
    code: string,
  ][] = [
    ['free text', { content: { type: 'text', text: 'Hello' } }, {}, 'request_invalid'],
    ['a template that is not mapped', {}, { templates: {} }, 'template_missing'],
    ['a template mapped in another language', {}, { templates: { 'fdr_otp_cancellation.en': {} } }, 'template_missing'],
    ['a connection without a secret to sign with', {}, { signingSecret: '' }, 'request_invalid'],
  ]
  for (const [label, changes, owner, code] of unsendable) {
    it(`refuses ${label} without asking TWIN`, async () => {
      const { outcome, seen } = await send(answer(200, [item]), changes, { ...connection, ...owner })
      expect(outcome.outcome === 'refused' && outcome.failure.code).to.equal(code)
      expect(seen).to.have.length(0)
    })
  }
})

describe('TWIN: our reference', () => {
  const signed = signedReference(message.reference, connection)

  it('comes back from its signed form, and fits a limit of 128 characters', () => {
    expect(readSignedReference(signed, [connection])).to.equal(message.reference)
    expect(signed.length).to.be.lessThan(128)
  })

  it('is not read from anything changed, foreign or unsigned', () => {
    const stranger = { ...connection, signingSecret: 'another' }
    expect(readSignedReference(signed, [stranger])).to.equal(undefined)
    expect(readSignedReference(signed, [])).to.equal(undefined)
    expect(readSignedReference(signed, [{ ...connection, signingSecret: '' }])).to.equal(undefined)
    for (const text of ['', 'v1', signed.replace('.1.', '.2.'), `${signed}A`, signed.slice(0, -1), message.reference])
      expect(readSignedReference(text, [connection]), text).to.equal(undefined)
  })

  it('is a UUID as id of the bulk, another one for each attempt', () => {
    expect(bulkIdOf(message.reference)).to.match(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    expect(bulkIdOf(message.reference)).to.equal(bulkIdOf(message.reference))
    expect(bulkIdOf('AAAAAAAAAAAAAAAAAAAAAA.2')).not.to.equal(bulkIdOf(message.reference))
  })
})

describe('TWIN: look-up by our reference', () => {
  const lookUp = async (result: HttpResult) => {
    const http = async ({ url }: HttpRequest) => (url.endsWith('/auth/login') ? answer(200, { token: 't' }) : result)
    return createTwin24Adapter({ http, settings: {} }).lookUp?.(message.reference, connection)
  }
  const cases: [label: string, result: HttpResult, expected: string | undefined][] = [
    ['it is there', answer(200, { count: 1, items: [item] }), 'found'],
    ['an empty list', answer(200, { count: 0, items: [] }), 'absent'],
    ['others: the filter was not applied', answer(200, { count: 1, items: [{ id: 'x', bulkId: 'y' }] }), 'not_known'],
    ['no list', answer(200, {}), 'not_known'],
    ['a bare empty list, as an error may look', answer(200, []), 'not_known'],
    ['a server error', answer(500, {}), 'not_known'],
    ['not found', answer(404, {}), 'not_known'],
    ['no answer', { kind: 'lost', reason: 'slow' }, 'not_known'],
  ]
  for (const [label, result, expected] of cases) {
    it(`${label}: ${expected}`, async () => expect((await lookUp(result))?.result).to.equal(expected))
  }
})
