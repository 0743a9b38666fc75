/** The processes of a run: each in a group of its own, with a log file, and none outlives the run. */

import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { logTail, spawnOwned } from '../scripts/services/processes.ts'

export interface Program {
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

export const root = fileURLToPath(new URL('..', import.meta.url))
/** On a disk, and no part of the sources. */
export const results = join(root, 'bench', 'results')
const startMs = 60_000

/** What our own programs write when they can be used. */
interface ReadyLine {
  readonly ready: true
  readonly pid: number
  readonly port: number
}

/** Tells {@link startOwn} that this program can be used. */
export function announceReady(port = 0): void {
  process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, port } satisfies ReadyLine)}\n`)
}

/**
 * Starts one of this folder's programs and waits until it says that it is ready.
 * @throws {Error} with the end of its log
 */
export async function startOwn(file: string, options: StartOptions): Promise<Program> {
  const { logFile, process: owned } = launch(['--import', 'tsx', join(root, 'bench', file)], options)
  const line = await waitUntil(file, logFile, owned.hasExited, async () => readyLine(logFile))
  return { ...line, stop: owned.stop }
}

export interface StartOptions {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  /** Options of node itself, e.g. to profile. */
  readonly nodeArgs?: readonly string[]
}

export function launch(args: readonly string[], { folder, env, nodeArgs = [] }: StartOptions) {
  const logFile = join(folder, `${randomUUID()}.log`)
  const process_ = spawnOwned(process.execPath, [...nodeArgs, ...args], { env: { ...process.env, ...env }, logFile })
  return { logFile, process: process_ }
}

/** Asks until there is an answer, the program ends or the time is over. */
export async function waitUntil<T>(
  what: string,
  logFile: string,
  hasExited: () => boolean,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  for (const end = Date.now() + startMs; ; await sleep(25)) {
    const found = await ask()
    if (found !== undefined) return found
    if (hasExited() || Date.now() > end) throw new Error(`${what} did not start:\n${logTail(logFile)}`)
  }
}

function readyLine(logFile: string): ReadyLine | undefined {
  if (!existsSync(logFile)) return undefined
  const line = readFileSync(logFile, 'utf8')
    .split('\n')
    .find((text) => text.startsWith('{"ready":true'))
  return line?.endsWith('}') ? (JSON.parse(line) as ReadyLine) : undefined
}
