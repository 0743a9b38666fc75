/** JSON log lines. A healthy system logs no `error` and no `warn`. */

import { type DestinationStream, destination, pino } from 'pino'
import { redactedPaths, withoutQuotes } from './redact.ts'

export type Logger = import('pino').Logger

export interface LoggerOptions {
  /** Where lines go; standard output when absent. */
  readonly stream?: DestinationStream
  /** Names of the sensitive credentials of all providers: no line shows what is called so. */
  readonly secretNames?: readonly string[]
}

export const createLogger = (
  level: string,
  { stream = destination({ sync: false }), secretNames = [] }: LoggerOptions = {},
): Logger => {
  const redact = { paths: redactedPaths(secretNames), censor: '[redacted]' }
  return pino({ level, base: null, redact, serializers: { err: errorFacts } }, stream)
}

/** A database error carries its statement and values, which are somebody's data: only kind and words are logged. */
function errorFacts(error: unknown) {
  if (!(error instanceof Error)) return { message: String(error) }
  const { name, message, stack = '' } = error
  const words = withoutQuotes(message.slice(0, 500))
  // Its words stand in it once more.
  const at = stack.indexOf(message)
  const places = at < 0 ? stack : stack.slice(0, at) + words + stack.slice(at + message.length)
  return { type: name, message: words, stack: places.slice(0, 2_000) }
}
