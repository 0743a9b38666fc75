/** A load balancer as in front of real replicas: new connections go to whoever says that they are ready. */

import { connect, createServer, type Socket } from 'node:net'
import { request } from 'undici'

export interface Balancer {
  /** A replica is there from now on; it gets connections once it has said that it is ready. */
  add(url: string): void
  /** It is gone: nobody asks it any more. */
  remove(url: string): void
  /** How many replicas get connections now. */
  ready(): number
  close(): Promise<void>
}

/** As a readiness probe is set up in practice; until the next one, a replica that stops still gets connections. */
const probeEveryMs = 1_000

/** @param port of 127.0.0.1 */
export async function startBalancer(port: number): Promise<Balancer> {
  const replicas = new Map<string, boolean>()
  const open = new Set<Socket>()
  let turn = 0

  const probe = async (url: string) => {
    const isReady = await request(`${url}/health/ready`, { reset: true, headersTimeout: probeEveryMs })
      .then(async ({ statusCode, body }) => {
        await body.dump()
        return statusCode === 200
      })
      .catch(() => false)
    if (replicas.has(url)) replicas.set(url, isReady)
  }
  const timer = setInterval(() => void Promise.all([...replicas.keys()].map(probe)), probeEveryMs)

  const track = (socket: Socket): Socket => {
    open.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    return socket
  }
  const server = createServer((client) => {
    track(client)
    const ready = [...replicas].filter(([, isReady]) => isReady).map(([url]) => url)
    const url = ready[turn++ % ready.length]
    if (!url) return void client.resetAndDestroy()
    const target = track(connect(Number(new URL(url).port), '127.0.0.1'))
    client.pipe(target)
    target.pipe(client)
    client.on('close', () => target.destroy())
    // What a replica refuses or cuts off, the client sees.
    target.on('error', () => client.resetAndDestroy())
    target.on('close', () => client.destroySoon())
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return {
    add: (url) => void replicas.set(url, false),
    remove: (url) => void replicas.delete(url),
    ready: () => [...replicas.values()].filter(Boolean).length,
    async close() {
      clearInterval(timer)
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
