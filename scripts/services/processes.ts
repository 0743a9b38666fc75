import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { accessSync, constants, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const firstPort = 20_000
const lastPort = 31_999
const handedOut = new Set<number>()

/**
 * Waits for its standard input to end, which happens however we end (kill -9 too), then ends the process group: the
 * leader has 15 s for an orderly end, what it leaves behind has 2 s.
 */
const guardScript = `
until_gone() {
  tries=0
  while kill -0 "$1" 2>/dev/null && [ "$tries" -lt "$2" ]; do sleep 0.1; tries=$((tries + 1)); done
}
read -r _
kill -TERM -"$1" 2>/dev/null
until_gone "$1" 150
until_gone -"$1" 20
kill -KILL -"$1" 2>/dev/null
[ -z "$2" ] || rm -rf "$2"
`

export type OwnedProcess = {
  /** Exit code, or a sentence when it ended otherwise. Never rejects. */
  exited: Promise<number | string>
  hasExited(): boolean
  /** Ends the process and everything in its group, then removes its folder; waits for that. */
  stop(): Promise<void>
}

export type OwnedOptions = {
  env?: NodeJS.ProcessEnv
  /** File for its output; without it the output is ours. */
  logFile?: string
  /** Removed once the process has ended. */
  folder?: string
}

/** Starts a process in a group of its own that cannot outlive this process. */
export const spawnOwned = (command: string, args: readonly string[], options: OwnedOptions = {}): OwnedProcess => {
  const output = options.logFile === undefined ? 'inherit' : openSync(options.logFile, 'a')
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', output, output],
    env: options.env ?? process.env,
  })
  let ended = false
  const exited = endOf(child).finally(() => {
    ended = true
  })
  const endGuard = startGuard(child.pid, options.folder ?? '')
  return { exited, hasExited: () => ended, stop: endGuard }
}

const endOf = (child: ChildProcess): Promise<number | string> =>
  new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('exit', (code, signal) => resolve(code ?? `signal ${signal}`))
  })

const startGuard = (groupId: number | undefined, folder: string): (() => Promise<void>) => {
  if (groupId === undefined) return async () => {}
  const guard = spawn('sh', ['-c', guardScript, 'guard', String(groupId), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const done = new Promise<void>((resolve) => guard.on('close', () => resolve()))
  return () => {
    guard.stdin?.end()
    return done
  }
}

/** A port of 127.0.0.1 that nobody listens on, below the range the system gives to outgoing connections. */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort + 1))
    if (!handedOut.has(port) && (await isFree(port))) {
      handedOut.add(port)
      return port
    }
  }
  throw new Error(`no free port between ${firstPort} and ${lastPort}`)
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

/** The full path of a program, or undefined. Looks where Debian keeps servers, too: /usr/sbin is not on every PATH. */
export const findProgram = (name: string, first: readonly string[] = []): string | undefined =>
  [...first, ...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin']
    .map((folder) => join(folder, name))
    .find(isExecutable)

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Runs a program to its end and gives its output. Throws when it fails or takes longer than `timeoutMs`. */
export const runProgram = async (
  command: string,
  args: readonly string[],
  { timeoutMs, env = process.env }: { timeoutMs: number; env?: NodeJS.ProcessEnv },
): Promise<string> => {
  const { stdout } = await promisify(execFile)(command, args, { timeout: timeoutMs, env, maxBuffer: 16 * 1024 * 1024 })
  return stdout
}

/** The last lines of a log file, indented, for an error message. */
export const logTail = (logFile: string, lines = 15): string =>
  readFileSync(logFile, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(-lines)
    .map((line) => `    ${line}`)
    .join('\n')
