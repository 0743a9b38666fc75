import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { reasonOf } from './describe.ts'
import type { Say } from './ways.ts'

const heartbeatMs = 10_000
const shownLine = /^(Setting up|Unpacking|E:|Err:)/

/**
 * Installs packages without a question, with a line of progress for each step. A failing `update` is only told: one
 * broken source of packages need not concern ours.
 * @throws Error with apt-get's own last lines
 */
export const installDebianPackages = async (packages: readonly string[], say: Say): Promise<void> => {
  say(`Installing ${packages.join(', ')} with apt-get ...`)
  await aptGet(['update', '-q'], say).catch((error) => say(`  ${reasonOf(error)}`))
  await aptGet(['install', '-q', '-y', '--no-install-recommends', ...packages], say)
}

const aptGet = async (args: readonly string[], say: Say): Promise<void> => {
  const startedAt = Date.now()
  const tick = () => say(`  apt-get ${args[0]} still works (${Math.round((Date.now() - startedAt) / 1000)} s)`)
  const heartbeat = setInterval(tick, heartbeatMs)
  try {
    await runAptGet(args, say)
  } finally {
    clearInterval(heartbeat)
  }
}

const runAptGet = (args: readonly string[], say: Say): Promise<void> =>
  new Promise((resolve, reject) => {
    const lines: string[] = []
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const child = spawn('apt-get', args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const read = (line: string) => {
      lines.push(line)
      if (shownLine.test(line)) say(`  ${line}`)
    }
    createInterface(child.stdout).on('line', read)
    createInterface(child.stderr).on('line', read)
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) return resolve()
      reject(new Error(`apt-get ${args[0]} ended with ${code}: ${lines.slice(-5).join(' / ')}`))
    })
  })
