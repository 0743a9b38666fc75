import { textOf } from '../shared/read.ts'

const earliest = Date.UTC(2009, 0, 1) // WhatsApp did not exist before
const clockSkewMs = 600_000

/**
 * Epoch seconds, written as text or as a number. Undefined when absent, unreadable, before 2009 or more than ten
 * minutes after `now`.
 */
export function timeOf(element: unknown, key: string, now: Date): Date | undefined {
  const text = textOf(element, key)
  if (!text || !/^\d{9,11}$/.test(text)) return undefined
  const ms = Number(text) * 1000
  return ms >= earliest && ms <= now.getTime() + clockSkewMs ? new Date(ms) : undefined
}
