/** Processes of the built gateway. */

import { request } from 'undici'
import { freePort, logTail, runProgram } from '../../scripts/services/processes.ts'
import { pidOfListener } from '../cpu.ts'
import { launch, root, waitUntil } from '../programs.ts'
import type { Stage } from '../stage.ts'

export interface GatewayProcess {
  readonly pid: number | undefined
  readonly port: number
  readonly logFile: string
  /** From its start until it first said that it is ready. */
  readonly readyMs: number
  stop(): Promise<void>
}

const buildMs = 180_000
let built: Promise<unknown> | undefined

/** Once in a run. @throws {Error} with the compiler's words, which it writes to standard output */
export function build(): Promise<unknown> {
  built ??= runProgram(process.execPath, ['scripts/bootstrap.mjs', 'build'], { timeoutMs: buildMs }).catch(
    (error: { stdout?: string; stderr?: string }) => {
      throw new Error(`${error.stdout}${error.stderr}`)
    },
  )
  return built
}

/** Resolves when all are ready. */
export async function startProcesses(
  { folder, options }: Stage,
  env: Readonly<Record<string, string>>,
  count: number,
): Promise<readonly GatewayProcess[]> {
  const { profileDir } = options
  const nodeArgs = profileDir ? ['--cpu-prof', `--cpu-prof-dir=${profileDir}`] : []
  const startOne = async (): Promise<GatewayProcess> => {
    const port = await freePort()
    const startedAt = performance.now()
    const { logFile, process } = launch([`${root}dist/main.js`], {
      folder,
      env: { ...env, PORT: String(port) },
      nodeArgs,
    })
    await waitUntil('the gateway', logFile, process.hasExited, () => isReady(port))
    const readyMs = performance.now() - startedAt
    return { pid: pidOfListener(port), port, logFile, readyMs, stop: process.stop }
  }
  return Promise.all(Array.from({ length: count }, startOne))
}

async function isReady(port: number): Promise<true | undefined> {
  const answer = await request(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined)
  await answer?.body.dump()
  return answer?.statusCode === 200 ? true : undefined
}

/** @throws {Error} with the end of the gateway's log */
export async function withProcess<T>(
  stage: Stage,
  env: Readonly<Record<string, string>>,
  work: (process: GatewayProcess) => Promise<T>,
): Promise<T> {
  const [first] = await startProcesses(stage, env, 1)
  if (!first) throw new Error('no gateway was started')
  try {
    return await work(first)
  } catch (error) {
    throw new Error(`${String(error)}\n${logTail(first.logFile)}`)
  } finally {
    await first.stop()
  }
}
