/** Everything that the product says, in every language. */

import type { RegistrationForm, TemplateCategory } from '../contract/templates.ts'
import { type CatalogData, readCatalogData } from './catalog/data.ts'
import { exampleOf, type TemplateFile } from './catalog/files.ts'
import { compileText, placeholder, type Values, variablesIn } from './catalog/placeholders.ts'
import { formatDate, type Language, type LinkAction, type TextKey } from './catalog/words.ts'
import type { KindTemplate } from './kinds/kind-template.ts'
import { languageOrder } from './languages.ts'
import { type Action, failWith } from './reason.ts'

/** A template of the product in one language. */
export interface BuiltInTemplate {
  readonly key: string
  /** The language it is written in, which may be a fallback of the one asked for. */
  readonly language: string
  readonly category: TemplateCategory
  /** Handlebars body with `{{variable}}` placeholders only. */
  readonly source: string
  /** In the order of their first appearance in every language; Meta numbers them so. */
  readonly variables: readonly string[]
  /** Quick replies, in order. */
  readonly buttons: readonly { readonly action: Action; readonly title: string }[]
  /** @throws {Error} when a value is missing */
  render(values: Values): string
}

/** A language falls back, in this order: the one asked for (`en_US`), its base language (`en`), English. */
export interface TemplateCatalog {
  readonly keys: readonly string[]
  readonly languages: readonly string[]
  /** What messages are about, by its key, and the template that tells it; a reason without text of its own is in it, too. */
  readonly reasons: ReadonlyMap<string, KindTemplate>
  /** Is there a template in exactly this language? */
  isWritten(key: string, language: string): boolean
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

/**
 * Loads `templates/*.hbs`, `lifetimes.yaml`, `languages/*.yaml` and the reasons of all kinds; compiles every text once.
 * Checked against Meta's rules for templates:
 * https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates/components
 *
 * @throws {Error} that names every problem found
 */
export const loadTemplateCatalog = (configDir: string): TemplateCatalog => catalogOf(readCatalogData(configDir))

const catalogOf = (data: CatalogData): TemplateCatalog => {
  const templates = new Map(data.files.map((file) => [`${file.key}.${file.language}`, builtIn(file, data)]))
  const template = (key: string, language: string): BuiltInTemplate =>
    inLanguage(language, (tag) => templates.get(`${key}.${tag}`)) ??
    failWith('the template catalog', [`no template ${key}`])
  const words = (language: string): Language =>
    inLanguage(language, (tag) => data.languages.get(tag)) ?? failWith('the template catalog', ['no English'])
  return {
    keys: [...new Set(data.files.map(({ key }) => key))],
    languages: [...data.languages.keys()],
    reasons: new Map([...data.kinds.values()].map((kind) => [kind.reason, kind])),
    isWritten: (key, language) => templates.has(`${key}.${language}`),
    template,
    registrationForm: (key, language) => {
      const found = template(key, language)
      const exampleFor = (name: string) => exampleOf(name, data.kinds.get(key), words(found.language).examples) ?? ''
      return formOf(found, exampleFor, data.lifetimes[key])
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

function inLanguage<T>(language: string, find: (language: string) => T | undefined): T | undefined {
  for (const tag of languageOrder([language])) {
    const found = find(tag)
    if (found !== undefined) return found
  }
  return undefined
}

const builtIn = ({ key, language, source }: TemplateFile, { kinds, languages }: CatalogData): BuiltInTemplate => {
  const kind = kinds.get(key)
  const titles = languages.get(language)?.actions
  return {
    key,
    language,
    category: kind?.category ?? 'UTILITY',
    source,
    variables: variablesIn(source),
    buttons: (kind?.buttons ?? []).map((action) => ({ action, title: titles?.[action].title ?? action })),
    render: compileText(source),
  }
}

const formOf = (
  { key, language, category, source, variables, buttons }: BuiltInTemplate,
  exampleFor: (variable: string) => string,
  seconds: number | undefined,
): RegistrationForm => {
  const text = source.replace(placeholder, (_, name: string) => `{{${variables.indexOf(name) + 1}}}`)
  const values = variables.map(exampleFor)
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
