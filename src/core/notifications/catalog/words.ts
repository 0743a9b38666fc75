/** What the product says besides its templates: one file for each language, read and checked. */

import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DateTime } from 'luxon'
import { z } from 'zod'
import { maxBodyLength } from '../parameters.ts'
import { actions, collect, failWith, readYaml } from '../reason.ts'
import { compileText, placeholder, type Values, variablesIn } from './placeholders.ts'

/** The follow-up texts that every language has, each with the values it takes. */
export const textVariables = {
  reschedule_question: [],
  reschedule_again: [],
  no_dates: [],
  reschedule_thanks: ['date'],
  reattempt_thanks: [],
  report_fake_delivery_thanks: [],
  cancel_thanks: [],
  update_address: [],
  add_alternate_number: [],
  already_noted: [],
  choices_again: [],
  too_late: [],
  after_delivery: [],
  after_cancellation: [],
  after_return: [],
  after_loss: [],
  stop_thanks: [],
  start_thanks: [],
  and_more: ['n'],
} as const satisfies Record<string, readonly string[]>
export type TextKey = keyof typeof textVariables
export const textKeys = Object.keys(textVariables) as TextKey[]

/** Actions that are answered with a button that opens a link. */
export const linkActions = ['update_address', 'add_alternate_number'] as const
export type LinkAction = (typeof linkActions)[number]

const line = (max: number) => z.string().trim().min(1).max(max).regex(/^.*$/, 'must be one line')
const languageSchema = z.strictObject({
  name: line(40),
  dates: z.strictObject({ locale: line(20), pattern: line(40) }),
  unnamed_customer: line(60),
  actions: z.record(z.enum(actions), z.strictObject({ title: line(25), short: line(20) })),
  links: z.strictObject({ update_address: line(20), add_alternate_number: line(20) }),
  texts: z.record(z.enum(textKeys), line(maxBodyLength)),
  examples: z.record(z.string(), line(maxBodyLength)),
})
type WrittenLanguage = z.infer<typeof languageSchema>
export type Language = WrittenLanguage & { readonly renderers: ReadonlyMap<TextKey, (values: Values) => string> }

/** A date (`yyyy-mm-dd`) as the language writes it. */
export const formatDate = ({ locale, pattern }: WrittenLanguage['dates'], date: string): string =>
  DateTime.fromISO(date, { zone: 'utc' }).setLocale(locale).reconfigure({ numberingSystem: 'latn' }).toFormat(pattern)

const longestDateProblems = (dates: WrittenLanguage['dates']): string[] => {
  const monthEnds = Array.from({ length: 12 }, (_, month) => `2026-${String(month + 1).padStart(2, '0')}-28`)
  const tooLong = monthEnds.map((date) => formatDate(dates, date)).filter((title) => title.length > 20)
  return tooLong.map((title) => `dates: "${title}" is longer than 20 characters`)
}

const languageProblems = (language: WrittenLanguage): string[] => [
  ...longestDateProblems(language.dates),
  ...(['title', 'short'] as const)
    .filter((form) => new Set(actions.map((action) => language.actions[action][form])).size < actions.length)
    .map((form) => `actions: two of them have the same ${form}`),
  ...textKeys.flatMap((key) => {
    const [wanted, found] = [textVariables[key], variablesIn(language.texts[key])]
    const isPlain = !/[{}\\]/.test(language.texts[key].replace(placeholder, ''))
    return isPlain && wanted.join() === found.join()
      ? []
      : [`texts.${key}: must use exactly the values [${wanted.join(', ')}]`]
  }),
]

const loadLanguage = (path: string): Language => {
  const written = readYaml(path, languageSchema)
  const problems = languageProblems(written)
  if (problems.length > 0) return failWith(path, problems)
  return { ...written, renderers: new Map(textKeys.map((key) => [key, compileText(written.texts[key])])) }
}

/** All of a folder; what cannot be used is left out, and its problems are added to the others. */
export const loadLanguages = (folder: string, problems: string[]): ReadonlyMap<string, Language> => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'))
  const loaded = files.map((file) => [
    basename(file, '.yaml'),
    collect(problems, () => loadLanguage(join(folder, file))),
  ])
  return new Map(loaded.filter((entry): entry is [string, Language] => entry[1] !== undefined))
}
