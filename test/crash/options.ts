/** What the crash harness is asked for on its command line. */

import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

export interface CrashOptions {
  /** Different events; another tenth is published as repeats. */
  readonly events: number
  /** SIGKILLs of gateway processes. */
  readonly kills: number
  /** SIGKILLs of the database and of the broker, each; they are private instances then. */
  readonly serviceKills: number
  readonly seed: number
  /** Keeps logs and database for a look afterwards. */
  readonly keep: boolean
}

export const usage =
  'Usage: npm run test:crash -- [--events 2000] [--kills 50] [--kill-services 0] [--seed <number>] [--keep]'

/** @throws {Error} when an argument is unknown or is no number where one is needed */
export function readOptions(args: readonly string[]): CrashOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: 'string', default: '2000' },
      kills: { type: 'string', default: '50' },
      'kill-services': { type: 'string', default: '0' },
      seed: { type: 'string', default: String(randomInt(1_000_000_000)) },
      keep: { type: 'boolean', default: false },
    },
  })
  return {
    events: count('events', values.events),
    kills: count('kills', values.kills),
    serviceKills: count('kill-services', values['kill-services']),
    seed: count('seed', values.seed),
    keep: values.keep,
  }
}

function count(name: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`--${name} must be a whole number, not ${text}`)
  return Number(text)
}
