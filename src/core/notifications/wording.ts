/** What a notification says, in words or by which template. */

import type { AccountSettings } from '../accounts/settings.ts'
import type { Content } from '../contract/content.ts'
import { buttonPayload } from '../conversations/button-payload.ts'
import { type ChosenTemplate, namedTemplate, type TemplateDeps, templateChoices } from './choose-template.ts'
import type { ComposeFacts, NamedContent, NoticeContent, ReasonContent, Words } from './kinds/kind.ts'
import type { TemplateCatalog } from './template-catalog.ts'

/** A notification with its template chosen; free text has none. */
export type Wording =
  | { readonly template: ChosenTemplate; readonly said: ReasonContent | NamedContent }
  | { readonly template?: undefined; readonly text: string }

/** The same, with values that fit the template. */
export type FittedWording =
  | { readonly template: ChosenTemplate; readonly said: ReasonContent | FilledContent }
  | { readonly template?: undefined; readonly text: string }

interface FilledContent extends NamedContent {
  /** By variable, in the order of the template. */
  readonly values: Readonly<Record<string, string>>
}

/** What may be said, best first. */
export function wordingChoices(deps: TemplateDeps, content: NoticeContent, settings: AccountSettings): Wording[] {
  switch (content.type) {
    case 'reason':
      return templateChoices(deps, content, settings).map((template) => ({ template, said: content }))
    case 'named':
      return [{ template: namedTemplate(deps, content, settings), said: content }]
    case 'text':
      return [{ text: content.text }]
  }
}

export interface ContentFacts extends Omit<ComposeFacts, 'language' | 'words'> {
  /** Our id of the message; its buttons name it. */
  readonly reference: string
  readonly isMarketing: boolean
}

/** The content as it is stored and sent. */
export function contentOf(
  catalog: TemplateCatalog,
  wording: FittedWording,
  { reference, isMarketing, ...facts }: ContentFacts,
): Content {
  if (!wording.template) return { type: 'text', text: wording.text }
  const { name, language, actions } = wording.template
  const content = {
    type: 'template',
    template: { name, language },
    values: valuesOf(wording.said, { language, ...facts, words: wordsOf(catalog, language) }),
    buttons: actions.map((action) => buttonPayload({ reference, action })),
  } as const
  return isMarketing ? { isMarketing, ...content } : content
}

const wordsOf = (catalog: TemplateCatalog, language: string): Words => ({
  andMore: (count) => catalog.text(language, 'and_more', { n: String(count) }),
  unnamedCustomer: catalog.unnamedCustomer(language),
  date: (date) => catalog.dateTitle(language, date),
})

function valuesOf(said: ReasonContent | FilledContent, facts: ComposeFacts): Readonly<Record<string, string>> {
  return said.type === 'reason' ? said.values(facts) : said.values
}
