/** POSTs over keep-alive connections, one under way on each, with next to no cost of its own. */

import { connect, type Socket } from 'node:net'

export interface PostTarget {
  readonly port: number
  readonly path: string
}

export interface Post {
  readonly bytes: Buffer
  readonly signature: string
}

const headEnd = Buffer.from('\r\n\r\n')
const silenceMs = 20_000

/**
 * Sends every post and waits for its 200. Resolves with the milliseconds that each took.
 * @throws {Error} on any other answer, a broken connection, or silence
 */
export async function postAll(target: PostTarget, posts: readonly Post[], connections: number): Promise<number[]> {
  const requests = posts.map((post) => wholeRequest(target, post))
  const latenciesMs: number[] = []
  let next = 0
  const line = async () => {
    const socket = await open(target.port)
    try {
      for (let request = requests[next++]; request; request = requests[next++]) {
        const startedAt = performance.now()
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

function wholeRequest({ port, path }: PostTarget, { bytes, signature }: Post): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    'content-type: application/json',
    `x-hub-signature-256: ${signature}`,
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

/** Undefined for a whole 200. */
function judge(received: Buffer): Error | undefined | 'incomplete' {
  const end = received.indexOf(headEnd)
  if (end < 0) return 'incomplete'
  const head = received.toString('latin1', 0, end)
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  if (received.length < end + headEnd.length + length) return 'incomplete'
  return head.startsWith('HTTP/1.1 200') ? undefined : new Error(`a webhook was answered ${head.split('\r\n')[0]}`)
}
