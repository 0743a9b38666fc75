/** Which template a notification is told by, and in which language. */

import type { AccountSettings } from '../accounts/settings.ts'
import type { NamedContent, ReasonContent } from './kinds/kind.ts'
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
  /** What its quick replies do, in order. */
  readonly actions: readonly Action[]
}

/** The account's own template for the reason, else the built-in one in the account's first language. */
export function chooseTemplate(
  { catalog, builtInTemplateId }: TemplateDeps,
  { reason, templateName }: Pick<ReasonContent, 'reason' | 'templateName'>,
  settings: AccountSettings,
): ChosenTemplate {
  const own = settings.templates[reason]
  const language = own?.language ?? settings.languages[0] ?? 'en'
  const builtIn = catalog.keys.includes(templateName) ? catalog.template(templateName, language) : undefined
  const actions = builtIn?.buttons.map((button) => button.action) ?? []
  if (own) return { id: own.id, name: own.name, language: own.language, actions }
  const written = builtIn?.language ?? language
  return { id: builtInTemplateId(templateName, written), name: templateName, language: written, actions }
}

/** The template of that name. Its quick replies ask for nothing: what they do belongs to the reason's conversation. */
export function namedTemplate(
  { builtInTemplateId }: TemplateDeps,
  { name, language: wanted }: NamedContent,
  settings: AccountSettings,
): ChosenTemplate {
  const language = wanted ?? settings.languages[0] ?? 'en'
  return { id: builtInTemplateId(name, language), name, language, actions: [] }
}
