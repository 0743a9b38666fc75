import type { ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import type { HttpRequest, HttpResult } from '../../src/core/contract/provider.ts'
import { createAgent, createHttpClient } from '../../src/providers/shared/http-client.ts'
import { answer, neverAnswer, resetConnection, type ScriptedServer, startScriptedServer } from './scripted-server.ts'

const limits = { connectMs: 400, totalMs: 300, maxBytes: 1024 }
const post = (url: string): HttpRequest => ({ method: 'POST', url, body: '{"n":1}', headers: { 'x-test': 'yes' } })
const reasonOf = (result: HttpResult) => (result.kind === 'answer' ? '' : result.reason)

describe('http client', () => {
  let server: ScriptedServer
  let agent: Agent
  before(async () => {
    server = await startScriptedServer()
  })
  beforeEach(() => {
    agent = createAgent()
  })
  afterEach(() => agent.destroy())
  after(() => server.close())

  const call = (request: HttpRequest) => createHttpClient({ ...limits, dispatcher: agent })(request)

  it('hands over method, path, query, headers and body, and gives back status, headers and body', async () => {
    server.play(answer(201, 'Grüße', { 'x-reply': 'a' }))
    const result = await call(post(`${server.url}/v1/a%20b?c=d`))
    expect(server.seen[0]).to.include({ method: 'POST', url: '/v1/a%20b?c=d', body: '{"n":1}' })
    expect(server.seen[0]?.headers['x-test']).to.equal('yes')
    expect(result).to.deep.include({ kind: 'answer', status: 201, body: 'Grüße' })
    expect(result.kind === 'answer' && result.headers['x-reply']).to.equal('a')
  })

  it('works over the global dispatcher as well', async () => {
    server.play(answer(200, 'ok', { connection: 'close' }))
    expect(await createHttpClient(limits)(post(server.url))).to.include({ kind: 'answer', status: 200 })
  })

  describe('provably unsent', () => {
    it('nobody listens', async () => {
      const result = await call(post(`http://127.0.0.1:${await closedPort()}/?token=hidden`))
      expect(result.kind).to.equal('unsent')
      expect(reasonOf(result)).to.contain('ECONNREFUSED').and.not.contain('hidden')
    })

    it('the connection stands only when the time for it is over, as the process finds when it goes on', async () => {
      let aborted = 0
      const controller = { abort: () => void aborted++ } as unknown as Dispatcher.DispatchController
      /** Stands still while it connects: no timer fires meanwhile. */
      const standingStill = {
        dispatch(_: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) {
          const until = performance.now() + 60
          while (performance.now() < until);
          handler.onRequestStart?.(controller, {})
          return true
        },
      } as unknown as Dispatcher
      const options = { ...limits, connectMs: 50, totalMs: 5_000, dispatcher: standingStill }
      const result = await createHttpClient(options)(post('http://127.0.0.1:9/'))
      expect(result).to.deep.equal({ kind: 'unsent', reason: 'no connection within 50 ms' })
      expect(aborted, 'nothing is written').to.equal(1)
    })

    it('the process stood still on its way to the call', async () => {
      const connected = {
        dispatch(_: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) {
          const controller = { abort: () => {} } as unknown as Dispatcher.DispatchController
          handler.onRequestStart?.(controller, {})
          handler.onResponseStart?.(controller, 200, {})
          handler.onResponseEnd?.(controller, {})
          return true
        },
      } as unknown as Dispatcher
      const client = createHttpClient({ ...limits, dispatcher: connected })
      const until = performance.now() + 1_000 + limits.connectMs + 100
      while (performance.now() < until);
      const result = await client(post('http://127.0.0.1:9/'))
      expect(result).to.deep.equal({ kind: 'unsent', reason: 'the process stood still before the request was written' })
      await new Promise((resolve) => setTimeout(resolve, 1_100))
      expect((await client(post('http://127.0.0.1:9/'))).kind, 'and goes on afterwards').to.equal('answer')
    })

    it('the name does not exist', async () => {
      expect((await call(post('http://nowhere.invalid/'))).kind).to.equal('unsent')
    })

    it('the address is not a URL, or a header cannot be sent', async () => {
      expect((await call(post('not a url'))).kind).to.equal('unsent')
      const result = await call({ ...post(server.url), headers: { authorization: 'Bearer hidden\n' } })
      expect(result.kind).to.equal('unsent')
      expect(reasonOf(result)).not.to.contain('hidden')
    })

    it('TLS fails, also when the connection is reset in the middle of the handshake', async () => {
      server.play(answer(200, 'plain'))
      expect((await call(post(server.url.replace('http:', 'https:')))).kind).to.equal('unsent')
      const resetting = createServer((socket) => socket.on('data', () => socket.resetAndDestroy()))
      const port = await listen(resetting)
      expect((await call(post(`https://127.0.0.1:${port}`))).kind).to.equal('unsent')
      resetting.close()
    })

    it('the connection takes too long, and the late connection carries nothing', async () => {
      server.play(answer(200, 'too late'))
      const connect = buildConnector({})
      const slow = new Agent({ connect: (options, callback) => setTimeout(() => connect(options, callback), 150) })
      const http = createHttpClient({ connectMs: 50, totalMs: 1000, maxBytes: 10, dispatcher: slow })
      expect(await http(post(server.url))).to.deep.equal({ kind: 'unsent', reason: 'no connection within 50 ms' })
      await pause(300)
      expect(server.seen).to.have.length(0)
      await slow.destroy()
    })
  })

  describe('lost: it may have been received', () => {
    const lost: [label: string, script: (response: ServerResponse) => void, reason: RegExp][] = [
      ['reset before the answer', (response) => resetConnection(response, noRequest), /ECONNRESET|closed/i],
      ['closed before the answer', (response) => response.socket?.end(), /closed/],
      ['no answer in time', (response) => neverAnswer(response, noRequest), /within 300 ms/],
      ['a body that drips for ever', drip, /within 300 ms/],
      ['a body that is cut', cutBody, /closed|aborted|RESET/i],
      ['a body that is too large', (response) => response.end('x'.repeat(2000)), /larger than 1024 bytes/],
      ['an answer that is not HTTP', (response) => response.socket?.end('hello\r\n\r\n'), /HTTP|Parse/i],
    ]
    for (const [label, script, reason] of lost) {
      it(label, async () => {
        server.play(script)
        const result = await call(post(`${server.url}/?token=hidden`))
        expect(result.kind).to.equal('lost')
        expect(reasonOf(result)).to.match(reason).and.not.contain('hidden')
        expect(server.seen).to.have.length(1)
      })
    }

    it('a kept connection that the server resets on the second call is not tried again', async () => {
      server.play(answer(200, 'first'))
      await call(post(server.url))
      server.play(resetConnection)
      expect((await call(post(server.url))).kind).to.equal('lost')
      expect(server.seen).to.have.length(1)
    })
  })

  it('gives a redirect back as it is', async () => {
    server.play(answer(307, '', { location: `${server.url}/elsewhere` }))
    expect(await call(post(server.url))).to.include({ kind: 'answer', status: 307 })
    expect(server.seen).to.have.length(1)
  })

  it('waits out an informational answer', async () => {
    server.play((response) => {
      response.writeProcessing()
      response.writeHead(200).end('final')
    })
    expect(await call(post(server.url))).to.include({ kind: 'answer', status: 200, body: 'final' })
  })
})

const noRequest = { method: '', url: '', headers: {}, body: '' }

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function drip(response: ServerResponse): void {
  const timer = setInterval(() => response.write('.'), 20)
  response.on('close', () => clearInterval(timer))
}

function cutBody(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '100' }).write('{"messages":')
  setTimeout(() => response.socket?.destroy(), 20)
}

const listen = (server: ReturnType<typeof createServer>): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })

async function closedPort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}
