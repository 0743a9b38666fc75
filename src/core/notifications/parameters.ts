/** What may stand in the place of a template's variable. */

import type { KindVariable } from './kinds/kind-template.ts'

/** Longest filled body of a template, in UTF-16 units (so that nobody's way of counting finds more). */
export const maxBodyLength = 1024

const invisible = /[\p{Cs}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb]/gu
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u

const cut = (value: string, maxLength: number): string => {
  if (value.length <= maxLength) return value
  const kept = value.slice(0, maxLength - 1).replace(/[\s\u200d]*[\ud800-\udbff]?$/, '')
  return `${kept}…`
}

/**
 * Makes a value fit for a template parameter: one line, single spaces, no control or text-direction characters, never
 * empty (`-` instead), at most `maxLength` UTF-16 units (cut between code points, with an ellipsis).
 * Meta refuses newlines, tabs, long runs of spaces and empty values:
 * https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-message-templates
 */
export const safeParameter = (value: string, maxLength: number = maxBodyLength): string => {
  const line = value
    .replace(invisible, '')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  return visible.test(line) ? cut(line, Math.max(maxLength, 1)) : '-'
}

/** The values of a template's variables, in their order; what is not known is `-`. */
export const fill = (
  variables: readonly KindVariable[],
  known: Readonly<Record<string, string | undefined>>,
): Record<string, string> =>
  Object.fromEntries(variables.map(({ name, maxLength }) => [name, safeParameter(known[name] ?? '', maxLength)]))
