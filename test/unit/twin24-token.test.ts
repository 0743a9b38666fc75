import { expect } from 'chai'
import type { HttpRequest, HttpResult, ProviderConnection } from '../../src/core/contract/provider.ts'
import { createApi, twin24Settings } from '../../src/providers/twin24/api.ts'
import { createTokens } from '../../src/providers/twin24/token.ts'

const connection: ProviderConnection = {
  id: '1',
  credentials: { email: 'gateway@example.com', password: 'secret-password-0001' },
}
const start = Date.parse('2026-11-20T06:30:00.000Z')
const dayMs = 86_400_000

const jwt = (claims: object) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${claimsCount++}`
let claimsCount = 0

const answer = (status: number, body: unknown): HttpResult => ({
  kind: 'answer',
  status,
  headers: {},
  body: JSON.stringify(body),
})

/** TWIN with a clock of its own; answers are functions of the number of the call. */
function aTwin({
  login = () => answer(200, { token: jwt({}) }),
  call = () => answer(200, { items: [] }),
}: {
  login?: (count: number) => HttpResult | Promise<HttpResult>
  call?: (count: number, request: HttpRequest) => HttpResult
} = {}) {
  const seen = { logins: [] as HttpRequest[], calls: [] as HttpRequest[] }
  let ms = start
  const http = async (request: HttpRequest) => {
    if (request.url.endsWith('/auth/login')) return login(seen.logins.push(request))
    return call(seen.calls.push(request), request)
  }
  const settings = twin24Settings({})
  const tokens = createTokens({ http, iamUrl: settings.iamUrl, now: () => new Date(ms), clock: () => ms })
  const api = createApi({ http, settings, tokens, clock: () => ms })
  const ask = (body?: unknown) =>
    api.call(connection, { method: 'POST', url: `${api.notifyUrl}/messages`, ...(body ? { body } : {}) })
  return { seen, tokens, ask, pass: (more: number) => (ms += more) }
}

describe('TWIN: login', () => {
  it('asks for a day, names the company only if there is one, and uses the token for all calls', async () => {
    const twin = aTwin({ login: () => answer(200, { token: 'the-token' }) })
    await twin.ask()
    await twin.ask()
    expect(twin.seen.logins).to.have.length(1)
    expect(JSON.parse(twin.seen.logins[0]?.body ?? '')).to.deep.equal({ ...connection.credentials, ttl: 86_400 })
    for (const { headers } of twin.seen.calls) expect(headers?.authorization).to.equal('Bearer the-token')
  })

  it('is done once, however many need it at the same time', async () => {
    const twin = aTwin()
    await Promise.all(Array.from({ length: 20 }, () => twin.ask()))
    expect(twin.seen.logins).to.have.length(1)
  })

  it('is done again after nine tenths of what the token itself says', async () => {
    const exp = (start + 1_000_000) / 1000 + 0.25
    const twin = aTwin({ login: () => answer(200, { token: jwt({ exp }) }) })
    await twin.ask()
    twin.pass(899_000)
    await twin.ask()
    expect(twin.seen.logins).to.have.length(1)
    twin.pass(2_000)
    await twin.ask()
    expect(twin.seen.logins).to.have.length(2)
  })

  it('assumes what was asked for when the token does not say', async () => {
    const twin = aTwin({ login: () => answer(200, { access_token: 'opaque' }) })
    await twin.ask()
    twin.pass(0.89 * dayMs)
    await twin.ask()
    expect(twin.seen.logins).to.have.length(1)
    twin.pass(0.02 * dayMs)
    await twin.ask()
    expect(twin.seen.logins).to.have.length(2)
  })

  it('goes on with the old token while it lives, when a new one is not to be had', async () => {
    const twin = aTwin({ login: (n) => (n === 1 ? answer(200, { token: 'old' }) : answer(503, {})) })
    await twin.ask()
    twin.pass(0.95 * dayMs)
    expect(await twin.ask()).to.include({ kind: 'answer', status: 200 })
    twin.pass(0.06 * dayMs)
    expect(await twin.ask()).to.include({ kind: 'not_called' })
  })

  const refusals: [label: string, result: HttpResult, code: string][] = [
    ['401', answer(401, { error: 'Wrong password secret-password-0001' }), 'credentials_invalid'],
    ['422', answer(422, { error: 'email' }), 'credentials_invalid'],
    ['402', answer(402, { error: 'no money' }), 'billing_problem'],
    ['429', answer(429, {}), 'connection_throttled'],
    ['500', answer(500, {}), 'provider_busy'],
    ['a page of a proxy', { ...answer(200, ''), body: '<html>' } as HttpResult, 'provider_busy'],
    ['a token that is none', answer(200, { token: 'two words' }), 'provider_busy'],
    ['a time-out', { kind: 'lost', reason: 'no answer' }, 'connection_unreachable'],
    ['nobody there', { kind: 'unsent', reason: 'ECONNREFUSED' }, 'connection_unreachable'],
  ]
  for (const [label, result, code] of refusals) {
    it(`that ends in ${label}: nothing was sent, ${code}`, async () => {
      const twin = aTwin({ login: () => result })
      const outcome = await twin.ask()
      expect(outcome.kind === 'not_called' && outcome.failure).to.include({ code })
      expect(twin.seen.calls).to.have.length(0)
      expect(JSON.stringify(outcome)).not.to.contain('secret-password')
    })
  }
})

describe('TWIN: a token that is refused', () => {
  const expired = answer(401, { error: 'Token is expired.' })

  it('is renewed once and the call repeated once', async () => {
    const twin = aTwin({ call: (n) => (n === 1 ? expired : answer(201, [])) })
    expect(await twin.ask({ a: 1 })).to.include({ status: 201 })
    expect(twin.seen.logins).to.have.length(2)
    expect(twin.seen.calls.map(({ body }) => body)).to.deep.equal(['{"a":1}', '{"a":1}'])
    expect(new Set(twin.seen.calls.map(({ headers }) => headers?.authorization)).size).to.equal(2)
  })

  it('twice is an answer', async () => {
    const twin = aTwin({ call: () => expired })
    expect(await twin.ask()).to.include({ kind: 'answer', status: 401 })
    expect(twin.seen.calls).to.have.length(2)
  })

  it('of many calls at once is renewed once', async () => {
    const twin = aTwin({ call: (n) => (n <= 5 ? expired : answer(200, [])) })
    await Promise.all(Array.from({ length: 5 }, () => twin.ask()))
    expect(twin.seen.logins).to.have.length(2)
    expect(twin.seen.calls).to.have.length(10)
  })

  it('is not repeated when the refusal came late: the message may be given up by then', async () => {
    const twin = aTwin({
      call: () => {
        twin.pass(10_001)
        return expired
      },
    })
    const outcome = await twin.ask()
    expect(outcome.kind === 'not_called' && outcome.failure.code).to.equal('provider_busy')
    expect(twin.seen.calls).to.have.length(1)
  })

  for (const [label, result] of [
    ['a server error', answer(500, {})],
    ['a time-out', { kind: 'lost', reason: 'no answer' }],
    ['a reset', { kind: 'lost', reason: 'ECONNRESET' }],
  ] as [string, HttpResult][]) {
    it(`nothing else makes a call be repeated: ${label}`, async () => {
      const twin = aTwin({ call: () => result })
      await twin.ask()
      expect(twin.seen.calls).to.have.length(1)
    })
  }

  it('never shows in an answer that repeats it', async () => {
    const twin = aTwin({
      login: () => answer(200, { token: 'the-token-0001' }),
      call: () => answer(400, { error: 'bad token the-token-0001' }),
    })
    expect(JSON.stringify(await twin.ask())).not.to.contain('the-token-0001')
  })
})
