/** A TCP proxy that fails on demand: slow, cut, or silent like a network that swallows every packet. */

import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from '../../scripts/services/processes.ts'

export interface TestProxy {
  /** On 127.0.0.1. */
  readonly port: number
  /** Every chunk, in both directions, arrives so much later. */
  delay(ms: number): void
  /** Resets every connection, and every new one, until {@link TestProxy.heal}. */
  cut(): void
  /**
   * Nothing goes through until {@link TestProxy.heal}: connections stay and lose nothing, as when a network is away
   * for a while; those that are made meanwhile stand and never answer, not even afterwards.
   */
  blackhole(): void
  heal(): void
  /** Connections that were made during a {@link TestProxy.blackhole}. */
  deadConnections(): number
  close(): Promise<void>
}

interface Pair {
  readonly client: Socket
  readonly target: Socket
}

/** Starts a proxy in front of the host and port that a URL names. */
export async function startProxy(targetUrl: string): Promise<TestProxy> {
  const { hostname, port: targetPort } = new URL(targetUrl)
  const pairs = new Set<Pair>()
  const dead = new Set<Socket>()
  let mode: 'open' | 'cut' | 'blackhole' = 'open'
  let latencyMs = 0

  const pipe = (from: Socket, to: Socket) => {
    from.on('data', (chunk) => {
      if (latencyMs > 0) setTimeout(() => to.write(chunk), latencyMs)
      else to.write(chunk)
    })
    from.on('end', () => setTimeout(() => to.end(), latencyMs))
  }
  const server = createServer((client) => {
    client.on('error', () => {})
    if (mode === 'cut') return void client.resetAndDestroy()
    if (mode === 'blackhole') return void dead.add(client.pause())
    const pair = { client, target: connect(Number(targetPort), hostname) }
    pairs.add(pair)
    for (const socket of [pair.client, pair.target]) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => end(pair))
    }
    pipe(pair.client, pair.target)
    pipe(pair.target, pair.client)
  })
  const end = (pair: Pair) => {
    pairs.delete(pair)
    reset(pair.client)
    reset(pair.target)
  }
  const port = await freePort()
  await listen(server, port)
  return {
    port,
    delay(ms) {
      latencyMs = ms
    },
    cut() {
      mode = 'cut'
      for (const pair of [...pairs]) end(pair)
    },
    blackhole() {
      mode = 'blackhole'
      for (const pair of pairs) hold(pair)
    },
    heal() {
      mode = 'open'
      for (const { client, target } of pairs) for (const socket of [client, target]) socket.resume()
    },
    deadConnections: () => dead.size,
    async close() {
      for (const pair of [...pairs]) end(pair)
      for (const socket of dead) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What arrives stays with the kernel, unread. */
const hold = ({ client, target }: Pair) => {
  client.pause()
  target.pause()
}

/** An orderly end stays one; everything else is a reset, as after a crash. */
const reset = (socket: Socket) => {
  if (socket.destroyed) return
  if (socket.writableEnded) socket.destroySoon()
  else socket.resetAndDestroy()
}

const listen = (server: Server, port: number) =>
  new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))

/** The URL with the proxy in place of its server. */
export function throughProxy(url: string, proxy: TestProxy): string {
  const changed = new URL(url)
  changed.hostname = '127.0.0.1'
  changed.port = String(proxy.port)
  return changed.href
}
