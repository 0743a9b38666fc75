import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { Route, Tenant as TenantColumn } from '../../src/http/route.ts'
import { providers, webhookAliases } from '../../src/providers/index.ts'
import { listen } from '../support/ask.ts'
import { aKey, bearer, withKey } from '../support/clients.ts'
import { simulatorAccount } from '../support/fixtures.ts'
import { routeTable } from '../support/route-table.ts'
import { http, sharedWorld, storages } from '../support/stories.ts'
import { aTenant, type Tenant } from '../support/tenants.ts'
import { adminKey, until, type World } from '../support/world.ts'

type Keyed = Route & { readonly path: string }
const keyed: readonly Keyed[] = routeTable.filter(({ auth }) => auth !== 'public' && auth !== 'provider')
const nameOf = ({ method, path }: Keyed) => `${method.toUpperCase()} ${path}`

/** Open to whoever comes: a new route here is a decision that somebody must have taken. */
const open = [
  ...providers.flatMap(({ id }) => [`/webhooks/${id}`, `/webhooks/${id}/:key`, `/webhooks/${id}/:key/actions`]),
  ...Object.keys(webhookAliases),
  '/track/whatsapp/:token',
  '/health/live',
  '/health/ready',
  '/api/v1/whatsapp/health',
  '/openapi.json',
  '/docs',
]

// A route that clients may call does not compile without saying how their account is known.
const handler = async () => ({ status: 200 })
// @ts-expect-error: tenant is missing
export const withoutTenant: Route = { method: 'get', path: '/v1/x', auth: 'read', handler }
// @ts-expect-error: auth is missing
export const withoutAuth: Route = { method: 'get', path: '/v1/x', handler }

let nextPhoneNumberId = 860_000_000_000_001
/** What is sent to a route that takes a body, about an account. */
const bodies: Readonly<Record<string, (accountId: number) => object>> = {
  'POST /v1/events': () => ({}),
  'POST /v1/messages': (accountId) => ({
    accountId,
    to: '+919810099999',
    text: 'Are you at home?',
    source: 'customer',
  }),
  'POST /v1/messages/bulk': () => [{ to: '+919810099999', text: 'Are you at home?', source: 'customer' }],
  'POST /v1/messages/:id/resolve': () => ({ action: 'ignore' }),
  'PUT /v1/accounts/:accountId/settings': () => ({ isWhatsappEnabled: true }),
  'PUT /v1/accounts/:accountId/channels/:channelId/settings': () => ({ isWhatsappEnabled: true }),
  'PUT /v1/contacts/:phone/consent': (accountId) => ({ accountId, topic: 'marketing', isWanted: false }),
  'POST /v1/connections': (accountId) => ({
    accountId,
    provider: 'meta',
    name: 'New',
    businessPhone: '+911140009999',
    credentials: {
      phoneNumberId: String(nextPhoneNumberId++),
      wabaId: '960000000000001',
      accessToken: 'EAAnewtoken0001',
      appSecret: 'new_app_secret_0001',
    },
  }),
  'PATCH /v1/connections/:id': () => ({ limits: { concurrency: 7 } }),
  'POST /v1/connections/:id/templates/register': () => ({}),
  'POST /v1/templates/verify': (accountId) => ({ accountId, name: 'fdr_otp_cancellation' }),
  'POST /v1/contacts/erase': (accountId) => ({ accountId, phone: '+919899000001' }),
  'POST /v1/api-keys': (accountId) => ({ accountId, name: 'New', scopes: ['read'] }),
}

const kinds = ['own', 'foreign', "the platform's", 'unknown', 'malformed'] as const
type Kind = (typeof kinds)[number]

interface Cast {
  readonly owner: Tenant
  readonly stranger: Tenant
  readonly platform: Tenant
  /** Label of whoever calls -> key. */
  readonly keys: Readonly<Record<string, string>>
}

const callers = [
  'admin',
  'owner',
  'stranger',
  'owner without the scope',
  'revoked key',
  'expired key',
  'unknown key',
  'no key',
] as const
type CallerLabel = (typeof callers)[number]

async function cast(world: World): Promise<Cast> {
  const [owner, stranger] = [await aTenant(world), await aTenant(world)]
  const keyOf = async (accountId: number, changes: object = {}) => (await aKey(world, accountId, changes)).key
  const { id, key: revoked } = await aKey(world, owner.accountId)
  await world.call('DELETE', `/v1/api-keys/${id}`)
  const expired = await keyOf(owner.accountId)
  const past = '2026-01-01 00:00:00.000'
  await world.database.write('UPDATE api_keys SET expires_at = $1 WHERE prefix = $2', [past, expired.slice(0, 13)])
  const platformKey = await aKey(world, 5, { name: 'Key of the platform' })
  return {
    owner,
    stranger,
    platform: {
      ...owner,
      accountId: 5,
      connection: '1',
      apiKey: platformKey.id,
      marks: ['Key of the platform', simulatorAccount.credentials.phoneNumberId],
    },
    keys: {
      admin: adminKey,
      owner: await keyOf(owner.accountId),
      stranger: await keyOf(stranger.accountId),
      'owner: read': await keyOf(owner.accountId, { scopes: ['send', 'manage'] }),
      'owner: send': await keyOf(owner.accountId, { scopes: ['read', 'manage'] }),
      'owner: manage': await keyOf(owner.accountId, { scopes: ['read', 'send'] }),
      'revoked key': revoked,
      'expired key': expired,
      'unknown key': `fdrg_${'A'.repeat(43)}`,
      'no key': '',
    },
  }
}

const fieldOf: Readonly<Record<string, keyof Tenant>> = {
  message: 'message',
  connection: 'connection',
  action: 'action',
  bulk: 'bulk',
  'rejected event': 'rejectedEvent',
  'API key': 'apiKey',
}

let nextSpare = 1
/** A connection that a case may delete. */
async function aSpareConnection(world: World, accountId: number): Promise<string> {
  const phoneNumberId = `88000000000${String(nextSpare++).padStart(4, '0')}`
  const credentials = { ...simulatorAccount.credentials, phoneNumberId }
  const draft = { accountId, provider: 'meta', name: 'Spare', businessPhone: '+911140005555', credentials }
  return (await world.call<{ id: string }>('POST', '/v1/connections?verify=false', draft)).body.id
}

/** What is asked for: an id of a thing, or of an account. */
async function idOf(world: World, { owner, stranger, platform }: Cast, { method, tenant: of }: Keyed, kind: Kind) {
  const column = of ?? 'shared'
  if (kind === 'unknown') return column === 'path' || column === 'body' || column === 'filter' ? '77777' : '999999999'
  if (kind === 'malformed') return 'abc'
  const tenant = { own: owner, foreign: stranger, "the platform's": platform }[kind]
  const field = fieldOf[column]
  if (field === undefined) return String(tenant.accountId)
  // What the case takes away must not be that of the next.
  if (method === 'delete' && field === 'connection') return aSpareConnection(world, tenant.accountId)
  if (field === 'apiKey') return (await aKey(world, tenant.accountId, { name: 'Spare' })).id
  return String(tenant[field])
}

/** The platform has no messages of its own in this cast. */
const kindsOf = (column: TenantColumn): readonly Kind[] => {
  if (column === 'shared') return ['own']
  if (column === 'body') return kinds.filter((kind) => kind !== 'malformed')
  const isPlatforms = column !== 'message' && column !== 'action' && column !== 'bulk' && column !== 'rejected event'
  return kinds.filter((kind) => isPlatforms || kind !== "the platform's")
}

interface Answer {
  readonly status: number
  readonly text: string
}

let nextRequest = 1
const askRoute = (world: World, route: Keyed, key: string, id: string): Promise<Answer> => {
  const path = route.path
    .replace(/:channelId/, '1299')
    .replace(/:phone/, '+919810012345')
    .replace(/:\w+/, id)
  const query = route.tenant === 'filter' && id !== '' ? `?accountId=${id}` : ''
  const body = bodies[nameOf(route)]?.(Number(id))
  const headers = {
    ...(key === '' ? {} : bearer(key)),
    'content-type': 'application/json',
    'idempotency-key': `matrix-${nextRequest++}`,
  }
  if (path.endsWith('/stream')) return hear(world, path + query, headers)
  const method = route.method.toUpperCase() as 'GET'
  return http(world, method, path + query, { headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
}

/** A stream is listened to until it says nothing new. */
async function hear(world: World, path: string, headers: Record<string, string>): Promise<Answer> {
  const { status, heard, isOver, close } = await listen(world.url, path, headers)
  if (!isOver()) await sleep(250)
  close()
  return { status, text: heard().text }
}

type Verdict = 401 | 403 | 404 | 'answered'

/** What must come of it, by nothing but the table and the question. */
function verdictOf(route: Keyed, caller: CallerLabel, kind: Kind): Verdict {
  if (caller === 'revoked key' || caller === 'expired key' || caller === 'unknown key' || caller === 'no key')
    return 401
  if (caller === 'admin') return 'answered'
  if (route.auth === 'admin' || caller === 'owner without the scope') return 403
  if (route.tenant === 'shared') return 'answered'
  const isTheirs = caller === 'owner' ? kind === 'own' : kind === 'foreign'
  return isTheirs ? 'answered' : 404
}

/** Answers that a route may give whoever may ask it: done, or not in this state. */
const answers = [200, 201, 202, 204, 400, 404, 409, 422]

for (const storage of storages) {
  describe(`who may do what on ${storage}`, function () {
    this.timeout(60_000)
    const world = sharedWorld({ storage, env: { CLIENT_REQUESTS_PER_SECOND: '10000' } })
    let actors: Cast
    let cases = 0
    const leaks: string[] = []

    before(async () => {
      actors = await cast(world())
    })

    const keyFor = (route: Keyed, caller: CallerLabel): string =>
      actors.keys[caller === 'owner without the scope' ? `owner: ${route.auth}` : caller] ?? actors.keys.owner ?? ''

    const audited = async () => (await world().rows('SELECT id FROM audit_log')).length

    /** Judges one case; what another tenant's answer shows is a leak. */
    async function judge(route: Keyed, caller: CallerLabel, kind: Kind, id: string): Promise<void> {
      const verdict = verdictOf(route, caller, kind)
      const before = await audited()
      const answer = await askRoute(world(), route, keyFor(route, caller), id)
      const label = `${nameOf(route)}, ${caller}, ${kind} id: ${answer.status} ${answer.text.slice(0, 200)}`
      cases++
      if (verdict === 'answered') expect(answer.status, label).to.be.oneOf(answers)
      // A word that is no number is a question that cannot be understood.
      else if (kind === 'malformed' && verdict === 404) expect(answer.status, label).to.be.oneOf([400, 404])
      else expect(answer.status, label).to.equal(verdict)
      if (verdict === 404 && kind !== 'malformed') await expectUnknown(route, caller, answer, label)
      if (verdict !== 'answered') expect(await audited(), `${label}: changes nothing`).to.equal(before)
      noteLeaks(caller, answer, label)
    }

    /** The very same words as for what does not exist. */
    async function expectUnknown(route: Keyed, caller: CallerLabel, answer: Answer, label: string): Promise<void> {
      const unknown = await idOf(world(), actors, route, 'unknown')
      expect(answer.text, label).to.equal((await askRoute(world(), route, keyFor(route, caller), unknown)).text)
    }

    function noteLeaks(caller: CallerLabel, { text }: Answer, label: string): void {
      if (caller === 'admin') return
      const { owner, stranger, platform } = actors
      const theirs = caller === 'stranger' ? [owner, platform] : [stranger, platform]
      for (const { marks } of theirs) for (const mark of marks) if (text.includes(mark)) leaks.push(`${mark}: ${label}`)
    }

    it('is asked of every route with a key, and nobody forgot to say what is sent to it', () => {
      expect(keyed.length).to.be.greaterThan(20)
      const openPaths = routeTable.filter((route) => !keyed.includes(route)).map(({ path }) => path)
      expect([...new Set(openPaths)]).to.have.members(open)
      const taking = keyed.filter(({ body }) => body !== undefined).map(nameOf)
      expect(Object.keys(bodies)).to.have.members(taking)
      for (const { auth, tenant, path } of keyed) expect(auth === 'admin' || tenant !== undefined, path).to.equal(true)
    })

    for (const route of keyed) {
      it(`${nameOf(route)} (${route.auth}, ${route.tenant ?? 'no client'})`, async () => {
        for (const kind of kindsOf(route.tenant ?? 'shared')) {
          for (const caller of callers) {
            const id = await idOf(world(), actors, route, kind)
            await judge(route, caller, kind, id)
          }
        }
        if (route.tenant === 'filter') for (const caller of callers) await judge(route, caller, ownOf(caller), '')
      })
    }

    /** Without a filter everybody asks for their own. */
    const ownOf = (caller: CallerLabel): Kind => (caller === 'stranger' ? 'foreign' : 'own')

    it('shows everybody all that is theirs', async () => {
      const { owner, keys } = actors
      const paths = [
        '/v1/messages',
        `/v1/messages/${owner.message}`,
        '/v1/actions',
        '/v1/activity?limit=1000',
        '/v1/rejected-events',
        '/v1/connections',
        `/v1/connections/${owner.connection}/events`,
        '/v1/api-keys',
      ]
      const seen = await Promise.all(
        paths.map(async (path) => (await withKey(world(), keys.owner ?? '', 'GET', path)).text),
      )
      for (const mark of owner.marks) expect(seen.join(), mark).to.include(mark)
    })

    it('leaks nothing in at least 400 cases', async () => {
      await until('everything was asked', () => cases > 0)
      console.log(`      ${cases} cases, ${leaks.length} leaks`)
      expect(leaks).to.deep.equal([])
      expect(cases).to.be.at.least(400)
    })
  })
}
