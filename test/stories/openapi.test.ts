import { expect } from 'chai'
import { type OpenApi, openApiOf } from '../../src/http/openapi/document.ts'
import { routeTable } from '../support/route-table.ts'
import { http, sharedWorld } from '../support/stories.ts'

describe('the description of the API', function () {
  this.timeout(60_000)
  const world = sharedWorld({ storage: 'sqlite' })

  it('is served to anybody, as the route table has it', async () => {
    const { status, text } = await http(world(), 'GET', '/openapi.json')
    expect(status).to.equal(200)
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
    expect(headers['content-security-policy']).to.include("default-src 'none'").and.include("connect-src 'self'")
    expect(text).to.include("fetch('openapi.json')")
  })
})
