/** Checks media, location, contacts and reaction messages. Pure. */

import { type GraphProblem, problem } from './graph-errors.ts'
import { type Fields, isFilled, isLongerThan } from './shapes.ts'

export const mediaTypes = ['image', 'audio', 'video', 'document', 'sticker'] as const

const withoutCaption: ReadonlySet<string> = new Set(['audio', 'sticker'])

/** Exactly one of `id` and `link`; `caption` at most 1024 characters; `filename` for documents only. */
export function checkMedia(type: string, media: Fields): GraphProblem | undefined {
  const { id, link, caption, filename } = media
  if (isFilled(id) === isFilled(link)) return problem(100, `Param ${type} must have exactly one of id and link`)
  if (filename !== undefined && type !== 'document')
    return problem(100, `Unexpected key "filename" on param "${type}".`)
  if (caption === undefined) return undefined
  if (withoutCaption.has(type)) return problem(100, `Unexpected key "caption" on param "${type}".`)
  return isFilled(caption) && !isLongerThan(caption, 1024)
    ? undefined
    : problem(100, `Param ${type}['caption'] must be 1 to 1024 characters long.`)
}

export const checkLocation = ({ latitude, longitude }: Fields): GraphProblem | undefined =>
  Math.abs(Number(latitude)) <= 90 && Math.abs(Number(longitude)) <= 180
    ? undefined
    : problem(131009, 'Param location needs a latitude and a longitude')

export const checkReaction = ({ message_id, emoji }: Fields): GraphProblem | undefined =>
  isFilled(message_id) && typeof emoji === 'string'
    ? undefined
    : problem(131008, 'Param reaction needs message_id and emoji')

export const checkContacts = (contacts: unknown): GraphProblem | undefined =>
  Array.isArray(contacts) && contacts.length > 0
    ? undefined
    : problem(131008, "Parameter 'contacts' is mandatory for type 'contacts'")
