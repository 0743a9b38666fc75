/** What is left of a message whose recipient and words were cleared: pure. What is counted by stays: template and country. */

import type { Content } from '../contract/content.ts'
import { destinationOf } from '../stats/destination.ts'
import { parsedObject } from '../storage/parsed-object.ts'

/** @param json a content as it is stored; nothing is left of one that cannot be read */
export function clearedContent(json: unknown): string | null {
  const template = parsedObject(json)?.template
  return template ? JSON.stringify({ type: 'cleared', template }) : null
}

/** Reads a stored content; null for none, and for one that was cleared. */
export function readContent(json: unknown): Content | null {
  const content = typeof json === 'string' ? (JSON.parse(json) as Content | { readonly type: 'cleared' }) : null
  return content?.type === 'cleared' ? null : content
}

/** The country calling code, e.g. `+91`. */
export function clearedPhone(phone: unknown): string | null {
  const code = typeof phone === 'string' ? destinationOf(phone) : ''
  return code === '' ? null : `+${code}`
}

/** Reads a stored phone; null for none, and for one that was cleared. */
export const readPhone = (phone: unknown): string | null =>
  typeof phone === 'string' && phone !== clearedPhone(phone) ? phone : null
