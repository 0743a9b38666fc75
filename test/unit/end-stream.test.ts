import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { request } from 'undici'
import { createLogger } from '../../src/core/observe/logger.ts'
import { createMetrics } from '../../src/core/observe/metrics.ts'
import { HttpProblem } from '../../src/http/problem.ts'
import { createHttpServer, type HttpServer } from '../../src/http/server.ts'
import { createCheckTenant } from '../../src/http/steps/check-tenant.ts'
import { createCallerLimit } from '../../src/http/steps/rate-limit.ts'
import { until } from '../support/world.ts'

const apiKey = {
  id: 1,
  accountId: 379,
  name: 'Shop',
  prefix: 'fdrg_Example1',
  scopes: ['read' as const],
  createdBy: 'admin',
  expiresAt: null,
  lastUsedAt: null,
  revokedAt: null,
  createdAt: null,
}

describe('a stream of a client', () => {
  let server: HttpServer
  let url: string
  let looks: number
  /** What a look at the key leads to. */
  let look: () => Promise<void>
  let streams: PassThrough[]

  beforeEach(async () => {
    looks = 0
    look = async () => {}
    streams = []
    server = createHttpServer({
      stop: new AbortController().signal,
      routes: [
        {
          method: 'get',
          path: '/stream',
          auth: 'read',
          tenant: 'shared',
          handler: async () => {
            const stream = new PassThrough()
            stream.write('welcome')
            streams.push(stream)
            return { status: 200, body: stream }
          },
        },
      ],
      authenticate: async () => {
        looks++
        await look()
        return { kind: 'client', apiKey }
      },
      limitCaller: createCallerLimit(1_000),
      checkTenant: createCheckTenant(async () => undefined),
      log: createLogger('silent'),
      metrics: createMetrics(),
    })
    url = `http://127.0.0.1:${await server.listen(0)}/stream`
  })
  afterEach(async () => {
    for (const stream of streams) stream.destroy()
    await server.close()
  })

  it('is forgotten when the reader leaves while the key is looked at', async () => {
    const reader = new AbortController()
    look = async () => {
      reader.abort()
      await sleep(200)
    }
    await request(url, { signal: reader.signal }).catch(() => {})
    await until('the stream was made', () => streams.length === 1)
    look = async () => {}
    await sleep(2_300)
    expect(looks).to.equal(1)
    expect(streams[0]?.destroyed).to.equal(true)
  })

  it('has its key looked at until the reader leaves', async () => {
    const { body } = await request(url)
    body.on('error', () => {})
    await until('the key is looked at again', () => looks === 2)
    body.destroy()
    await sleep(1_500)
    expect(looks).to.equal(2)
  })

  it('is cut once the key is refused, and nothing is looked at after that', async () => {
    const { body } = await request(url)
    const cut = new Promise((resolve) => body.once('error', resolve).resume())
    look = async () => {
      throw new HttpProblem(401, 'no such key')
    }
    await cut
    await sleep(1_500)
    expect(looks).to.equal(2)
  })
})
