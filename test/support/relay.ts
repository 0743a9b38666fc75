/** A TCP relay: spreads connections over those who listen, and can swallow answers after the request went through. */

import { connect, createServer, type Socket } from 'node:net'
import { freePort } from '../../scripts/services/processes.ts'

export interface Relay {
  /** On 127.0.0.1. */
  readonly port: number
  /** While on, whoever is answered is cut off instead: the request arrived, its answer did not. */
  swallowAnswers(isOn: boolean): void
  close(): Promise<void>
}

/** @param ports of 127.0.0.1, tried in turn until one accepts */
export async function startRelay(ports: readonly number[]): Promise<Relay> {
  const open = new Set<Socket>()
  let isSwallowing = false
  let turn = 0

  const join = (client: Socket, target: Socket) => {
    const end = () => {
      client.destroy()
      target.destroy()
    }
    target.on('data', (chunk) => {
      if (isSwallowing) client.resetAndDestroy()
      else client.write(chunk)
    })
    client.on('data', (chunk) => target.write(chunk))
    for (const socket of [client, target]) socket.on('close', end)
    client.resume()
  }
  const dial = (client: Socket, triesLeft: number) => {
    const target = track(connect(ports[turn++ % ports.length] ?? 0, '127.0.0.1'))
    target.once('connect', () => join(client, target))
    target.once('error', () => {
      if (target.connecting || triesLeft === 0) return void client.resetAndDestroy()
      dial(client, triesLeft - 1)
    })
  }
  const track = (socket: Socket) => {
    open.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    return socket
  }
  const server = createServer({ pauseOnConnect: true }, (client) => dial(track(client), ports.length - 1))
  const port = await freePort()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return {
    port,
    swallowAnswers(isOn) {
      isSwallowing = isOn
    },
    async close() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
