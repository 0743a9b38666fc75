/** Where the demo is shown. */

import { createPaint, type Look } from './text.ts'

export interface Terminal extends Look {
  /** Prints lines; several empty ones in a row become one. */
  print(...lines: readonly string[]): void
}

export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const narrowest = 60
const widest = 96
const usual = 88

/** @param environment `NO_COLOR` switches colours off, whatever its value (https://no-color.org) */
export function createTerminal(output: Output, environment: Readonly<Record<string, string | undefined>>): Terminal {
  let isLastEmpty = true
  return {
    paint: createPaint(output.isTTY === true && !environment.NO_COLOR),
    width: Math.min(widest, Math.max(narrowest, output.columns ?? usual)),
    print(...lines) {
      for (const line of lines) {
        if (line !== '' || !isLastEmpty) output.write(`${line}\n`)
        isLastEmpty = line === ''
      }
    },
  }
}
