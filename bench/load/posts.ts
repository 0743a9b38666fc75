/** POSTs over keep-alive connections, one under way on each, with next to no cost of its own. */

import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Post {
  readonly path: string
  readonly bytes: Buffer
  readonly headers: Readonly<Record<string, string>>
}

const headEnd = Buffer.from('\r\n\r\n')
const silenceMs = 20_000

/**
 * Sends every post and waits until it is taken. Resolves with the milliseconds that each took.
 * @param ports of processes that do the same work: connections are spread over them
 * @throws {Error} on any answer but 200 or 202, a broken connection, or silence
 */
export const postAll = (ports: readonly number[], posts: readonly Post[], connections: number): Promise<number[]> =>
  postEach(ports, posts, connections, async () => performance.now())

/** The same at a steady rate. One that finds every connection busy waits already: that counts. */
export function postPaced(
  ports: readonly number[],
  posts: readonly Post[],
  connections: number,
  perSecond: number,
): Promise<number[]> {
  const startMs = performance.now()
  return postEach(ports, posts, connections, async (index) => {
    const dueMs = startMs + (index * 1000) / perSecond
    const waitMs = dueMs - performance.now()
    if (waitMs <= 0) return dueMs
    await sleep(waitMs)
    return performance.now()
  })
}

/** @param begin resolves when the post may go, with the moment that its time counts from */
async function postEach(
  ports: readonly number[],
  posts: readonly Post[],
  connections: number,
  begin: (index: number) => Promise<number>,
): Promise<number[]> {
  const requests = posts.map(wholeRequest).entries()
  const latenciesMs: number[] = []
  const line = async (_: unknown, index: number) => {
    const socket = await open(ports[index % ports.length] ?? 0)
    try {
      for (const [place, request] of requests) {
        const startedAt = await begin(place)
        await exchange(socket, request)
        latenciesMs.push(performance.now() - startedAt)
      }
    } finally {
      socket.destroy()
    }
  }
  await Promise.all(Array.from({ length: Math.min(connections, posts.length) }, line))
  return latenciesMs
}

function wholeRequest({ path, bytes, headers }: Post): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${bytes.length}`,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), bytes])
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.setTimeout(silenceMs, () => socket.destroy(new Error('the server fell silent')))
    socket.once('error', reject).once('connect', () => resolve(socket))
  })
}

function exchange(socket: Socket, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0)
    const done = (error?: Error) => {
      socket.removeAllListeners('data').removeAllListeners('error').removeAllListeners('close')
      if (error) reject(error)
      else resolve()
    }
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      const verdict = judge(received)
      if (verdict !== 'incomplete') done(verdict)
    })
    socket.once('error', done).once('close', () => done(new Error('the server closed the connection')))
    socket.write(request)
  })
}

/** Undefined for a whole answer that says so. */
function judge(received: Buffer): Error | undefined | 'incomplete' {
  const end = received.indexOf(headEnd)
  if (end < 0) return 'incomplete'
  const head = received.toString('latin1', 0, end)
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  if (received.length < end + headEnd.length + length) return 'incomplete'
  return /^HTTP\/1.1 20[02] /.test(head) ? undefined : new Error(`a request was answered ${head.split('\r\n')[0]}`)
}
