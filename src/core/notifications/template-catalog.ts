import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import Handlebars from 'handlebars'
import { DateTime } from 'luxon'
import { z } from 'zod'
import type { RegistrationForm } from '../contract/templates.ts'
import { fdrVariables, maxBodyLength, maxLengthOf } from './content.ts'
import { type Action, actions, failWith, loadReasons, type ReasonTable, readYaml } from './reason.ts'

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

export type Values = Readonly<Record<string, string>>

/** A template of the product in one language. */
export interface BuiltInTemplate {
  readonly key: string
  /** The language it is written in, which may be a fallback of the one asked for. */
  readonly language: string
  readonly category: 'UTILITY'
  /** Handlebars body with `{{variable}}` placeholders only. */
  readonly source: string
  /** In the order of their first appearance in every language; Meta numbers them so. */
  readonly variables: readonly string[]
  /** Quick replies, in order. */
  readonly buttons: readonly { readonly action: Action; readonly title: string }[]
  /** @throws {Error} when a value is missing */
  render(values: Values): string
}

/**
 * Everything that the product says, in every language. A language falls back, in this order: the one asked for
 * (`en_US`), its base language (`en`), English.
 */
export interface TemplateCatalog {
  readonly keys: readonly string[]
  readonly languages: readonly string[]
  /** @throws {Error} when no language has it */
  template(key: string, language: string): BuiltInTemplate
  registrationForm(key: string, language: string): RegistrationForm
  /** How long the provider tries to deliver a message of the template; undefined = as long as it usually does. */
  lifetimeMs(key: string): number | undefined
  /** @throws {Error} when a value is missing */
  text(language: string, key: TextKey, values?: Values): string
  /** `full` for template quick replies (at most 25 characters), `short` for reply buttons (at most 20). */
  actionTitle(language: string, action: Action, form: 'full' | 'short'): string
  /** At most 20 characters. */
  linkTitle(language: string, action: LinkAction): string
  /** A date (`yyyy-mm-dd`) as a button shows it: `23 June 2026`, at most 20 characters. */
  dateTitle(language: string, date: string): string
  /** What to call a customer whose name is not known. */
  unnamedCustomer(language: string): string
}

const line = (max: number) => z.string().trim().min(1).max(max).regex(/^.*$/, 'must be one line')
const languageSchema = z.strictObject({
  name: line(40),
  dates: z.strictObject({ locale: line(20), pattern: line(40) }),
  unnamed_customer: line(maxLengthOf('customer')),
  actions: z.record(z.enum(actions), z.strictObject({ title: line(25), short: line(20) })),
  links: z.strictObject({ update_address: line(20), add_alternate_number: line(20) }),
  texts: z.record(z.enum(textKeys), line(maxBodyLength)),
  examples: z.record(z.string(), line(maxBodyLength)),
})
/** https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/time-to-live */
const lifetimesSchema = z.record(z.string(), z.int().min(30).max(43_200))
type WrittenLanguage = z.infer<typeof languageSchema>
type Language = WrittenLanguage & { readonly renderers: ReadonlyMap<TextKey, (values: Values) => string> }

const placeholder = /\{\{([a-z][a-z0-9_]*)\}\}/g
/** Names of the placeholders in a text, each once. */
export const variablesIn = (source: string): string[] => [
  ...new Set([...source.matchAll(placeholder)].map(([, name]) => name ?? '')),
]

const compile = (source: string): ((values: Values) => string) => {
  // A syntax tree in place of text would let its author run code.
  if (typeof source !== 'string') throw new TypeError('a template must be text')
  return Handlebars.compile<Values>(source, { noEscape: true, strict: true, knownHelpersOnly: true })
}

const formatDate = ({ locale, pattern }: WrittenLanguage['dates'], date: string): string =>
  DateTime.fromISO(date, { zone: 'utc' }).setLocale(locale).reconfigure({ numberingSystem: 'latn' }).toFormat(pattern)

const sameList = (a: readonly string[], b: readonly string[]): boolean => a.join() === b.join()

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
    return isPlain && sameList(wanted, found)
      ? []
      : [`texts.${key}: must use exactly the values [${wanted.join(', ')}]`]
  }),
]

const loadLanguage = (path: string): Language => {
  const written = readYaml(path, languageSchema)
  const problems = languageProblems(written)
  if (problems.length > 0) return failWith(path, problems)
  return { ...written, renderers: new Map(textKeys.map((key) => [key, compile(written.texts[key])])) }
}

const letter = /\p{L}/u
const wordsIn = (text: string): number => text.match(/[\p{L}\p{M}\p{N}]+/gu)?.length ?? 0

/** Why Meta would not take this body as a template, or why it could not always be filled. */
const bodyProblems = (source: string): string[] => {
  const between = source.split(/\{\{[a-z][a-z0-9_]*\}\}/)
  const fixed = between.join('')
  const variables = [...source.matchAll(placeholder)].map(([, name]) => name ?? '')
  const longest = fixed.length + variables.reduce((sum, name) => sum + maxLengthOf(name), 0)
  const isPlain = !between.some((text) => /[{}\\\t\n]| {2}|\*\*/.test(text))
  return [
    ...(isPlain ? [] : ['only {{variable}} placeholders, one line, single spaces, no backslash, no **']),
    ...(letter.test(between[0] ?? '') ? [] : ['must not start with a variable']),
    ...(letter.test(between.at(-1) ?? '') ? [] : ['must not end with a variable']),
    ...(between.slice(1, -1).every((text) => letter.test(text)) ? [] : ['two variables stand next to each other']),
    ...(wordsIn(between.join(' ')) > 2 * variables.length ? [] : ['too few words for so many variables']),
    ...(longest <= maxBodyLength ? [] : [`up to ${longest} characters when filled; ${maxBodyLength} are allowed`]),
  ]
}

interface Source {
  readonly key: string
  readonly language: string
  readonly source: string
}

const readSources = (folder: string): Source[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.hbs'))
    .sort()
    .map((file) => {
      const [key = '', language = ''] = basename(file, '.hbs').split('.')
      return { key, language, source: readFileSync(join(folder, file), 'utf8').trim() }
    })

const reasonKeyOf = (templateKey: string): string | undefined => /^fdr_(.+)$/.exec(templateKey)?.[1]

/** How a template file disagrees with the other files. */
const sourceProblems = ({ key, language, source }: Source, data: Data): string[] => {
  const [variables, reasonKey] = [variablesIn(source), reasonKeyOf(key)]
  const english = data.sources.find((other) => other.key === key && other.language === 'en')
  const wanted = reasonKey ? fdrVariables(reasonKey) : variablesIn(english?.source ?? '')
  const examples = data.languages.get(language)?.examples ?? {}
  const hasReason = !reasonKey || data.reasons.reasons.some((reason) => reason.key === reasonKey)
  return [
    ...(data.languages.has(language) ? [] : [`there is no languages/${language}.yaml`]),
    ...(english ? [] : ['there is no English version']),
    ...(hasReason ? [] : [`there is no reason ${reasonKey}`]),
    ...(sameList(variables, wanted) ? [] : [`variables must come in this order: ${wanted.join(', ')}`]),
    ...variables.filter((name) => !Object.hasOwn(examples, name)).map((name) => `no example of ${name} in ${language}`),
  ]
}

const named = ({ key, language }: Source, problems: readonly string[]): string[] =>
  problems.map((problem) => `templates/${key}.${language}.hbs: ${problem}`)

/** What is wrong with a template file by itself. */
const fileProblems = (file: Source): string[] =>
  named(file, [
    ...bodyProblems(file.source),
    ...(/^[a-z0-9_]{1,512}$/.test(file.key) ? [] : ['the name may have a-z, 0-9 and _ only']),
  ])

interface Data {
  /** Template key -> seconds. */
  readonly lifetimes: Readonly<Record<string, number>>
  readonly reasons: ReasonTable
  readonly languages: ReadonlyMap<string, Language>
  readonly sources: readonly Source[]
}

const dataProblems = (data: Data): string[] => [
  ...(data.languages.has('en') ? [] : ['languages/en.yaml is absent']),
  ...Object.keys(data.lifetimes)
    .filter((key) => !data.sources.some((file) => file.key === key))
    .map((key) => `lifetimes.yaml: there is no template ${key}`),
  ...data.sources.flatMap((file) => [...fileProblems(file), ...named(file, sourceProblems(file, data))]),
  ...data.reasons.reasons
    .filter(({ key, notify }) => notify && !data.sources.some((file) => file.key === `fdr_${key}`))
    .map(({ key }) => `reason ${key} has no template fdr_${key}.en.hbs`),
]

/** What `load` gives, or undefined and its problems added to the others, so that all are told at once. */
const collect = <T>(problems: string[], load: () => T): T | undefined => {
  try {
    return load()
  } catch (error) {
    problems.push((error instanceof Error ? error.message : String(error)).replaceAll('\n', '\n  '))
    return undefined
  }
}

const loadLanguages = (folder: string, problems: string[]): Map<string, Language> => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'))
  const loaded = files.map((file) => [
    basename(file, '.yaml'),
    collect(problems, () => loadLanguage(join(folder, file))),
  ])
  return new Map(loaded.filter((entry): entry is [string, Language] => entry[1] !== undefined))
}

const readData = (configDir: string): Data => {
  const problems: string[] = []
  const reasons = collect(problems, () => loadReasons(join(configDir, 'reasons.yaml')))
  const languages = loadLanguages(join(configDir, 'languages'), problems)
  const lifetimes = collect(problems, () => readYaml(join(configDir, 'lifetimes.yaml'), lifetimesSchema))
  const data = {
    lifetimes: lifetimes ?? {},
    reasons: reasons ?? { reasons: [], patterns: [] },
    languages,
    sources: readSources(join(configDir, 'templates')),
  }
  problems.push(...(problems.length === 0 ? dataProblems(data) : data.sources.flatMap(fileProblems)))
  return problems.length > 0 ? failWith(configDir, problems) : data
}

/** The first of: the language asked for, its base language, English. */
const inLanguage = <T>(language: string, find: (language: string) => T | undefined): T | undefined =>
  find(language) ?? find(language.split(/[-_]/)[0] ?? '') ?? find('en')

const builtIn = ({ key, language, source }: Source, data: Data): BuiltInTemplate => {
  const reason = data.reasons.reasons.find((row) => row.key === reasonKeyOf(key))
  const titles = data.languages.get(language)?.actions
  const buttons = (reason?.buttons ?? []).map((action) => ({ action, title: titles?.[action].title ?? action }))
  return {
    key,
    language,
    category: 'UTILITY',
    source,
    variables: variablesIn(source),
    buttons,
    render: compile(source),
  }
}

const formOf = (template: BuiltInTemplate, examples: Values, seconds: number | undefined): RegistrationForm => {
  const { key, language, category, source, variables, buttons } = template
  const text = source.replace(placeholder, (_, name: string) => `{{${variables.indexOf(name) + 1}}}`)
  const values = variables.map((name) => examples[name] ?? '')
  const body: RegistrationForm['components'][number] = {
    type: 'BODY',
    text,
    ...(values.length > 0 ? { example: { body_text: [values] } } : {}),
  }
  const replies = buttons.map(({ title }) => ({ type: 'QUICK_REPLY', text: title }) as const)
  const components = replies.length > 0 ? [body, { type: 'BUTTONS', buttons: replies } as const] : [body]
  const lifetime = seconds === undefined ? {} : { message_send_ttl_seconds: seconds }
  return { name: key, language, category, parameter_format: 'POSITIONAL', ...lifetime, components }
}

const catalogOf = (data: Data): TemplateCatalog => {
  const templates = new Map(data.sources.map((file) => [`${file.key}.${file.language}`, builtIn(file, data)]))
  const template = (key: string, language: string): BuiltInTemplate =>
    inLanguage(language, (tag) => templates.get(`${key}.${tag}`)) ??
    failWith('the template catalog', [`no template ${key}`])
  const words = (language: string): Language =>
    inLanguage(language, (tag) => data.languages.get(tag)) ?? failWith('the template catalog', ['no English'])
  return {
    keys: [...new Set(data.sources.map(({ key }) => key))],
    languages: [...data.languages.keys()],
    template,
    registrationForm: (key, language) => {
      const found = template(key, language)
      return formOf(found, words(found.language).examples, data.lifetimes[key])
    },
    lifetimeMs: (key) => {
      const seconds = data.lifetimes[key]
      return seconds === undefined ? undefined : seconds * 1_000
    },
    text: (language, key, values = {}) => words(language).renderers.get(key)?.(values) ?? '',
    actionTitle: (language, action, form) => words(language).actions[action][form === 'full' ? 'title' : 'short'],
    linkTitle: (language, action) => words(language).links[action],
    dateTitle: (language, date) => formatDate(words(language).dates, date),
    unnamedCustomer: (language) => words(language).unnamed_customer,
  }
}

/**
 * Loads `templates/*.hbs`, `lifetimes.yaml`, `languages/*.yaml` and the buttons in `reasons.yaml`; compiles every text once. Checked
 * against Meta's rules for templates:
 * https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates/components
 *
 * @throws {Error} that names every problem found
 */
export const loadTemplateCatalog = (configDir: string): TemplateCatalog => catalogOf(readData(configDir))
