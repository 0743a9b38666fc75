/**
 * The wait that a `Retry-After` header asks for, in milliseconds: seconds or an HTTP date. Undefined when the header
 * is absent or cannot be read; never negative, and a day at most, so that a slip of the vendor holds nothing for ever.
 * https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  const text = header?.trim()
  if (!text) return undefined
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now.getTime()
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), dayMs)
}

const dayMs = 86_400_000
