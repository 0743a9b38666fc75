/** Gateway processes that are killed, stopped and started again, each at a port of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { gatewayArgs } from '../support/process.ts'
import { until } from '../support/world.ts'

export interface GatewaySlot {
  readonly name: string
  readonly port: number
  readonly logFile: string
  /** Ends of working processes that nobody here asked for. */
  readonly unexpectedEnds: readonly string[]
  /** How often it gave up its start, as when the database is away, and was started again. */
  failedStarts(): number
  start(): void
  isReady(): Promise<boolean>
  untilReady(): Promise<void>
  /** Sends the signal, waits for the end and starts the next one at once. */
  replace(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** Stops it as a machine that stands still, and lets it go on. */
  freeze(ms: number): Promise<void>
  end(): Promise<void>
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const readyMs = 180_000
const orderlyEndMs = 40_000
/** What a supervisor waits before it starts a process anew. */
const restartMs = 500

export interface SlotOptions {
  readonly name: string
  readonly port: number
  readonly env: Readonly<Record<string, string>>
  readonly logFile: string
}

export function createGatewaySlot({ name, port, env, logFile }: SlotOptions): GatewaySlot {
  const unexpectedEnds: string[] = []
  let child: ChildProcess | undefined
  let isEnding = false
  let hasWorked = false
  let failedStarts = 0
  process.on('exit', () => child?.kill('SIGKILL'))

  const start = () => {
    isEnding = false
    hasWorked = false
    const output = openSync(logFile, 'a')
    const started = spawn(process.execPath, gatewayArgs(), {
      cwd: root,
      env: { PATH: process.env.PATH ?? '', ...env, PORT: String(port), LOG_LEVEL: 'warn' },
      stdio: ['ignore', output, output],
    })
    closeSync(output)
    started.once('exit', (code, signal) => {
      if (isEnding) return
      if (hasWorked) unexpectedEnds.push(`${name} ended with ${code ?? signal}`)
      else failedStarts++
      setTimeout(() => {
        if (!isEnding && child === started) start()
      }, restartMs)
    })
    child = started
  }
  const stop = async (signal: NodeJS.Signals) => {
    isEnding = true
    const ending = child
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    const ended = new Promise((resolve) => ending.once('exit', resolve))
    ending.kill(signal)
    const timer = setTimeout(() => {
      unexpectedEnds.push(`${name} did not end within ${orderlyEndMs} ms of ${signal}`)
      ending.kill('SIGKILL')
    }, orderlyEndMs)
    await ended
    clearTimeout(timer)
  }
  const isReady = () =>
    request(`http://127.0.0.1:${port}/health/ready`, { headersTimeout: 2_000 }).then(
      async ({ statusCode, body }) => {
        await body.dump()
        hasWorked ||= statusCode === 200
        return statusCode === 200
      },
      () => false,
    )
  return {
    name,
    port,
    logFile,
    unexpectedEnds,
    failedStarts: () => failedStarts,
    start,
    isReady,
    untilReady: async () => void (await until(`${name} is ready (see ${logFile})`, isReady, readyMs)),
    async replace(signal) {
      await stop(signal)
      start()
    },
    async freeze(ms) {
      child?.kill('SIGSTOP')
      await sleep(ms)
      child?.kill('SIGCONT')
    },
    end: () => stop('SIGTERM'),
  }
}
