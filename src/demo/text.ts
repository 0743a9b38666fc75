/** Text as a terminal shows it: widths in columns, wrapping, colours. Pure. */

/** Marks that stand above or below another character, and invisible characters, take no column of their own. */
const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}]$/u

/** Columns that a text takes. */
export const columnsOf = (text: string): number => [...text].filter((character) => !zeroWidth.test(character)).length

/** Fills up with spaces to a number of columns. */
export const padTo = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - columnsOf(text)))

/** Breaks a text between words into lines of at most so many columns; a longer word keeps a line of its own. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const line = lines.at(-1)
    const isFitting = line !== undefined && columnsOf(line) + 1 + columnsOf(word) <= columns
    if (isFitting) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Codes of SGR, `ESC [ n m`. */
const styles = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 94, cyan: 36 } as const

export type Paint = Readonly<Record<keyof typeof styles, (text: string) => string>>

/** Colours, or texts as they are. */
export function createPaint(isColoured: boolean): Paint {
  const painters = Object.entries(styles).map(([name, code]) => [
    name,
    (text: string) => (isColoured && text ? `\u001b[${code}m${text}\u001b[0m` : text),
  ])
  return Object.fromEntries(painters) as Paint
}

/** What drawing depends on. */
export interface Look {
  readonly paint: Paint
  /** Columns to draw in. */
  readonly width: number
}
