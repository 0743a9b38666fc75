/** Runs what a page of the documentation tells its readers to type. */

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The `sh` blocks of a page, as somebody would paste them one after the other. */
export const commandsOf = (page: string): string =>
  [...readFileSync(`${root}${page}`, 'utf8').matchAll(/^ *```sh\n(.*?)^ *```$/gms)]
    .map(([, block = '']) => block)
    .join('\n')

/** Runs them; the first that fails ends it. Resolves with the exit code and everything that was printed. */
export function runCommands(
  script: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn('bash', ['-euxo', 'pipefail', '-c', script], { cwd: root, env: { ...process.env, ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk
    })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}
