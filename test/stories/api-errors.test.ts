import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { createRoutes, type Handlers } from '../../src/http/routes.ts'
import type { RawAnswer } from '../support/ask.ts'
import { aFirstMessage, asAdmin, changedTables, http, settledDump, sharedWorld, storages } from '../support/stories.ts'
import { adminKey } from '../support/world.ts'

/** The route table, without anybody behind it. */
const routes = createRoutes(new Proxy({}, { get: () => ({}) }) as Handlers)
const keyed = routes.filter(({ auth }) => auth !== 'public' && auth !== 'provider')

const methodOf = ({ method }: (typeof routes)[number]) =>
  method.toUpperCase() as 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
const pathOf = ({ path }: (typeof routes)[number]) => path.replace(/:\w+/g, '1')

function expectProblem({ status, text }: RawAnswer, expected: number, label?: string): void {
  expect(status, label).to.equal(expected)
  const problem = JSON.parse(text) as Record<string, unknown>
  expect(problem.status, label).to.equal(expected)
  expect(problem.title, label).to.be.a('string').that.is.not.empty
  expect(problem.detail, label).to.be.a('string').that.is.not.empty
  expect(text, label).not.to.match(/\bat .*\.ts|node_modules|SELECT|sequelize/i)
}

const wrongKeys: Readonly<Record<string, string | undefined>> = {
  none: undefined,
  empty: '',
  'another key': 'Bearer wrong-key-0000000000',
  'no scheme': adminKey,
  'another scheme': `Basic ${Buffer.from(`admin:${adminKey}`).toString('base64')}`,
  'part of the key': `Bearer ${adminKey.slice(0, -1)}`,
  'the key and more': `Bearer ${adminKey}0`,
}

const badQueries = [
  '/v1/messages?limit=0',
  '/v1/messages?limit=abc',
  '/v1/messages?limit=100000',
  '/v1/messages?cursor=-1',
  '/v1/messages?cursor=1e400',
  '/v1/messages?accountId=1%20OR%201=1',
  '/v1/messages?status=lost',
  '/v1/messages?orderNumber=',
  `/v1/messages?phone=${'9'.repeat(100)}`,
  '/v1/messages?phone=1&phone=2',
  '/v1/activity?after=-1',
  '/v1/activity?after=abc',
  '/v1/activity/stream?after=abc',
  '/v1/rejected-events?limit=abc',
  '/v1/connections?accountId=abc',
  '/v1/api-keys?accountId=abc',
  '/v1/audit?cursor=abc',
]

const injections = [
  "' OR '1'='1",
  '" OR ""="',
  "'; DROP TABLE wa_outgoing_messages; --",
  '%',
  '_',
  '\\',
  '\0',
  '$1',
  ':id',
  '?',
]

for (const storage of storages) {
  describe(`errors of the API on ${storage}`, () => {
    const world = sharedWorld({ storage })

    for (const route of keyed) {
      it(`lets nobody in without the key: ${methodOf(route)} ${route.path}`, async () => {
        for (const [label, authorization] of Object.entries(wrongKeys)) {
          const headers = authorization === undefined ? {} : { authorization }
          const body = route.body ? { body: 'not even JSON' } : {}
          const answer = await http(world(), methodOf(route), pathOf(route), { headers, ...body })
          expectProblem(answer, 401, label)
          expect(answer.text).not.to.include(adminKey)
        }
      })
    }

    it('asks for the key wherever data is', () => {
      const open = routes.filter((route) => !keyed.includes(route) && route.path.startsWith('/v1/'))
      expect(open.map(({ path }) => path)).to.be.empty
      expect(keyed.length).to.be.greaterThan(10)
    })

    it('says of an unknown path that there is nothing', async () => {
      for (const path of [
        '/',
        '/v1',
        '/v1/nothing',
        '/v2/messages',
        '/v1/messages/1/more',
        '/webhooks',
        '/.env',
        '//',
      ]) {
        expectProblem(await asAdmin(world(), 'GET', path), 404, path)
      }
    })

    it('says of an unknown message that there is none', async () => {
      for (const id of ['0', '999999999', 'abc', '-1', '1.0', "1'--", '9'.repeat(40)]) {
        expectProblem(await asAdmin(world(), 'GET', `/v1/messages/${encodeURIComponent(id)}`), 404, id)
      }
    })

    it('does not stumble over paths that are not even text', async () => {
      for (const path of ['/v1/messages/%ff', '/v1/messages/%', '/v1/messages/%00']) {
        const answer = await asAdmin(world(), 'GET', path)
        expect(answer.status, path).to.be.within(400, 404)
        expectProblem(answer, answer.status, path)
      }
      const page = await asAdmin(world(), 'GET', '/track/whatsapp/%E0%A4')
      expect(page.status).to.equal(404)
    })

    for (const path of badQueries) {
      it(`refuses the query of ${path.slice(0, 60)}`, async () => {
        expectProblem(await asAdmin(world(), 'GET', path), 400)
      })
    }

    it('refuses a body that is not JSON', async () => {
      for (const body of ['', '{', '{"isWhatsappEnabled":true', 'true', '[]', 'null', '"text"']) {
        expectProblem(await asAdmin(world(), 'PUT', '/v1/accounts/379/settings', body), 400, body)
      }
    })

    it('refuses a body that is larger than any real one', async () => {
      const body = JSON.stringify({ isWhatsappEnabled: true, accountSlug: 'x'.repeat(1024 * 1024) })
      expectProblem(await asAdmin(world(), 'PUT', '/v1/accounts/379/settings', body), 413)
    })

    it('refuses a compressed body rather than guess how large it is', async () => {
      const headers = { authorization: `Bearer ${adminKey}`, 'content-encoding': 'gzip' }
      const answer = await http(world(), 'POST', '/v1/events', { headers, body: gzipSync('{}') })
      expectProblem(answer, 415)
    })

    it('takes what looks like SQL in a filter for what it is: a text that nobody is called', async () => {
      await aFirstMessage(world())
      for (const filter of ['orderNumber', 'phone', 'shipmentId', 'kind']) {
        for (const injection of injections) {
          const path = `/v1/messages?${filter}=${encodeURIComponent(injection)}`
          const { status, text } = await asAdmin(world(), 'GET', path)
          expect(status, path).to.equal(200)
          expect(JSON.parse(text), path).to.deep.equal({ items: [], next: null })
        }
      }
      const { text } = await asAdmin(world(), 'GET', '/v1/messages')
      expect(JSON.parse(text).items).to.have.length(1)
    })

    it('changes nothing by a request that it refuses', async () => {
      const before = await settledDump(world())
      await asAdmin(world(), 'PUT', '/v1/accounts/379/settings', '{"isWhatsappEnabled":"yes"}')
      await asAdmin(world(), 'POST', '/v1/connections', '{"accountId":379}')
      await asAdmin(world(), 'POST', '/v1/rejected-events/1/replay')
      await http(world(), 'POST', '/v1/events', { body: '{}' })
      expect(changedTables(before, await settledDump(world()))).to.deep.equal([])
    })
  })
}
