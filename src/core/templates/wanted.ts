import type { AccountSettings } from '../accounts/settings.ts'
import type { TemplateKey } from '../contract/events.ts'
import type { KindTemplate } from '../notifications/kinds/kind-template.ts'
import { languageOrder } from '../notifications/languages.ts'
import type { TemplateCatalog } from '../notifications/template-catalog.ts'
import type { Wanted } from './fit.ts'

/** What a first message of a reason gives to its template, whoever registered that. */
export function wantedFor(catalog: TemplateCatalog, reason: string, language: string): Wanted {
  const told = catalog.reasons.get(reason)
  const isBuiltIn = told !== undefined && catalog.keys.includes(told.name)
  const buttons = isBuiltIn ? catalog.template(told.name, language).buttons : []
  return {
    variables: told?.variables.map(({ name }) => name) ?? [],
    buttons: buttons.map(({ title }) => title),
  }
}

/** The template that an account's message of a reason is made from; undefined = it gets none. */
export function templateOf(
  catalog: TemplateCatalog,
  { reason, name, isNotifiedByDefault }: KindTemplate,
  { templates, languages }: Pick<AccountSettings, 'templates' | 'languages'>,
): TemplateKey | undefined {
  const own = templates[reason]
  if (own) return { name: own.name, language: own.language }
  if (!isNotifiedByDefault) return undefined
  const language = languageOrder(languages).find((tag) => catalog.isWritten(name, tag)) ?? 'en'
  return { name, language }
}
