/** From bytes to JSON that is safe to walk. Nothing here knows what an event means. */

/** Larger bodies are no events: the largest real one is below 20 KB. */
export const maxEventBytes = 1024 * 1024
const maxDepth = 32
const maxNodes = 50_000
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype'])

export type Parsed =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string; readonly detail: string }

const refused = (reason: string, detail: string): Parsed => ({ ok: false, reason, detail })

/** Parses an event's body. Never throws; says why when it cannot be used. */
export function parseEvent(body: Buffer): Parsed {
  if (body.length === 0) return refused('empty_body', 'the body is empty')
  if (body.length > maxEventBytes)
    return refused('too_large', `${body.length} bytes; at most ${maxEventBytes} are read`)
  try {
    const value: unknown = JSON.parse(utf8.decode(body))
    return danger(value) ?? { ok: true, value }
  } catch (error) {
    return refused('not_json', error instanceof SyntaxError ? 'the body is not JSON' : 'the body is not UTF-8')
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

type Nested = Readonly<Record<string, unknown>>

const isNested = (value: unknown): value is Nested => typeof value === 'object' && value !== null

/** Keys that reach into prototypes, and shapes built to exhaust whoever walks them. */
function danger(root: unknown): Parsed | undefined {
  let nodes = 0
  const look = (parent: Nested, depth: number): Parsed | undefined => {
    if (depth > maxDepth || nodes > maxNodes) return refused('too_complex', 'nested too deeply or too many values')
    // What was parsed inherits nothing that this would walk; and no list of keys is made, of which an event has many.
    for (const key in parent) {
      nodes++
      if (forbiddenKeys.has(key)) return refused('forbidden_key', `the key ${key} is not allowed`)
      const value = parent[key]
      const found = isNested(value) ? look(value, depth + 1) : undefined
      if (found) return found
    }
    return undefined
  }
  return isNested(root) ? look(root, 0) : undefined
}
