import { Agent, type Dispatcher, getGlobalDispatcher } from 'undici'
import type { HttpClient, HttpRequest, HttpResult } from '../../core/contract/provider.ts'
import { stoodStillMs, watchStandstill } from './standstill.ts'

export interface HttpClientOptions {
  /** How long it may take until the first byte of the request can be written (name, connection, TLS). */
  readonly connectMs: number
  /** How long the whole exchange may take, the body of the answer included. */
  readonly totalMs: number
  /** The largest answer that is read. */
  readonly maxBytes: number
  /** Default: undici's global dispatcher. */
  readonly dispatcher?: Dispatcher
}

/**
 * The connection pool for provider calls: as many connections as there are calls at a time, one call on each (an
 * answer never waits behind another), closed soon after the last use. Its owner closes it at shutdown.
 */
export const createAgent = (): Agent =>
  new Agent({ pipelining: 1, keepAliveTimeout: 4000, keepAliveMaxTimeout: 10_000 })

/** The HTTP client of all adapters; see `HttpClient` for what it promises. */
export const createHttpClient = (options: HttpClientOptions): HttpClient => {
  watchStandstill()
  return (request) =>
    new Promise((resolve) => {
      const totalMs = Math.min(options.totalMs, request.timeoutMs ?? options.totalMs)
      const exchange = startExchange({ ...options, totalMs }, resolve)
      try {
        const dispatcher = options.dispatcher ?? getGlobalDispatcher()
        dispatcher.dispatch(dispatchOptions(request), exchange)
      } catch (error) {
        exchange.fail(reasonOf(error))
      }
    })
}

function dispatchOptions({ method, url, headers, body }: HttpRequest): Dispatcher.DispatchOptions {
  const { origin, pathname, search } = new URL(url)
  return { origin, path: pathname + search, method, ...(headers && { headers }), ...(body !== undefined && { body }) }
}

type Exchange = Dispatcher.DispatchHandler & { fail(reason: string): void }

/**
 * Follows one exchange to its single result. undici calls `onRequestStart` once the connection stands and before it
 * writes the first byte: a failure before that call is the proof that nothing was sent, whatever the error is.
 */
function startExchange({ connectMs, totalMs, maxBytes }: HttpClientOptions, resolve: (result: HttpResult) => void) {
  let controller: Dispatcher.DispatchController | undefined
  let settled = false
  let head: Pick<HttpResult & { kind: 'answer' }, 'status' | 'headers'> = { status: 0, headers: {} }
  let size = 0
  const chunks: Buffer[] = []

  const settle = (result: HttpResult): void => {
    if (settled) return
    settled = true
    clearTimeout(connectTimer)
    clearTimeout(totalTimer)
    resolve(result)
  }
  const fail = (reason: string): void => {
    settle({ kind: controller ? 'lost' : 'unsent', reason })
    controller?.abort(new Error(reason))
  }
  const startedMs = performance.now()
  const unconnected = `no connection within ${connectMs} ms`
  const connectTimer = setTimeout(() => fail(unconnected), connectMs)
  const totalTimer = setTimeout(() => fail(`no complete answer within ${totalMs} ms`), totalMs)

  const exchange: Exchange = {
    fail,
    onRequestStart(started) {
      // A process that stood still goes on where it was, and hears of its connection before its timers fire.
      if (performance.now() - startedMs > connectMs) fail(unconnected)
      if (stoodStillMs() > connectMs) fail('the process stood still before the request was written')
      // Given up while connecting: aborting here is what keeps the promise that nothing was written.
      if (settled) return started.abort(new Error('given up'))
      controller = started
      clearTimeout(connectTimer)
    },
    onResponseStart(_controller, status, headers) {
      head = { status, headers }
    },
    onResponseData(_controller, chunk) {
      size += chunk.length
      if (size > maxBytes) return fail(`answer larger than ${maxBytes} bytes`)
      chunks.push(chunk)
    },
    onResponseEnd() {
      settle({ kind: 'answer', ...head, body: Buffer.concat(chunks).toString('utf8') })
    },
    onResponseError(_controller, error) {
      fail(reasonOf(error))
    },
  }
  return exchange
}

/** Error code and words; never the request, whose URL and headers may carry secrets. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown network error'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  const words = error instanceof TypeError ? '' : error.message.slice(0, 200)
  return words && !words.includes(code) ? `${code}: ${words}` : words || code
}
