import { expect } from 'chai'
import { type OpenApi, openApiOf } from '../../src/http/openapi/document.ts'
import { checkAnswer, typeOf } from '../support/conformity.ts'
import { routeTable } from '../support/route-table.ts'
import { aFirstMessage, anOwnConnection, asAdmin, http, sharedWorld } from '../support/stories.ts'

describe('the description of the API', function () {
  this.timeout(60_000)
  const world = sharedWorld({ storage: 'sqlite' })

  it('is served to anybody, as the route table has it', async () => {
    const { status, headers, text } = await http(world(), 'GET', '/openapi.json')
    expect(status).to.equal(200)
    expect(headers['content-type']).to.match(/^application\/json/)
    const served = JSON.parse(text) as OpenApi
    expect(served.openapi).to.equal('3.1.0')
    const { paths } = JSON.parse(JSON.stringify(openApiOf(routeTable))) as OpenApi
    // Which webhooks there are depends on the providers and on the installation.
    const ownOf = (all: OpenApi['paths']) => Object.entries(all).filter(([path]) => !path.includes('/webhook'))
    expect(Object.fromEntries(ownOf(served.paths))).to.deep.equal(Object.fromEntries(ownOf(paths)))
    expect(Object.keys(served.paths)).to.include('/webhooks/meta/{key}')
  })

  it('is a page that may ask nobody but the gateway', async () => {
    const { status, headers, text } = await http(world(), 'GET', '/docs')
    expect(status).to.equal(200)
    expect(headers['content-type']).to.match(/^text\/html/)
    expect(headers['content-security-policy']).to.include("default-src 'none'").and.include("connect-src 'self'")
    expect(text).to.include("fetch('openapi.json')")
  })

  it('says what is answered', async () => {
    const { accountId, connectionId } = await anOwnConnection(world())
    await aFirstMessage(world(), { account_id: accountId })
    const listed = await asAdmin(world(), 'GET', `/v1/messages?accountId=${accountId}`)
    const [message] = (JSON.parse(listed.text) as { items: { id: string; customerPhone: string }[] }).items
    const phone = encodeURIComponent(message?.customerPhone ?? '')
    const settings = JSON.stringify({ isWhatsappEnabled: true, quietHours: { from: '21:00', to: '08:00' } })
    const asked: [method: 'GET' | 'POST' | 'PUT', path: string, body?: string][] = [
      ['GET', `/v1/messages?accountId=${accountId}`],
      ['GET', `/v1/messages/${message?.id}`],
      ['GET', '/v1/messages/999999'],
      ['GET', `/v1/conversations/${phone}?accountId=${accountId}`],
      ['GET', `/v1/contacts/${phone}?accountId=${accountId}`],
      ['GET', `/v1/connections?accountId=${accountId}`],
      ['GET', `/v1/connections/${connectionId}`],
      ['GET', `/v1/connections/${connectionId}/doctor`],
      ['GET', `/v1/connections/${connectionId}/events`],
      ['PUT', `/v1/accounts/${accountId}/settings?verify=false`, settings],
      ['PUT', `/v1/accounts/${accountId}/settings`, '{"isWhatsappEnabled":"yes"}'],
      ['GET', `/v1/accounts/${accountId}/settings`],
      ['POST', '/v1/messages', JSON.stringify({ accountId, to: message?.customerPhone, type: 'text', text: 'hello' })],
      ['POST', '/v1/events', '{}'],
      ...['activity', 'actions', 'audit', 'api-keys', 'rejected-events', 'stats', 'providers', 'templates'].map(
        (list) => ['GET', `/v1/${list}`] as ['GET', string],
      ),
    ]
    for (const [method, path, body] of asked) {
      const { status, headers, text } = await asAdmin(world(), method, path, body)
      checkAnswer(method, path, { status, type: typeOf(headers), text })
    }
  })
})
