import { expect } from 'chai'
import type { HttpClient, HttpRequest } from '../../src/core/contract/provider.ts'
import { listTemplates } from '../../src/providers/meta/templates.ts'

const graph = { baseUrl: 'https://graph.example.com', apiVersion: 'v23.0' }
const connection = { id: '1', credentials: { wabaId: '910000000000001', accessToken: 'EAAtoken' } }
const minuteMs = 60_000

/** A list of so many pages, each of which takes so long. */
async function listOf(pages: number, pageMs: number) {
  let clockMs = 0
  const asked: HttpRequest[] = []
  const http: HttpClient = async (request) => {
    asked.push(request)
    clockMs += Math.min(pageMs, request.timeoutMs ?? Number.POSITIVE_INFINITY)
    if (pageMs > (request.timeoutMs ?? 0)) return { kind: 'lost', reason: 'timed out' }
    const paging = asked.length < pages ? { next: 'there is more', cursors: { after: `page-${asked.length}` } } : {}
    const item = { id: '1', name: `name_${asked.length}`, language: 'en', status: 'APPROVED', components: [] }
    return { kind: 'answer', status: 200, headers: {}, body: JSON.stringify({ data: [item], paging }) }
  }
  const list = await listTemplates(http, graph, connection, undefined, () => clockMs)
  return { list, asked: asked.length, tookMs: clockMs }
}

describe('the list of templates at Meta', () => {
  it('is read over all pages while they come in time', async () => {
    const { list } = await listOf(60, 4_000)
    expect('templates' in list && list.templates.length).to.equal(60)
  })

  it('is given up after five minutes, however many pages are left', async () => {
    for (const pageMs of [4_000, 19_000]) {
      const { list, tookMs } = await listOf(99, pageMs)
      expect(list).to.have.nested.property('failure.code', 'connection_unreachable')
      expect(tookMs).to.be.at.most(5 * minuteMs)
      expect(tookMs).to.be.at.least(4.5 * minuteMs)
    }
  })

  it('does not wait long for one page', async () => {
    const { list, tookMs } = await listOf(2, minuteMs)
    expect('failure' in list).to.equal(true)
    expect(tookMs).to.be.at.most(20_000)
  })

  it('that goes in circles is left after a hundred pages', async () => {
    const { list, asked } = await listOf(Number.POSITIVE_INFINITY, 10)
    expect(list).to.have.nested.property('failure.code', 'answer_unreadable')
    expect(asked).to.equal(100)
  })
})
