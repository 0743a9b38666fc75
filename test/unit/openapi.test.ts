import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect } from 'chai'
import { openApiOf } from '../../src/http/openapi/document.ts'
import { nameOf, operationOf } from '../../src/http/openapi/operations.ts'
import type { Route } from '../../src/http/route.ts'
import { answerErrors, checkAnswer, checkStreamed, NotAnnounced } from '../support/conformity.ts'
import { routeTable } from '../support/route-table.ts'

const json = (status: number, body: unknown, type = 'application/json; charset=utf-8') => ({
  status,
  type,
  text: JSON.stringify(body),
})
const live = (body: unknown) => answerErrors('GET', '/health/live', json(200, body))

/** JSON pointers to each `schema` below a value. */
const schemaPlaces = (value: unknown, at: string): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([name, child]) => {
        const place = `${at}/${encodeURIComponent(name.replace(/~/g, '~0').replace(/\//g, '~1'))}`
        return name === 'schema' ? [place] : schemaPlaces(child, place)
      })

/** What clients were told that they may send. */
const bodies: Readonly<Record<string, readonly [path: string, method: string, body: object]>> = {
  settings: [
    '/v1/accounts/{accountId}/settings',
    'put',
    {
      accountSlug: 'acme-store',
      isWhatsappEnabled: true,
      whatsappSenderConnectionId: '1',
      defaultCountry: 'IN',
      timezone: 'Asia/Kolkata',
      languages: ['en', 'hi'],
      templates: { otp_cancellation: { name: 'fdr_otp_cancellation', language: 'en' } },
      support: { phone: '+911140009999', email: 'care@acme.example' },
      quietHours: { from: '21:00', to: '08:00' },
      inDoubtPolicy: 'resend_once',
      portalUrl: 'https://track.acme.example',
    },
  ],
  connections: [
    '/v1/connections',
    'post',
    {
      accountId: 379,
      provider: 'meta',
      name: 'Acme WhatsApp',
      businessPhone: '+911140001234',
      fallbackConnectionId: null,
      limits: { messagesPerSecond: 80, concurrency: 40 },
      credentials: { phoneNumberId: '810000000000001', wabaId: '910000000000001', accessToken: 'EAAtoken' },
      templates: { 'fdr_otp_cancellation.en': { chatId: 'c1', botId: 'b1' } },
    },
  ],
  messages: [
    '/v1/messages',
    'post',
    {
      accountId: 379,
      connectionId: '1',
      to: '+919810012345',
      type: 'template',
      template: { name: 'fdr_otp_cancellation', language: 'en', values: ['Asha'] },
      createdBy: 'agent-7',
      references: { leaseId: 'L1', serviceUnitId: 'S1', enquiryId: 'E1' },
      eta: 0,
      source: 'agent',
      migrated: false,
    },
  ],
}

describe('/openapi.json', () => {
  const document = openApiOf(routeTable)

  it('describes every route of the table, and no other', () => {
    for (const route of routeTable) expect(operationOf(route), nameOf(route)).to.not.equal(undefined)
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    )
    const known = routeTable.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
    expect(described).to.have.members([...new Set(known)])
  })

  it('does not come to be with a route that nobody described', () => {
    const route: Route = { method: 'get', path: '/v1/new', auth: 'admin', handler: async () => ({ status: 200 }) }
    expect(() => openApiOf([route])).to.throw('nobody described GET /v1/new')
  })

  it('says what is asked by the schemas that validate', () => {
    const parameters = document.paths['/v1/messages']?.get?.parameters as { name: string; schema: object }[]
    expect(parameters.find(({ name }) => name === 'limit')?.schema).to.include({ default: 50, maximum: 200 })
    expect(JSON.stringify(document.paths['/v1/api-keys']?.post)).to.include('"enum":["read","send","manage"]')
    expect(JSON.stringify(document.paths['/v1/messages/bulk']?.post)).to.include('application/x-ndjson')
  })

  for (const [name, [path, method, body]] of Object.entries(bodies)) {
    it(`takes ${name} as others send them, and nothing unknown beside`, () => {
      const content = `paths/${encodeURIComponent(path.replaceAll('/', '~1'))}/${method}/requestBody/content`
      const ajv = new Ajv2020({ strict: false, validateFormats: false })
      ajv.addSchema(document, 'openapi')
      const takes = ajv.compile({ $ref: `openapi#/${content}/application~1json/schema` })
      expect(takes(body), JSON.stringify(takes.errors)).to.equal(true)
      expect(takes({ ...body, unknown: 1 })).to.equal(false)
    })
  }

  it('asks for a key exactly where the table does', () => {
    for (const { method, path, auth } of routeTable) {
      const operation = document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method]
      const isOpen = auth === 'public' || auth === 'provider'
      expect(operation?.security, path).to.deep.equal(isOpen ? [] : [{ bearer: [] }])
    }
  })

  it('has only schemas that can be used', function () {
    this.timeout(60_000)
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    ajv.addSchema(document, 'openapi')
    const places = schemaPlaces(document, '')
    expect(places.length).to.be.greaterThan(400)
    for (const place of places) expect(() => ajv.compile({ $ref: `openapi#${place}` }), place).to.not.throw()
  })

  it('refers only to schemas that it has', () => {
    const named = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name)
    expect(named).to.include('Message')
    expect(Object.keys(document.components.schemas)).to.include.members(named)
  })
})

describe('the check of every answer', () => {
  const event = (response_data: object) => ({
    resource: 'customer_notification',
    eventType: 'POST',
    eventSubType: 'sent',
    accountSlug: 'acme-store',
    accountId: null,
    actor: '',
    version: 'v1',
    response_data,
    account_slug: 'acme-store',
  })
  const item = { cursor: '1', id: 'e1', event: event({}) }

  it('finds a field too many, one too few and one of another type', () => {
    expect(live({ status: 'live' })).to.deep.equal([])
    expect(live({ status: 'live', more: 1 })).to.deep.equal(['/more is not described'])
    expect(live({})).to.deep.equal(['/status is missing'])
    expect(live({ status: 1 })).to.include('/status must be "live"')
  })

  it('finds a status and a media type that are not announced, and a body that is no JSON', () => {
    expect(answerErrors('GET', '/health/live', json(418, {}))).to.deep.equal(['the status 418 is not announced'])
    expect(answerErrors('GET', '/health/live', json(200, {}, 'text/html'))).to.deep.equal([
      'the content type text/html is not announced',
    ])
    const broken = { ...json(200, {}), text: '{"status":' }
    expect(answerErrors('GET', '/health/live', broken).join()).to.include('no JSON')
  })

  it('looks into lists and named schemas', () => {
    const page = { items: [{ id: 57 }, { id: 58 }], next: null }
    const errors = answerErrors('GET', '/v1/messages?limit=2', json(200, page))
    expect(errors).to.include.members(['/items/0/id must be string', '/items/0/reference is missing'])
    expect(errors.join(), 'once for all items').to.not.include('/items/1')
  })

  it('holds activity events in answers and streams against the schema of their consumers', () => {
    const errors = answerErrors('GET', '/v1/activity', json(200, { items: [item], next: '1' }))
    expect(errors).to.include('/items/0/event/response_data/sentOn is missing')
    expect(() => checkStreamed(item)).to.throw('/event/response_data/sentOn is missing')
  })

  it('tells words of a path from ids', () => {
    const sums = { id: '1', total: 0, accepted: 0, skipped: 0, failed: 0, items: [] }
    expect(answerErrors('POST', '/v1/messages/bulk?accountId=379', json(202, sums))).to.deep.equal([])
  })

  it('takes nothing but a problem from a route that the document does not have', () => {
    const problem = { type: 'about:blank', title: 'Not Found', status: 404, detail: 'there is no such resource' }
    expect(answerErrors('GET', '/v1/secrets', json(404, problem, 'application/problem+json'))).to.deep.equal([])
    expect(answerErrors('GET', '/v1/secrets', json(404, {}, 'application/problem+json'))).to.not.deep.equal([])
    expect(answerErrors('GET', '/v1/secrets', json(200, {}))).to.deep.equal(['the document has no such route'])
  })

  it('fails the test that asked, with the route, the status and the field', () => {
    const asked = () => checkAnswer('GET', '/v1/connections/7?x=1', json(200, {}))
    expect(asked).to.throw(NotAnnounced, 'GET /v1/connections/{id} answered 200 otherwise')
    expect(asked).to.throw('/businessPhone is missing')
  })
})
