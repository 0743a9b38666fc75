/** Which template a notification is told by, and in which language. */

import type { AccountSettings } from '../accounts/settings.ts'
import type { TemplateCategory } from '../contract/templates.ts'
import type { NamedContent, ReasonContent } from './kinds/kind.ts'
import { languageOrder } from './languages.ts'
import type { Action } from './reason.ts'
import type { TemplateCatalog } from './template-catalog.ts'

export interface TemplateDeps {
  readonly catalog: TemplateCatalog
  readonly builtInTemplateId: (name: string, language: string) => number | undefined
}

export interface ChosenTemplate {
  readonly id: number | undefined
  readonly name: string
  readonly language: string
  /** Of a built-in one. */
  readonly category?: TemplateCategory | undefined
  /** What its quick replies do, in order. */
  readonly actions: readonly Action[]
}

/**
 * The account's own template for the reason; else the built-in one in each language in which it is written, best first:
 * what the event asks for, the account's languages in their order, English. A language is followed by its base language.
 */
export function templateChoices(
  { catalog, builtInTemplateId }: TemplateDeps,
  { reason, templateName: name, language: wish }: Pick<ReasonContent, 'reason' | 'templateName' | 'language'>,
  settings: Pick<AccountSettings, 'templates' | 'languages'>,
): ChosenTemplate[] {
  const own = settings.templates[reason]
  const languages = languageOrder([wish, ...settings.languages]).filter((language) => catalog.isWritten(name, language))
  const { category, buttons = [] } = catalog.reasons.get(reason) ?? {}
  const actions = languages.length > 0 ? buttons : []
  if (own) return [{ id: own.id, name: own.name, language: own.language, actions }]
  return languages.map((language) => ({ id: builtInTemplateId(name, language), name, language, category, actions }))
}

/**
 * The template of that name; where no language is told, in the account's first, and a built-in one in the first in which
 * it is written. Its quick replies ask for nothing: what they do belongs to the reason's conversation.
 */
export function namedTemplate(
  { catalog, builtInTemplateId }: TemplateDeps,
  { name, language: wanted }: NamedContent,
  settings: AccountSettings,
): ChosenTemplate {
  const isWritten = (tag: string) => catalog.isWritten(name, tag)
  const language = wanted ?? languageOrder(settings.languages).find(isWritten) ?? settings.languages[0] ?? 'en'
  return { id: builtInTemplateId(name, language), name, language, actions: [] }
}
