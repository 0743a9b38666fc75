/** The HTTP side: reads a request, finds who answers it, writes the answer and the judge's record. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Call, html, json, type Outcome } from './answers.ts'
import { streamEvents } from './event-stream.ts'
import type { Events } from './events.ts'
import type { Ledger } from './ledger.ts'
import type { Platform } from './platform.ts'
import { parseJson } from './shapes.ts'

interface Deps {
  readonly graphApi: (call: Call) => Outcome | Promise<Outcome>
  readonly control: (call: Call) => Promise<Outcome>
  readonly platform: Platform
  readonly twin24: (call: Call) => Outcome | Promise<Outcome>
  readonly dialog360: (call: Call) => Outcome | Promise<Outcome>
  readonly events: Events
  readonly ledger: Ledger
}

const maxBodyBytes = 5_000_000

export function createHttpServer({ graphApi, control, platform, twin24, dialog360, events, ledger }: Deps): Server {
  const answer = (call: Call): Outcome | Promise<Outcome> => {
    const { method, path } = call
    if (path.startsWith('/_sim/')) return control(call)
    if (path === '/_ah/ESB/v1/ndrNotification') {
      return method === 'POST' ? platform.ndrNotification(call) : json(405, { error: 'POST only' })
    }
    if (path === '/portal' || path.startsWith('/portal/')) return platform.portal(call)
    if (path.startsWith('/twin24/')) return twin24(call)
    if (path.startsWith('/dialog360/')) return dialog360(call)
    return path === '/' ? html(200, welcomePage) : graphApi(call)
  }

  const record = (call: Call, { verdict }: { verdict?: string }): void => {
    if (call.path.startsWith('/_sim/')) return
    ledger.request({
      at: new Date().toISOString(),
      method: call.method,
      path: call.path,
      verdict: verdict ?? 'ok',
      ...(ledger.keepBodies && call.body ? { body: parseJson(call.body) ?? call.body } : {}),
    })
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request)
    if (body === undefined) return write(response, json(413, { error: 'too large' }))
    const call = callOf(request, body)
    if (call.path === '/_sim/events') return streamEvents(events, response)
    const outcome = await answer(call)
    record(call, outcome)
    write(response, outcome)
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (!response.headersSent && !response.destroyed) write(response, json(500, { error: String(error) }))
    })
  })
  // Longer than clients keep idle connections: otherwise a reset that nobody scripted looks like a lost message.
  server.keepAliveTimeout = 120_000
  return server
}

const welcomePage = '<!doctype html><title>Simulator</title><p>Simulated Graph API. Control endpoints: /_sim/…</p>'

/** The whole body, or undefined when it is too large or the caller left. */
function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= maxBodyBytes) chunks.push(chunk)
    })
    request.on('end', () => resolve(size > maxBodyBytes ? undefined : Buffer.concat(chunks).toString('utf8')))
    request.on('error', () => resolve(undefined))
  })
}

function callOf(request: IncomingMessage, body: string): Call {
  const { method = 'GET', url = '/', headers } = request
  const cut = url.indexOf('?')
  return {
    method,
    path: cut < 0 ? url : url.slice(0, cut),
    query: new URLSearchParams(cut < 0 ? '' : url.slice(cut + 1)),
    headers,
    body,
    base: `http://${headers.host ?? 'localhost'}`,
  }
}

function write(response: ServerResponse, outcome: Outcome): void {
  if ('instead' in outcome) {
    if (outcome.instead === 'reset') response.socket?.resetAndDestroy()
    return
  }
  response.writeHead(outcome.status, {
    'content-type': outcome.type,
    'content-length': Buffer.byteLength(outcome.body),
    'facebook-api-version': 'v24.0',
    ...outcome.headers,
  })
  response.end(outcome.body)
}
