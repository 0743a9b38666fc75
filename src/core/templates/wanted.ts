import type { AccountSettings } from '../accounts/settings.ts'
import type { TemplateKey } from '../contract/events.ts'
import { fdrVariables } from '../notifications/content.ts'
import type { Reason } from '../notifications/reason.ts'
import type { TemplateCatalog } from '../notifications/template-catalog.ts'
import type { Wanted } from './fit.ts'

/** What a first message of a reason gives to its template, whoever registered that. */
export function wantedFor(catalog: TemplateCatalog, reasonKey: string, language: string): Wanted {
  const builtIn = `fdr_${reasonKey}`
  const buttons = catalog.keys.includes(builtIn) ? catalog.template(builtIn, language).buttons : []
  return { variables: fdrVariables(reasonKey), buttons: buttons.map(({ title }) => title) }
}

/** The template that an account's message of a reason is made from; undefined = it gets none. */
export function templateOf(
  catalog: TemplateCatalog,
  { key, notify }: Reason,
  { templates, languages }: Pick<AccountSettings, 'templates' | 'languages'>,
): TemplateKey | undefined {
  const own = templates[key]
  if (own) return { name: own.name, language: own.language }
  if (!notify) return undefined
  const name = `fdr_${key}`
  return { name, language: catalog.template(name, languages[0] ?? 'en').language }
}
