import { expect } from 'chai'
import type { ApiKey } from '../../src/core/accounts/api-keys.ts'
import type { Caller } from '../../src/http/caller.ts'
import { HttpProblem } from '../../src/http/problem.ts'
import type { RequestFacts, Tenant } from '../../src/http/route.ts'
import { checkReserved, createCheckTenant } from '../../src/http/steps/check-tenant.ts'

const apiKey: ApiKey = {
  id: 1,
  accountId: 379,
  name: 'Test',
  prefix: 'fdrg_abcdefgh',
  scopes: ['read'],
  createdBy: 'admin',
  expiresAt: null,
  lastUsedAt: null,
  revokedAt: null,
  createdAt: null,
}
const client: Caller = { kind: 'client', apiKey }
const admin: Caller = { kind: 'admin' }

const owners: Readonly<Record<string, number>> = { 'message/7': 379, 'message/8': 380, 'connection/7': 380 }
const check = createCheckTenant(async (thing, id) => owners[`${thing}/${id}`])

const asked = (caller: Caller, facts: Partial<RequestFacts<unknown, object>>) =>
  ({ method: 'GET', caller, params: {}, query: {}, headers: {}, body: undefined, ...facts }) as RequestFacts<
    unknown,
    Record<string, unknown>
  >

type Facts = Partial<RequestFacts<unknown, object>>
const cases: [label: string, tenant: Tenant, facts: Facts, isTheirs: boolean][] = [
  ['its own message', 'message', { params: { id: '7' } }, true],
  ["somebody else's message", 'message', { params: { id: '8' } }, false],
  ['no message', 'message', { params: { id: '9' } }, false],
  ['an id that is none', 'message', { params: { id: '7abc' } }, false],
  ['no id', 'message', {}, false],
  ['the same id of another thing', 'connection', { params: { id: '7' } }, false],
  ['its own account', 'path', { params: { accountId: '379' } }, true],
  ['another account', 'path', { params: { accountId: '380' } }, false],
  ['its account in a body', 'body', { body: { accountId: 379 } }, true],
  ['its account as a text', 'body', { body: { accountId: '379' } }, false],
  ['another account in a body', 'body', { body: { accountId: 380 } }, false],
  ['a body without account', 'body', { body: {} }, false],
  ['a filter for its account', 'filter', { query: { accountId: 379 } }, true],
  ['a filter for another account', 'filter', { query: { accountId: 380 } }, false],
  ['what is nobody’s', 'shared', {}, true],
]

const problemOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('tenant of a request', () => {
  for (const [label, tenant, facts, isTheirs] of cases) {
    it(`${label}: ${isTheirs ? 'let through' : '404'}`, async () => {
      const problem = await problemOf(check(tenant, asked(client, facts)))
      if (isTheirs) expect(problem).to.equal(undefined)
      else expect(problem).to.be.instanceOf(HttpProblem).and.include({ status: 404 })
    })

    it(`${label}: nothing is changed for the administrator`, async () => {
      const request = asked(admin, facts)
      expect(await check(tenant, request)).to.equal(request)
    })
  }

  it("puts the client's account into every filter", async () => {
    const request = await check('filter', asked(client, { query: { limit: 5 } }))
    expect(request.query).to.deep.equal({ limit: 5, accountId: 379 })
  })

  it('refuses a reserved field to clients only, and names it', () => {
    const body = { accountSlug: 'x', isWhatsappEnabled: true }
    expect(() => checkReserved(['accountSlug'], client, body))
      .to.throw(HttpProblem)
      .and.have.nested.property('body.errors[0].path', 'accountSlug')
    checkReserved(['accountSlug'], admin, body)
    checkReserved(['accountSlug'], client, { isWhatsappEnabled: true })
    checkReserved(['accountSlug'], client, undefined)
  })
})
