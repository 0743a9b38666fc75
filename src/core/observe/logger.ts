/** JSON log lines. A healthy system logs no `error` and no `warn`. */

import { type DestinationStream, destination, pino } from 'pino'
import { redactedPaths } from './redact.ts'

export type Logger = import('pino').Logger

/** @param stream where lines go; standard output when absent */
export const createLogger = (level: string, stream: DestinationStream = destination({ sync: false })): Logger =>
  pino(
    { level, base: null, redact: { paths: redactedPaths, censor: '[redacted]' }, serializers: { err: errorFacts } },
    stream,
  )

/** A database error carries its statement and values, which are somebody's data: only kind and words are logged. */
function errorFacts(error: unknown) {
  if (!(error instanceof Error)) return { message: String(error) }
  return { type: error.name, message: error.message.slice(0, 500), stack: error.stack?.slice(0, 2_000) }
}
