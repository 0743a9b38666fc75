/** The HTTP server: one pipeline, driven by the route table. */

import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { Router } from '@koa/router'
import Koa from 'koa'
import { correlationIn } from '../core/observe/correlation.ts'
import type { Logger } from '../core/observe/logger.ts'
import type { Metrics } from '../core/observe/metrics.ts'
import { BatcherFullError } from '../core/storage/batcher.ts'
import { isDatabaseAway } from '../core/storage/database-errors.ts'
import { HttpProblem } from './problem.ts'
import type { Reply, RequestFacts, Route } from './route.ts'
import type { Authenticate } from './steps/authenticate.ts'
import { type CheckTenant, checkReserved } from './steps/check-tenant.ts'
import { endStreamWithKey } from './steps/end-stream.ts'
import { createPlaces, createRateLimit, type LimitCaller } from './steps/rate-limit.ts'
import { readBody } from './steps/read-body.ts'
import { parseJson, validate } from './steps/validate.ts'

export interface HttpServerDeps {
  readonly routes: readonly Route[]
  readonly authenticate: Authenticate
  readonly limitCaller: LimitCaller
  readonly checkTenant: CheckTenant
  /** Aborted when the process is about to stop. */
  readonly stop: AbortSignal
  readonly log: Logger
  readonly metrics: Metrics
}

export interface HttpServer {
  /** Resolves with the port that is listened on (another one than asked for when that was 0). */
  listen(port: number): Promise<number>
  /** No new requests; resolves when those under way are answered. */
  close(): Promise<void>
}

const defaultMaxBytes = 256 * 1024

export function createHttpServer(deps: HttpServerDeps): HttpServer {
  const app = new Koa()
  const router = new Router()
  for (const route of deps.routes) router.register(route.path, [route.method], [pipeline(route, deps)])
  app.use(leaveTo(deps.stop))
  app.use(observe(deps))
  app.use(router.routes())
  app.use(() => {
    throw new HttpProblem(404, 'there is no such resource')
  })
  // Every error is answered by `observe`; this is left for sockets that break while an answer is written.
  app.on('error', (error) => deps.log.debug({ err: error }, 'connection error'))
  const server = createServer(app.callback())
  server.requestTimeout = 30_000
  server.headersTimeout = 10_000
  server.keepAliveTimeout = 65_000
  server.maxConnections = 10_000
  return { listen: (port) => listen(server, port), close: () => close(server) }
}

/**
 * The steps of every route, in this order: how often, who calls, what is asked, how many at once, what comes with it,
 * whose data it is, the work, the answer.
 */
function pipeline(route: Route, { authenticate, limitCaller, checkTenant }: HttpServerDeps): Koa.Middleware {
  const limitRate = createRateLimit(route.perSecond)
  const inPlace = createPlaces(route.atOnce)
  return async (ctx) => {
    ctx.state.route = route.path
    limitRate()
    const identify = () => authenticate(route.auth, ctx.get('authorization'))
    const caller = await identify()
    limitCaller(caller)
    const query = route.query ? validate(route.query, { ...ctx.query }, 'query') : {}
    const params = (ctx as unknown as { params?: Record<string, string> }).params ?? {}
    await route.admit?.(params)
    await inPlace(async () => {
      const body = await bodyOf(route, ctx)
      checkReserved(route.reserved ?? [], caller, body)
      const asked = {
        method: ctx.method,
        caller,
        params,
        query: query as object,
        headers: ctx.headers,
        correlationId: ctx.state.correlationId,
        body,
      }
      const request = route.tenant ? await checkTenant(route.tenant, asked as RequestFacts) : asked
      const reply = await route.handler(request as RequestFacts<never, never>)
      if (reply.body instanceof Readable && caller.kind === 'client') endStreamWithKey(ctx.res, identify)
      answer(ctx, reply)
    })
  }
}

async function bodyOf(route: Route, ctx: Koa.Context): Promise<unknown> {
  if (!route.body) return undefined
  const bytes = await readBody(ctx.req, route.maxBytes ?? defaultMaxBytes)
  return route.body === 'raw' ? bytes : validate(route.body, parseJson(bytes), 'body')
}

function answer(ctx: Koa.Context, { status, body, headers = {} }: Reply): void {
  ctx.status = status
  ctx.set('x-content-type-options', 'nosniff')
  if (typeof body === 'string') ctx.type = 'text/plain'
  ctx.body = body ?? null
  // Koa turns an empty body into 204; the status that was meant stays.
  ctx.status = status
  for (const [name, value] of Object.entries(headers)) ctx.set(name, value)
}

function observe({ log, metrics }: HttpServerDeps): Koa.Middleware {
  return async (ctx, next) => {
    const startedAt = performance.now()
    ctx.state.correlationId = correlationIn(ctx.headers) ?? randomUUID()
    ctx.set('x-correlation-id', ctx.state.correlationId)
    try {
      await next()
    } catch (error) {
      answerProblem(ctx, error, log)
    }
    if (ctx.body instanceof Readable) return
    const seconds = (performance.now() - startedAt) / 1000
    metrics.httpSeconds.observe({ route: ctx.state.route ?? 'none', status: statusClass(ctx.status) }, seconds)
  }
}

type StatusClass = `${1 | 2 | 3 | 4 | 5}xx`
const statusClass = (status: number) => `${Math.floor(status / 100)}xx` as StatusClass

function answerProblem(ctx: Koa.Context, error: unknown, log: Logger): void {
  const problem = problemOf(error)
  const { route, correlationId } = ctx.state
  if (problem.status === 500) log.error({ err: error, route, correlationId }, 'request failed')
  if (problem.status === 503 && problem !== error) log.warn({ err: error, route, correlationId }, 'request put off')
  ctx.status = problem.status
  ctx.body = JSON.stringify(problem.body)
  ctx.type = 'application/problem+json'
  const wait = problem.status === 429 ? 1 : problem.body.retryAfterSeconds
  if (wait !== undefined) ctx.set('retry-after', String(wait))
  // The rest of a body that was not read must not be taken for the next request.
  if (!ctx.req.complete) ctx.set('connection', 'close')
}

function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error
  if (isDatabaseAway(error) || error instanceof BatcherFullError) return new HttpProblem(503, 'not now; try again')
  return new HttpProblem(500, 'something went wrong here')
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, () => resolve((server.address() as AddressInfo).port))
  })
}

/** Who is about to stop asks whoever is connected to go on elsewhere: a connection that is cut fails a request. */
const leaveTo =
  (stop: AbortSignal): Koa.Middleware =>
  async (ctx, next) => {
    await next()
    if (stop.aborted) ctx.set('connection', 'close')
  }

/** How often connections that became idle meanwhile are closed, and when the rest is cut. */
const idleEveryMs = 100
const cutMs = 5_000

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const idle = setInterval(() => server.closeIdleConnections(), idleEveryMs)
    const cut = setTimeout(() => server.closeAllConnections(), cutMs)
    server.close(() => {
      clearInterval(idle)
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
}
