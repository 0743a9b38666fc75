import { textOf } from '../../src/providers/shared/read.ts'

const clockSkewMs = 600_000

/**
 * The vendor's own time. Fill in: its form; here ISO 8601 with an offset. Undefined when absent, unreadable or more than
 * ten minutes after `now`: a wrong time would be shown as the customer's.
 */
export function timeOf(element: unknown, key: string, now: Date): Date | undefined {
  const text = textOf(element, key)
  if (!text || !/T.*(Z|[+-]\d\d:?\d\d)$/.test(text)) return undefined
  const at = new Date(text)
  return at.getTime() <= now.getTime() + clockSkewMs ? at : undefined
}
