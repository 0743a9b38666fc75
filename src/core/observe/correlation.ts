/** How callers name what they ask for, so that it can be found in both logs. */

const ownPattern = /^[\w.:-]{1,128}$/
/** https://www.w3.org/TR/trace-context/#traceparent-header */
const tracePattern = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}$/

/**
 * The id in `x-correlation-id`, else the trace of `traceparent`; undefined for what is neither.
 * @param headers of an HTTP request or an AMQP message
 */
export function correlationIn(headers: Readonly<Record<string, unknown>>): string | undefined {
  const own = headers['x-correlation-id']
  if (typeof own === 'string' && ownPattern.test(own)) return own
  const trace = headers.traceparent
  return typeof trace === 'string' ? tracePattern.exec(trace)?.[1] : undefined
}
