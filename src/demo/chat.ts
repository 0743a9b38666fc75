/**
 * The chat: messages of the shop at the left, answers of the customer at the right. Pure. A bubble has a bar at its
 * left side only, since terminals do not agree on how wide Devanagari is.
 */

import { type Look, wrap } from './text.ts'

/** Who is who in a bubble's first line. */
export interface Person {
  readonly name: string
  readonly brand: string
}

const bubbleColumns = 66
const answerColumns = 40

/** A message to the customer with its buttons. */
export function bubble({ width, paint }: Look, from: string, text: string, buttons: readonly string[]): string[] {
  const edge = `    ${paint.green('│')}`
  const lines = wrap(text, Math.min(bubbleColumns, width - 8)).map((line) => `${edge} ${line}`)
  const offered = buttons.map((title) => `${edge} ${paint.cyan(`[ ${title} ]`)}`)
  return ['', `    ${from}`, ...lines, ...(offered.length > 0 ? [edge, ...offered] : []), '']
}

/** What the customer does. */
export function answer({ width, paint }: Look, name: string, does: 'taps' | 'writes', text: string): string[] {
  const indent = ' '.repeat(width - answerColumns - 4)
  const said = wrap(text, answerColumns).map((line) => `${indent}${paint.yellow('│')} ${paint.bold(line)}`)
  return ['', `${indent}${name} ${paint.dim(does)}`, ...said, '']
}
