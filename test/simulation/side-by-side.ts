/** Half of the seeds in this process, half in another one: two processors play them in half the time. */

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Session } from '../../src/core/storage/sqlite/session.ts'
import { type Many, merged, playMany } from './many.ts'

const program = fileURLToPath(new URL('main.ts', import.meta.url))
const limitMs = 300_000

export async function playSideBySide(tables: Session, from: number, seeds: number): Promise<Many> {
  const here = Math.ceil(seeds / 2)
  const elsewhere = playElsewhere(from + here, seeds - here)
  const mine = await playMany(tables, from, here)
  return merged(mine, await elsewhere)
}

async function playElsewhere(from: number, seeds: number): Promise<Many> {
  const args = ['--import', 'tsx', program, '--json', '--from', String(from), '--seeds', String(seeds)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: limitMs, maxBuffer: 2 ** 24 })
  return JSON.parse(stdout) as Many
}
