/** The lines of a bulk, one message each: NDJSON, or a JSON array. Pure; nothing here knows what a message is. */

import { type Parsed, parseEvent } from '../notifications/parse-event.ts'

export interface BulkLine {
  /** From 1: the line of the text, or the place in the array. */
  readonly line: number
  /** Reads it; never throws. */
  parse(): Parsed
}

export const mostLines = 10_000
export const mostBulkBytes = 8 * 1024 * 1024

export type BulkReading =
  | { readonly lines: readonly BulkLine[] }
  | { readonly problem: string; readonly isTooLarge?: boolean }

const tooMany = { problem: `a bulk has at most ${mostLines} lines`, isTooLarge: true }

/** @param contentType where it does not tell, a text that begins with `[` is an array */
export function readBulk(body: Buffer, contentType = ''): BulkReading {
  const isLines = /ndjson|jsonl/i.test(contentType)
  const reading = !isLines && /^\s*\[/.test(body.toString('latin1', 0, 64)) ? readArray(body) : readLines(body)
  return 'lines' in reading && reading.lines.length === 0 ? { problem: 'the bulk has no lines' } : reading
}

function readArray(body: Buffer): BulkReading {
  let value: unknown[]
  try {
    // What begins with a bracket is an array or no JSON.
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown[]
  } catch {
    return { problem: 'the body is neither a JSON array nor lines of JSON' }
  }
  if (value.length > mostLines) return tooMany
  return { lines: value.map((item, index) => lineOf(index + 1, () => Buffer.from(JSON.stringify(item)))) }
}

/** Blank lines count, and are passed over. */
function readLines(body: Buffer): BulkReading {
  const lines: BulkLine[] = []
  for (let from = 0, line = 1; from < body.length; line++) {
    const end = body.indexOf('\n', from)
    const bytes = body.subarray(from, end < 0 ? body.length : end)
    from += bytes.length + 1
    if (!isBlank(bytes)) lines.push(lineOf(line, () => bytes))
    if (lines.length > mostLines) return tooMany
  }
  return { lines }
}

const isBlank = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)

/** By the rules for events: the same bounds, the same forbidden keys. */
const lineOf = (line: number, bytes: () => Buffer): BulkLine => ({
  line,
  parse() {
    try {
      return parseEvent(bytes())
    } catch {
      // An item of an array that is read but cannot be written: the stack ends before its nesting does.
      return { ok: false, reason: 'too_complex', detail: 'nested too deeply' }
    }
  },
})
