import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Answers one request; may as well never answer, or cut the connection. */
export type Script = (response: ServerResponse, request: SeenRequest) => void

export interface ScriptedServer {
  readonly url: string
  readonly seen: SeenRequest[]
  play(script: Script): void
  close(): Promise<void>
}

export const answer =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Script =>
  (response) => {
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
  }

export const neverAnswer: Script = () => {}

export const resetConnection: Script = (response) => {
  response.socket?.resetAndDestroy()
}

/** A vendor on a local port that answers as the last script says. */
export async function startScriptedServer(): Promise<ScriptedServer> {
  let script: Script = answer(500, 'no script')
  const seen: SeenRequest[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url = '', headers } = request
    const seenRequest = { method, url, headers, body: Buffer.concat(chunks).toString() }
    seen.push(seenRequest)
    script(response, seenRequest)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    play(next) {
      script = next
      seen.length = 0
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
