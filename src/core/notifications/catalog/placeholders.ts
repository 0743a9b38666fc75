/** Texts with `{{placeholders}}`. */

import Handlebars from 'handlebars'

export type Values = Readonly<Record<string, string>>

/** Matches one; its name is the group. */
export const placeholder = /\{\{([a-z][a-z0-9_]*)\}\}/g
/** Names of the placeholders in a text, each once. */
export const variablesIn = (source: string): string[] => [
  ...new Set([...source.matchAll(placeholder)].map(([, name]) => name ?? '')),
]

/** Compiles a text once. Filling it throws when a value is missing. */
export const compileText = (source: string): ((values: Values) => string) => {
  // A syntax tree in place of text would let its author run code.
  if (typeof source !== 'string') throw new TypeError('a template must be text')
  return Handlebars.compile<Values>(source, { noEscape: true, strict: true, knownHelpersOnly: true })
}
