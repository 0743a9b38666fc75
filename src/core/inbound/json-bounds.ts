/** Bounds of a JSON text, read from its bytes: what is beyond them is never parsed, since parsing is what would hurt. */

export interface JsonBounds {
  readonly maxDepth: number
  /** Values and keys together. */
  readonly maxValues: number
}

/** A webhook of a thousand updates has some 30,000 values in a depth of 12. */
export const webhookBounds: JsonBounds = { maxDepth: 32, maxValues: 250_000 }

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const openings = new Set([0x5b, 0x7b])
const closings = new Set([0x5d, 0x7d])

/** Why a text is beyond the bounds; undefined for one within them, JSON or not. One pass over the bytes. */
export function whyBeyond(body: Buffer, { maxDepth, maxValues }: JsonBounds): string | undefined {
  let depth = 0
  let values = 1
  for (let index = 0; index < body.length; index++) {
    const byte = body[index] ?? 0
    if (byte === quote) index = endOfString(body, index)
    else if (byte === comma || byte === colon) values++
    else if (openings.has(byte)) depth++
    else if (closings.has(byte)) depth--
    if (depth > maxDepth) return `nested more than ${maxDepth} deep`
    if (values > maxValues) return `more than ${maxValues} values`
  }
  return undefined
}

/** Index of the closing quote; the end of the text when there is none. */
function endOfString(body: Buffer, start: number): number {
  for (let end = body.indexOf(quote, start + 1); end !== -1; end = body.indexOf(quote, end + 1)) {
    let backslashes = 0
    while (body[end - 1 - backslashes] === backslash) backslashes++
    if (backslashes % 2 === 0) return end
  }
  return body.length
}
