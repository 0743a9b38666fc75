/** Real gateway processes, for tests that kill them. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { until } from './world.ts'

export interface LogLine {
  /** pino's number: 30 info, 40 warn, 50 error, 60 fatal. */
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

/** How a process ended: by itself with a code, or by a signal. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface GatewayProcess {
  readonly url: string
  readonly pid: number
  readonly startedAt: Date
  /** Its log so far, oldest line first. */
  readonly log: readonly LogLine[]
  /** What it wrote that is no log line; a healthy process writes none. */
  readonly noise: readonly string[]
  readonly exited: Promise<Exit>
  isRunning(): boolean
  /** Sends a signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<Exit>
}

const mainFile = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

/**
 * Arguments of node that start a gateway: the built one if the run says that there is one (TEST_GATEWAY_MAIN), as in
 * production and at half the cost, else the sources.
 */
export const gatewayArgs = (built = process.env.TEST_GATEWAY_MAIN): string[] =>
  built ? [built] : ['--import', loader, mainFile]

const startMs = 90_000
const endMs = 40_000
const running = new Set<GatewayProcess>()

/**
 * Starts a gateway and waits until it is ready.
 * @throws {Error} with what it wrote, when it ends before that
 */
export async function startGatewayProcess(env: Readonly<Record<string, string>>): Promise<GatewayProcess> {
  // A folder of its own: neither a `.env` nor local keys of whoever runs the tests may count.
  const folder = mkdtempSync(join(tmpdir(), 'fdr-gateway-'))
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, gatewayArgs(), {
    cwd: folder,
    env: { PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { log, noise } = collect(child)
  const startedAt = new Date()
  const exited = new Promise<Exit>((resolve) =>
    child.once('exit', (code, signal) => {
      running.delete(gateway)
      rmSync(folder, { recursive: true, force: true })
      resolve({ code, signal })
    }),
  )
  const isRunning = () => child.exitCode === null && child.signalCode === null
  const gateway: GatewayProcess = {
    get url() {
      return String(readyLine(log)?.url)
    },
    pid: child.pid ?? 0,
    startedAt,
    log,
    noise,
    exited,
    isRunning,
    async kill(signal) {
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), endMs)
      return exited.finally(() => clearTimeout(timer))
    },
  }
  running.add(gateway)
  await until('a gateway process is ready', () => readyLine(log) !== undefined || !isRunning(), startMs)
  if (!readyLine(log)) throw new Error(`the gateway ended: ${noise.join('\n')}${log.map(({ msg }) => msg).join('\n')}`)
  return gateway
}

const readyLine = (log: readonly LogLine[]) => log.find(({ msg }) => msg === 'ready')

function collect(child: ChildProcess): { log: LogLine[]; noise: string[] } {
  const log: LogLine[] = []
  const noise: string[] = []
  const read = (line: string) => {
    if (process.env.TEST_LOG_LEVEL) console.log(`    [${child.pid}] ${line}`)
    if (line.startsWith('{"level"')) log.push(JSON.parse(line) as LogLine)
    else noise.push(line)
  }
  for (const stream of [child.stdout, child.stderr]) if (stream) createInterface(stream).on('line', read)
  return { log, noise }
}

/** Ends every gateway that is still running, and makes sure that none is left. */
export async function endGatewayProcesses(): Promise<void> {
  const left = [...running]
  await Promise.all(left.map((gateway) => gateway.kill('SIGKILL')))
  const alive = left.filter(({ pid }) => hasProcess(pid))
  if (alive.length > 0) throw new Error(`still there: ${alive.map(({ pid }) => pid).join(', ')}`)
}

function hasProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
