import { once } from 'node:events'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { request } from 'undici'
import { z } from 'zod'
import { createLogger } from '../../src/core/observe/logger.ts'
import { createMetrics, type Metrics } from '../../src/core/observe/metrics.ts'
import { BatcherFullError } from '../../src/core/storage/batcher.ts'
import { HttpProblem } from '../../src/http/problem.ts'
import type { Reply, RequestFacts, Route } from '../../src/http/route.ts'
import { createHttpServer, type HttpServer } from '../../src/http/server.ts'
import { createAuthenticate } from '../../src/http/steps/authenticate.ts'
import { createCheckTenant } from '../../src/http/steps/check-tenant.ts'
import { createCallerLimit } from '../../src/http/steps/rate-limit.ts'

const adminKey = 'test-admin-key-000000'
const authorized = { authorization: `Bearer ${adminKey}` }
const maxBytes = 1_000
/** No client has a key. */
const apiKeys = { check: async () => undefined }
const steps = { limitCaller: createCallerLimit(1_000), checkTenant: createCheckTenant(async () => undefined) }

interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
  readonly headers: Readonly<Record<string, unknown>>
}

const databaseAway = () => Object.assign(new Error('no connection'), { name: 'SequelizeConnectionError' })

describe('http server', () => {
  let server: HttpServer
  let stopping: AbortController
  let port: number
  let seen: RequestFacts<unknown, unknown>[]
  let lines: string[]
  let metrics: Metrics
  let finishSlow: () => void

  const echo = async (facts: RequestFacts<never, never>): Promise<Reply> => {
    seen.push(facts)
    const { body } = facts as RequestFacts<unknown, unknown>
    return { status: 200, body: { got: Buffer.isBuffer(body) ? body.toString('latin1') : (body ?? null) } }
  }
  const throwing = (error: () => unknown) => async (): Promise<Reply> => {
    throw error()
  }
  const schema = z.strictObject({ name: z.string().min(2), sizes: z.array(z.int()).optional() })
  const query = z.object({ limit: z.coerce.number().int().max(10).default(5) })

  const routes: Route[] = [
    { method: 'get', path: '/open', auth: 'public', handler: echo },
    { method: 'get', path: '/things/:id', auth: 'admin', query, handler: echo },
    { method: 'post', path: '/things', auth: 'admin', body: schema, maxBytes, handler: echo },
    { method: 'post', path: '/raw', auth: 'provider', body: 'raw', maxBytes, handler: echo },
    { method: 'post', path: '/few', auth: 'admin', body: 'raw', maxBytes, atOnce: 2, handler: echo },
    { method: 'post', path: '/no-body', auth: 'public', handler: echo },
    { method: 'get', path: '/text', auth: 'public', handler: async () => ({ status: 200, body: 'plain <b>' }) },
    { method: 'get', path: '/nothing', auth: 'public', handler: async () => ({ status: 200 }) },
    {
      method: 'get',
      path: '/moved',
      auth: 'public',
      handler: async () => ({ status: 302, headers: { location: 'https://example.com/x' } }),
    },
    {
      method: 'get',
      path: '/stream',
      auth: 'public',
      handler: async () => ({ status: 200, body: Readable.from(['a', 'b']) }),
    },
    {
      method: 'get',
      path: '/conflict',
      auth: 'public',
      handler: throwing(() => new HttpProblem(409, 'taken', { reason: 'twice' })),
    },
    { method: 'get', path: '/bug', auth: 'public', handler: throwing(() => new Error('password=hunter2')) },
    { method: 'get', path: '/odd', auth: 'public', handler: throwing(() => null) },
    { method: 'get', path: '/away', auth: 'public', handler: throwing(databaseAway) },
    { method: 'get', path: '/full', auth: 'public', handler: throwing(() => new BatcherFullError()) },
    {
      method: 'get',
      path: '/slow',
      auth: 'public',
      handler: () =>
        new Promise((resolve) => {
          finishSlow = () => resolve({ status: 200, body: 'done' })
        }),
    },
  ]

  beforeEach(async () => {
    seen = []
    lines = []
    metrics = createMetrics()
    const log = createLogger('debug', { stream: { write: (line: string) => void lines.push(line) } })
    const authenticate = createAuthenticate({ adminKey, apiKeys })
    stopping = new AbortController()
    server = createHttpServer({ routes, authenticate, ...steps, stop: stopping.signal, log, metrics })
    port = await server.listen(0)
  })
  afterEach(() => server.close())

  const call = async (
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: string | Buffer | Readable } = {},
  ): Promise<Answer> => {
    const { statusCode, headers, body } = await request(`http://127.0.0.1:${port}${path}`, {
      method: method as 'GET',
      ...options,
    })
    return { status: statusCode, type: String(headers['content-type'] ?? ''), text: await body.text(), headers }
  }
  const problemOf = async (answering: Promise<Answer>) => {
    const { status, type, text } = await answering
    expect(type).to.match(/^application\/problem\+json/)
    const problem = JSON.parse(text) as { status: number; title: string; detail: string; errors?: { path: string }[] }
    expect(problem.status).to.equal(status)
    expect(problem.title).to.be.a('string').and.not.equal('')
    return problem
  }
  const post = (path: string, body: string | Buffer | Readable, headers: Record<string, string> = authorized) =>
    call('POST', path, { headers, body })

  describe('who calls', () => {
    const strangers: [string, Record<string, string>][] = [
      ['nobody', {}],
      ['an empty header', { authorization: '' }],
      ['an empty key', { authorization: 'Bearer ' }],
      ['another key', { authorization: 'Bearer test-admin-key-000001' }],
      ['part of the key', { authorization: `Bearer ${adminKey.slice(0, -1)}` }],
      ['more than the key', { authorization: `Bearer ${adminKey}0` }],
      ['the key and more', { authorization: `Bearer ${adminKey} x` }],
      ['the key without its scheme', { authorization: adminKey }],
      ['another scheme', { authorization: `Basic ${adminKey}` }],
    ]
    for (const [label, headers] of strangers) {
      it(`${label}: 401, before anything is read`, async () => {
        const problem = await problemOf(post('/things', 'not even json', headers))
        expect(problem).to.include({ status: 401, detail: 'a valid bearer key is needed' })
        expect(seen).to.deep.equal([])
      })
    }

    it('the administrator: let through, however the scheme is written', async () => {
      for (const authorization of [`Bearer ${adminKey}`, `bearer ${adminKey}`]) {
        expect((await call('GET', '/things/7', { headers: { authorization } })).status).to.equal(200)
      }
    })

    it('public and provider routes ask for no key', async () => {
      expect((await call('GET', '/open')).status).to.equal(200)
      expect((await post('/raw', 'x', {})).status).to.equal(200)
    })

    it('an installation whose key is empty lets nobody in', async () => {
      const authenticate = createAuthenticate({ adminKey: '', apiKeys })
      for (const header of [undefined, '', 'Bearer ', 'Bearer x']) {
        const refused = await authenticate('admin', header).catch((error: unknown) => error)
        expect(refused).to.be.instanceOf(HttpProblem)
      }
    })
  })

  describe('what is asked', () => {
    it('gives parameters and the validated query to the handler', async () => {
      await call('GET', '/things/a%2Fb?limit=7&other=x', { headers: authorized })
      expect(seen[0]).to.deep.include({ params: { id: 'a/b' }, query: { limit: 7 } })
      await call('GET', '/things/7', { headers: authorized })
      expect(seen[1]?.query).to.deep.equal({ limit: 5 })
    })

    for (const search of ['limit=x', 'limit=11', 'limit=1&limit=2']) {
      it(`?${search}: 400 that names it`, async () => {
        const problem = await problemOf(call('GET', `/things/7?${search}`, { headers: authorized }))
        expect(problem).to.include({ status: 400, detail: 'the query is not valid' })
        expect(problem.errors?.map(({ path }) => path)).to.deep.equal(['limit'])
      })
    }
  })

  describe('what comes with it', () => {
    it('reads JSON and gives it validated', async () => {
      await post('/things', '{"name":"आशा"}')
      expect(seen[0]?.body).to.deep.equal({ name: 'आशा' })
    })

    for (const [label, body, detail] of [
      ['nothing', '', 'the body is not JSON'],
      ['words', 'hello', 'the body is not JSON'],
      ['cut JSON', '{"name":', 'the body is not JSON'],
      ['a list', '[]', 'the body is not valid'],
      ['null', 'null', 'the body is not valid'],
    ]) {
      it(`${label}: 400`, async () => {
        expect(await problemOf(post('/things', body ?? ''))).to.include({ status: 400, detail })
        expect(seen).to.deep.equal([])
      })
    }

    it('names every field that is wrong', async () => {
      const { errors } = await problemOf(post('/things', '{"name":"x","sizes":[1,"two"],"colour":"red"}'))
      expect(errors?.map(({ path }) => path)).to.have.members(['name', 'sizes.1', ''])
    })

    it('gives raw bytes as they were received', async () => {
      const bytes = Buffer.from([0, 255, 128, 10, 13, 0xc3, 0x28])
      await post('/raw', bytes, {})
      expect(Buffer.isBuffer(seen[0]?.body) && seen[0].body.equals(bytes)).to.equal(true)
    })

    it('takes as much as it may, and not a byte more', async () => {
      expect((await post('/raw', 'x'.repeat(maxBytes), {})).status).to.equal(200)
      expect(await problemOf(post('/raw', 'x'.repeat(maxBytes + 1), {}))).to.include({ status: 413 })
    })

    it('counts what comes without a length', async () => {
      const pieces = (count: number) => Readable.from(Array(count).fill(Buffer.alloc(100, 'x')))
      expect((await post('/raw', pieces(10), {})).status).to.equal(200)
      const refused = await post('/raw', pieces(11), {}).catch((error: Error) => error)
      if (!(refused instanceof Error)) expect(refused.status).to.equal(413)
      expect(seen).to.have.length(1)
    })

    for (const encoding of ['gzip', 'br', 'deflate', 'identity, gzip']) {
      it(`${encoding}: 415`, async () => {
        const problem = await problemOf(post('/raw', 'x', { 'content-encoding': encoding }))
        expect(problem).to.include({ status: 415, detail: 'compressed bodies are not accepted' })
      })
    }

    it('"identity" is no compression', async () => {
      expect((await post('/raw', 'x', { 'content-encoding': 'identity' })).status).to.equal(200)
    })

    it('does not read a body that the table does not name', async () => {
      expect((await post('/no-body', 'ignored', {})).status).to.equal(200)
      expect(seen[0]?.body).to.equal(undefined)
    })
  })

  describe('the answer', () => {
    it('an object is JSON, a text is plain text, never guessed by the browser', async () => {
      const json = await call('GET', '/open')
      expect(json).to.include({ status: 200, text: '{"got":null}' })
      expect(json.type).to.match(/^application\/json/)
      const text = await call('GET', '/text')
      expect(text.type).to.match(/^text\/plain/)
      for (const { headers } of [json, text]) expect(headers['x-content-type-options']).to.equal('nosniff')
    })

    it('keeps the status that was meant, with and without a body', async () => {
      expect(await call('GET', '/nothing')).to.include({ status: 200, text: '' })
      const moved = await call('GET', '/moved')
      expect(moved.status).to.equal(302)
      expect(moved.headers.location).to.equal('https://example.com/x')
    })

    it('a stream is sent as it is', async () => expect((await call('GET', '/stream')).text).to.equal('ab'))

    it('HEAD is answered as GET without a body', async () => {
      const { status, text } = await call('HEAD', '/open')
      expect({ status, text }).to.deep.equal({ status: 200, text: '' })
      expect((await call('HEAD', '/nowhere')).status).to.equal(404)
      expect((await call('HEAD', '/things/7')).status).to.equal(401)
    })
  })

  describe('problems', () => {
    for (const [method, path] of [
      ['GET', '/nowhere'],
      ['GET', '/'],
      ['GET', '//'],
      ['GET', '/things/7/more'],
      ['GET', '/%E0%A4%A'],
      ['GET', '/__proto__'],
      ['DELETE', '/open'],
      ['PATCH', '/things'],
      ['POST', '/things/7'],
      ['OPTIONS', '/things'],
    ]) {
      it(`${method} ${path}: there is no such resource`, async () => {
        expect((await problemOf(call(method ?? '', path ?? ''))).status).to.be.oneOf([404, 405])
        expect(seen).to.deep.equal([])
      })
    }

    it('a problem says what the handler meant it to say', async () => {
      expect(await problemOf(call('GET', '/conflict'))).to.include({ status: 409, detail: 'taken', reason: 'twice' })
    })

    for (const path of ['/bug', '/odd']) {
      it(`${path}: what nobody expected is hidden from the caller and told to the operator`, async () => {
        const problem = await problemOf(call('GET', path))
        expect(problem).to.deep.include({ status: 500, detail: 'something went wrong here' })
        expect(JSON.stringify(problem)).to.not.contain('hunter2')
        expect(lines.join()).to.contain('request failed')
      })
    }

    for (const path of ['/away', '/full']) {
      it(`${path}: 503, so that providers come again`, async () => {
        const problem = await problemOf(call('GET', path))
        expect(problem.status).to.equal(503)
        expect(JSON.stringify(problem)).to.not.contain('connection')
      })
    }

    it('are counted by route and class, never by path', async () => {
      await Promise.all([
        call('GET', '/bug'),
        call('GET', '/open'),
        call('GET', '/nowhere/1'),
        call('GET', '/nowhere/2'),
      ])
      const text = await metrics.registry.getSingleMetricAsString('fdr_http_seconds')
      expect(text).to.contain('fdr_http_seconds_count{route="/bug",status="5xx"} 1')
      expect(text).to.contain('fdr_http_seconds_count{route="/open",status="2xx"} 1')
      expect(text).to.contain('fdr_http_seconds_count{route="none",status="4xx"} 2')
    })
  })

  describe('callers that misbehave', () => {
    const open = async (text: string) => {
      const socket = connect(port, '127.0.0.1')
      let received = ''
      socket.on('data', (chunk) => {
        received += chunk.toString()
      })
      socket.on('error', () => {})
      await once(socket, 'connect')
      socket.write(text)
      return { socket, received: () => received }
    }
    const head = 'POST /raw HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n'

    it('a body may come slowly', async () => {
      const { socket, received } = await open(`${head}12345`)
      await sleep(50)
      socket.write('67890')
      while (!received().includes('1234567890')) await sleep(5)
      expect(received()).to.match(/^HTTP\/1.1 200/)
      socket.destroy()
    })

    it('of few at once more are refused before anybody waits for their bodies, and let in when one is done', async () => {
      const head = `POST /few HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${adminKey}\r\ncontent-length: 4\r\n\r\n`
      const slow = [await open(`${head}12`), await open(`${head}12`)]
      while ((await post('/few', 'x')).status !== 429) await sleep(5)
      const third = await open(head)
      while (!third.received().includes('try again')) await sleep(5)
      expect(third.received()).to.match(/^HTTP\/1.1 429/)
      for (const { socket } of slow) socket.write('34')
      for (const { received } of slow) while (!received().includes('1234')) await sleep(5)
      expect((await post('/few', 'x')).status).to.equal(200)
      for (const { socket } of [...slow, third]) socket.destroy()
    })

    it('a body that is broken off reaches no handler and disturbs nobody', async () => {
      const { socket } = await open(`${head}12345`)
      await sleep(20)
      socket.destroy()
      await sleep(20)
      expect(seen).to.deep.equal([])
      expect((await call('GET', '/open')).status).to.equal(200)
      expect(lines.join()).to.not.contain('request failed')
    })

    it('what was not read of a refused request is not taken for the next one', async () => {
      const smuggled = 'GET /open HTTP/1.1\r\nhost: x\r\n\r\n'
      const refused = `POST /things HTTP/1.1\r\nhost: x\r\ncontent-length: ${smuggled.length + 5_000}\r\n\r\n${smuggled}`
      const { socket, received } = await open(refused)
      await once(socket, 'close')
      expect(received()).to.match(/^HTTP\/1.1 401/)
      expect(received().match(/HTTP\/1.1/g)).to.have.length(1)
      expect(seen).to.deep.equal([])
    })

    it('a request that is none is answered 400 by itself', async () => {
      const { socket, received } = await open('hello\r\n\r\n')
      await once(socket, 'close')
      expect(received()).to.match(/^HTTP\/1.1 400/)
    })
  })

  it('closes after the requests that are under way', async () => {
    const slow = call('GET', '/slow')
    while (!finishSlow) await sleep(5)
    let isClosed = false
    const closing = server.close().then(() => {
      isClosed = true
    })
    await sleep(50)
    expect(isClosed).to.equal(false)
    expect(await call('GET', '/open').catch((error: { code?: string }) => error.code)).to.equal('ECONNREFUSED')
    finishSlow()
    expect((await slow).text).to.equal('done')
    await closing
  })

  it('asks to go on elsewhere once it is about to stop, and answers all the same', async () => {
    expect((await call('GET', '/nothing')).headers.connection).to.equal('keep-alive')
    stopping.abort()
    const { status, headers } = await call('GET', '/nothing')
    expect({ status, connection: headers.connection }).to.deep.equal({ status: 200, connection: 'close' })
    expect((await call('GET', '/conflict')).headers.connection).to.equal('close')
  })

  it('says when its port is taken', async () => {
    const second = createHttpServer({
      routes: [],
      authenticate: async () => ({ kind: 'nobody' }),
      ...steps,
      stop: stopping.signal,
      log: createLogger('silent'),
      metrics: createMetrics(),
    })
    const failure = await second.listen(port).catch((error: { code?: string }) => error.code)
    expect(failure).to.equal('EADDRINUSE')
  })
})
