/** `npm run migrate` as processes of their own. */

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const built = process.env.TEST_GATEWAY_MAIN
const source = fileURLToPath(new URL('../../src/migrate.ts', import.meta.url))
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
/** The built command where the run has one, as in production. */
const args = built ? [join(dirname(built), 'migrate.js')] : ['--import', loader, source]

export interface CommandEnd {
  readonly code: number
  /** What it wrote, errors included. */
  readonly output: string
}

export function runMigrate(databaseUrl: string): Promise<CommandEnd> {
  // Neither a `.env` of whoever runs the tests may count.
  const cwd = mkdtempSync(join(tmpdir(), 'fdr-migrate-'))
  const options = { cwd, env: { PATH: process.env.PATH ?? '', DATABASE_URL: databaseUrl }, timeout: 90_000 }
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      rmSync(cwd, { recursive: true, force: true })
      resolve({ code: Number(error ? (error.code ?? -1) : 0), output: stdout + stderr })
    })
  })
}
